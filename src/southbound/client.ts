/**
 * The device's side of the stream: dials, says what it holds, hands on transactions, and dials again for as long as it lives.
 * It keeps no state of its own; losing the connection loses at most a transaction that was not complete.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type Drop,
  type FromAgent,
  FromAgentSchema,
  type FromServer,
  FromServerSchema,
  type Hello,
  type Report,
  type Result,
  type Update,
  type Welcome,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Logger } from '../kit/log.ts';
import { methodPath } from './service.ts';
import { type MessageStream, type StreamOptions, openStream } from './stream.ts';

/** What lies between two Commits: one step from a consistent goal state to the next. */
export interface ReceivedTransaction {
  readonly drops: readonly Drop[];
  readonly updates: readonly Update[];
}

export interface ClientHandlers {
  /** Called anew for every connection. */
  hello(): Hello;
  onWelcome(welcome: Welcome): void;
  onTransaction(transaction: ReceivedTransaction): void;
  onIsolate(reason: string): void;
  onDigestRequest(): void;
  onDisconnected(reason: string): void;
}

export interface ClientOptions {
  /** `host:port`. */
  readonly server: string;
  /** PEM of the certificate authority. */
  readonly ca: string;
  /** Read anew for every connection, so that a token may be exchanged under a running agent. */
  readonly token: () => string;
  readonly handlers: ClientHandlers;
  readonly log: Logger;
  /** Name in the server's certificate when it is not the host of `server`. */
  readonly serverName?: string;
  /** In place of a plain stream, such as one with faults. */
  readonly open?: (options: StreamOptions) => MessageStream;
  /** In place of decoding anew, such as by looking equal bytes up. What it answers must not be changed. */
  readonly decode?: (bytes: Uint8Array) => FromServer;
}

export interface SouthboundClient {
  /** False when there is no connection; what is not sent now is said again after the next Welcome. */
  sendResult(result: Result): boolean;
  sendReport(report: Report): boolean;
  close(): void;
}

const steadyMilliseconds = 2000;

/** Milliseconds to wait before attempt n (from 0): exponential with jitter, first at most 100, never more than 2,000. */
export const retryDelay = (attempt: number, random: number): number =>
  Math.min(2000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);

const decodeMessage = (bytes: Uint8Array): FromServer => fromBinary(FromServerSchema, bytes);

export const connectSouthbound = (options: ClientOptions): SouthboundClient => new Connector(options);

class Connector implements SouthboundClient {
  readonly #options: ClientOptions;
  #stream: MessageStream | undefined;
  /** Counts connections, so that what an old one still says is not heard. */
  #connection = 0;
  #timer: NodeJS.Timeout | undefined;
  #attempt = 0;
  #welcomedAt = Number.POSITIVE_INFINITY;
  #closed = false;
  #drops: Drop[] = [];
  #updates: Update[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#dial();
  }

  sendResult(result: Result): boolean {
    return this.#send({ case: 'result', value: result });
  }

  sendReport(report: Report): boolean {
    return this.#send({ case: 'report', value: report });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = undefined;
  }

  #dial(): void {
    const { server, ca, serverName, token, handlers, open = openStream, decode = decodeMessage } = this.#options;
    this.#connection += 1;
    const connection = this.#connection;
    try {
      this.#stream = open({
        server,
        ca,
        path: methodPath,
        token: token(),
        onMessage: (bytes) => this.#receive(connection, decode(bytes)),
        onEnd: (reason) => this.#lost(connection, reason),
        ...(serverName === undefined ? {} : { serverName }),
      });
      this.#send({ case: 'hello', value: handlers.hello() });
    } catch (error) {
      this.#lost(connection, error instanceof Error ? error.message : String(error));
    }
  }

  #send(message: FromAgent['message']): boolean {
    if (this.#stream === undefined) return false;
    this.#stream.send(toBinary(FromAgentSchema, create(FromAgentSchema, { message })));
    return true;
  }

  #receive(connection: number, { message }: FromServer): void {
    if (connection !== this.#connection || this.#closed) return;
    const { handlers, log } = this.#options;
    switch (message.case) {
      case 'welcome':
        this.#welcomedAt = performance.now();
        return handlers.onWelcome(message.value);
      case 'update':
        this.#updates.push(message.value);
        return;
      case 'drop':
        this.#drops.push(message.value);
        return;
      case 'commit':
        return handlers.onTransaction(this.#takeTransaction());
      case 'isolate':
        this.#takeTransaction();
        return handlers.onIsolate(message.value.reason);
      case 'digestRequest':
        return handlers.onDigestRequest();
      case undefined:
        log.warn('message of a newer server ignored');
    }
  }

  #takeTransaction(): ReceivedTransaction {
    const transaction = { drops: this.#drops, updates: this.#updates };
    this.#drops = [];
    this.#updates = [];
    return transaction;
  }

  #lost(connection: number, reason: string): void {
    if (connection !== this.#connection || this.#closed) return;
    this.#connection += 1;
    this.#stream?.abandon();
    this.#stream = undefined;
    this.#takeTransaction();
    this.#options.handlers.onDisconnected(reason);
    // A connection that did not last is as good as none: two agents of one name must not chase each other at full speed.
    if (performance.now() - this.#welcomedAt > steadyMilliseconds) this.#attempt = 0;
    const delay = retryDelay(this.#attempt, Math.random());
    this.#attempt += 1;
    this.#welcomedAt = Number.POSITIVE_INFINITY;
    this.#timer = setTimeout(() => this.#dial(), delay);
  }
}
