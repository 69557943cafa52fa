/**
 * The device's side of the stream: dials, says what it holds, hands on transactions, and dials again for as long as it lives.
 * It keeps no state of its own; losing the connection loses at most a transaction that was not complete.
 */
import { create } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, Metadata, credentials } from '@grpc/grpc-js';
import {
  type Drop,
  type FromAgent,
  FromAgentSchema,
  type FromServer,
  type Hello,
  type Report,
  type Result,
  type Update,
  type Welcome,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Logger } from '../kit/log.ts';
import { agentMethod } from './service.ts';

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
}

export interface SouthboundClient {
  /** False when there is no connection; what is not sent now is said again after the next Welcome. */
  sendResult(result: Result): boolean;
  sendReport(report: Report): boolean;
  close(): void;
}

const steadyMilliseconds = 2000;

type Call = ClientDuplexStream<FromAgent, FromServer>;

/** Milliseconds to wait before attempt n (from 0): exponential with jitter, first at most 100, never more than 2,000. */
export const retryDelay = (attempt: number, random: number): number =>
  Math.min(2000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);

export const connectSouthbound = (options: ClientOptions): SouthboundClient => new Connector(options);

class Connector implements SouthboundClient {
  readonly #options: ClientOptions;
  #client: Client | undefined;
  #call: Call | undefined;
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
    this.#call?.end();
    this.#call = undefined;
    this.#client?.close();
  }

  #dial(): void {
    const { server, ca, serverName, handlers } = this.#options;
    try {
      // A client of its own for every attempt: a channel has a back-off too, and two of them add up.
      this.#client = new Client(server, credentials.createSsl(Buffer.from(ca)), {
        'grpc.use_local_subchannel_pool': 1,
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
        'grpc.max_receive_message_length': -1,
        'grpc.enable_retries': 0,
        'grpc.enable_http_proxy': 0,
        'grpc.service_config_disable_resolution': 1,
        ...(serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName }),
      });
      const { path, requestSerialize, responseDeserialize } = agentMethod;
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${this.#options.token()}`);
      const call: Call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
      this.#call = call;
      call.on('data', (message: FromServer) => this.#receive(call, message));
      call.on('error', (error: Error) => this.#lost(call, error.message));
      call.on('end', () => this.#lost(call, 'the server ended the stream'));
      this.#send({ case: 'hello', value: handlers.hello() });
    } catch (error) {
      this.#lost(this.#call, error instanceof Error ? error.message : String(error));
    }
  }

  #send(message: FromAgent['message']): boolean {
    if (this.#call === undefined) return false;
    this.#call.write(create(FromAgentSchema, { message }));
    return true;
  }

  #receive(call: Call, { message }: FromServer): void {
    if (call !== this.#call) return;
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

  #lost(call: Call | undefined, reason: string): void {
    if (call !== this.#call || this.#closed) return;
    this.#call = undefined;
    this.#client?.close();
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
