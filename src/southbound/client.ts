/**
 * The device's side of the stream: dials, says what it holds, hands on transactions, and dials again for as long as it lives.
 * It keeps no state of its own; losing the connection loses at most a transaction that was not complete.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ActualRequest,
  type ActualRows,
  type FromAgent,
  FromAgentSchema,
  type FromServer,
  FromServerSchema,
  type ProbeAnswers,
  type ProbeRequest,
  type Hello,
  Phase,
  type Report,
  type Result,
  ResultSchema,
  ResultsSchema,
  type Welcome,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Logger } from '../kit/log.ts';
import { Inbox, type ReceivedTransaction } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { Servers } from './servers.ts';
import { methodPath } from './service.ts';
import { type MessageStream, type StreamOptions, openStream } from './stream.ts';

export type { ReceivedTransaction } from './inbox.ts';

export interface ClientHandlers {
  /** Called anew for every connection. */
  hello(): Hello;
  /** Also called a second time in a connection, when there is more to confirm. */
  onWelcome(welcome: Welcome, server: string): void;
  onTransaction(transaction: ReceivedTransaction): void;
  onIsolate(reason: string, term: bigint): void;
  onDigestRequest(): void;
  /** Left out: the server gets no answer. */
  onActualRequest?(request: ActualRequest): void;
  /** Left out: the server gets no answer. */
  onProbeRequest?(request: ProbeRequest): void;
  onDisconnected(reason: string): void;
}

export interface ClientOptions {
  /** `host:port`, or several with commas between them, of which one leads. */
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
  /** Bytes of one transaction that are taken; a larger one is refused. Default 256 MiB. */
  readonly mostTransactionBytes?: number;
}

export interface SouthboundClient {
  /**
   * False when there is no connection; what is not sent now is said again after the next Welcome. Results of one turn of the
   * event loop go together, and of one scope and version only the last phase.
   */
  sendResult(result: Result): boolean;
  sendReport(report: Report): boolean;
  sendActual(rows: ActualRows): boolean;
  sendProbes(answers: ProbeAnswers): boolean;
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
  /** Of the last connection, to make the next one cheaper. */
  #tlsSession: Buffer | undefined;
  readonly #servers: Servers;
  readonly #inbox: Inbox;
  readonly #outbox = new Outbox((results) => this.#sendResults(results));

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#inbox = new Inbox(options.mostTransactionBytes);
    this.#servers = new Servers(options.server, Math.random());
    this.#dial();
  }

  sendResult(result: Result): boolean {
    if (this.#stream === undefined) return false;
    this.#outbox.put(result);
    return true;
  }

  sendReport(report: Report): boolean {
    return this.#send({ case: 'report', value: report });
  }

  sendActual(rows: ActualRows): boolean {
    return this.#send({ case: 'actualRows', value: rows });
  }

  sendProbes(answers: ProbeAnswers): boolean {
    return this.#send({ case: 'probeAnswers', value: answers });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#outbox.flush();
    this.#stream?.close();
    this.#stream = undefined;
  }

  #dial(): void {
    const { ca, serverName, token, handlers, open = openStream, decode = decodeMessage } = this.#options;
    const { current: server, tried, areSeveral } = this.#servers;
    this.#connection += 1;
    const connection = this.#connection;
    try {
      this.#stream = open({
        server,
        ca,
        path: methodPath,
        token: token(),
        onMessage: (bytes) => this.#receive(connection, decode(bytes), bytes.length),
        onSession: (session) => (this.#tlsSession = session),
        ...(this.#tlsSession === undefined ? {} : { session: this.#tlsSession }),
        onEnd: (reason, leader) => this.#lost(connection, reason, leader),
        tried,
        // Who has others to go to does not wait long for one that is gone, or stands still.
        ...(areSeveral ? { connectMilliseconds: 2000, keepaliveMilliseconds: 2000 } : {}),
        ...(serverName === undefined ? {} : { serverName }),
      });
      this.#send({ case: 'hello', value: handlers.hello() });
    } catch (error) {
      this.#lost(connection, error instanceof Error ? error.message : String(error));
    }
  }

  #sendResults(results: Result[]): void {
    const [first] = results;
    if (first === undefined) return;
    if (results.length === 1) this.#send({ case: 'result', value: first });
    else this.#send({ case: 'results', value: create(ResultsSchema, { results }) });
  }

  #send(message: FromAgent['message']): boolean {
    if (this.#stream === undefined) return false;
    this.#stream.send(toBinary(FromAgentSchema, create(FromAgentSchema, { message })));
    return true;
  }

  #receive(connection: number, { message }: FromServer, bytes: number): void {
    if (connection !== this.#connection || this.#closed) return;
    const { handlers, log } = this.#options;
    switch (message.case) {
      case 'welcome':
        this.#welcomedAt = performance.now();
        this.#servers.serves();
        return handlers.onWelcome(message.value, this.#servers.current);
      case 'update':
        return this.#inbox.update(message.value, bytes);
      case 'drop':
        return this.#inbox.drop(message.value);
      case 'commit':
        return this.#commit();
      case 'isolate':
        this.#inbox.clear();
        return handlers.onIsolate(message.value.reason, message.value.term);
      case 'digestRequest':
        return handlers.onDigestRequest();
      case 'actualRequest':
        return handlers.onActualRequest?.(message.value);
      case 'probeRequest':
        return handlers.onProbeRequest?.(message.value);
      case undefined:
        log.warn('message of a newer server ignored');
    }
  }

  #commit(): void {
    const taken = this.#inbox.take();
    if (!('refused' in taken)) return this.#options.handlers.onTransaction(taken);
    this.#options.log.warn({ reason: taken.reason }, 'update refused');
    for (const { scope, toVersion: version } of taken.refused) {
      this.sendResult(create(ResultSchema, { scope, version, phase: Phase.REFUSED, reason: taken.reason }));
    }
  }

  #lost(connection: number, reason: string, leader?: string): void {
    if (connection !== this.#connection || this.#closed) return;
    this.#connection += 1;
    this.#stream?.abandon();
    this.#stream = undefined;
    this.#inbox.clear();
    this.#outbox.clear();
    this.#options.handlers.onDisconnected(reason);
    const isServed = Number.isFinite(this.#welcomedAt);
    const { isNewRound } = isServed && leader === undefined ? this.#servers.lost() : this.#servers.failed(leader);
    // A connection that did not last is as good as none: two agents of one name must not chase each other at full speed.
    if (performance.now() - this.#welcomedAt > steadyMilliseconds) this.#attempt = 0;
    const delay = isNewRound ? retryDelay(this.#attempt, Math.random()) : 0;
    if (isNewRound) this.#attempt += 1;
    this.#welcomedAt = Number.POSITIVE_INFINITY;
    this.#timer = setTimeout(() => this.#dial(), delay);
  }
}
