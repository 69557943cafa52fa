/**
 * The members of one etcd, and calls that reach whichever answers. One connection carries everything; when its member is lost,
 * or has lost the others, the next member is dialled, and in the end the first again, slower and slower.
 */
import { createSecureContext, type SecureContext } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { HeddleError } from '../../kit/error.ts';
import { Connection, type EtcdStream, type Metadata, type StreamHandlers } from './connection.ts';
import { GrpcFault, isTlsRefusal, statusCodes } from './fault.ts';
import { AuthenticateRequestSchema, AuthenticateResponseSchema } from './gen/etcd/etcd_pb.ts';

export interface ClusterOptions {
  /** `https://host:port` (or http) of the members, in the order in which they are tried. */
  readonly endpoints: readonly string[];
  /** PEM of the authority of the members' certificates; left out: the system's. */
  readonly ca?: string;
  /** PEM of the certificate and key that say who we are. */
  readonly cert?: string;
  readonly key?: string;
  readonly username?: string;
  readonly password?: string;
  /** Hears, in words, of members that were lost and found again. */
  readonly onTrouble?: (message: string) => void;
}

/** Within it another try is made; elections take 1 to 2 seconds. */
const patienceMilliseconds = 5_000;
/** How long a call waits for a connection. */
const connectionMilliseconds = 1_500;
/** etcd itself gives up after 7 s. */
const callMilliseconds = 9_000;
const shortestPause = 50;
const longestPause = 2_000;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #secureContext: SecureContext | undefined;
  readonly #stop = new AbortController();
  #current: Connection | undefined;
  #dialling: Promise<Connection> | undefined;
  /** Index of the endpoint to dial next. */
  #next = 0;
  #token: string | undefined;
  #lastReason = 'it was not dialled yet';
  readonly #all = new Set<Connection>();

  /** @throws HeddleError `BadRequest` for endpoints, certificates or keys that are none */
  constructor(options: ClusterOptions) {
    this.#options = options;
    checkEndpoints(options.endpoints);
    this.#secureContext = secureContextOf(options);
  }

  /**
   * One question, one answer. A call that `mayRepeat` is tried until the patience ends; another one only as long as it is certain
   * that it had no effect. @throws GrpcFault
   */
  async call(path: string, message: Uint8Array, mayRepeat: boolean): Promise<Uint8Array> {
    const deadline = performance.now() + patienceMilliseconds;
    for (let pause = shortestPause; ; pause *= 2) {
      const connection = this.#usable() ?? (await this.#connected());
      try {
        return await connection.unary(path, message, await this.#metadata(connection), callMilliseconds);
      } catch (thrown) {
        if (!(thrown instanceof GrpcFault)) throw thrown;
        this.#react(connection, thrown);
        const again = thrown.isPassing && (mayRepeat || thrown.isUnapplied);
        if (!again || performance.now() + pause > deadline) throw thrown;
        await this.#pause(pause);
      }
    }
  }

  /** @throws GrpcFault when no member can be reached. */
  async stream(path: string, handlers: StreamHandlers): Promise<EtcdStream> {
    const connection = this.#usable() ?? (await this.#connected());
    return connection.stream(path, await this.#metadata(connection), {
      onMessage: handlers.onMessage,
      onEnd: (fault) => {
        this.#react(connection, fault);
        handlers.onEnd(fault);
      },
    });
  }

  /** Where the connection is now. */
  get endpoint(): string | undefined {
    return this.#usable()?.endpoint;
  }

  close(): void {
    this.#stop.abort();
    for (const connection of this.#all) connection.destroy('the store was closed');
  }

  #usable(): Connection | undefined {
    return this.#current?.isUsable === true ? this.#current : undefined;
  }

  /** A member that cannot serve is left for the next one. What is under way there may still end well. */
  #react(connection: Connection, fault: GrpcFault): void {
    if (fault.isStaleToken) this.#token = undefined;
    else if (fault.isPassing && this.#current === connection) {
      this.#lose(connection.endpoint, fault.message);
      this.#current = undefined;
      connection.retire();
    }
  }

  #lose(endpoint: string, reason: string): void {
    this.#lastReason = `${endpoint}: ${reason}`;
    if (!this.#stop.signal.aborted) this.#options.onTrouble?.(`etcd ${endpoint} cannot be used: ${reason}`);
  }

  /** Waits for the connection that all share; who cannot wait longer leaves, and the dialling goes on. */
  async #connected(): Promise<Connection> {
    this.#dialling ??= this.#shareDial();
    const patience = new AbortController();
    const late = delay(connectionMilliseconds, undefined, { signal: patience.signal }).catch(() => undefined);
    try {
      const connection = await Promise.race([this.#dialling, late]);
      if (connection !== undefined) return connection;
    } finally {
      patience.abort();
    }
    throw new GrpcFault(statusCodes.unavailable, this.#lastReason, 'not sent');
  }

  #shareDial(): Promise<Connection> {
    const dialling = this.#dial().finally(() => (this.#dialling = undefined));
    // When the store is closed nobody may be waiting for it.
    dialling.catch(() => undefined);
    return dialling;
  }

  async #dial(): Promise<Connection> {
    const { endpoints, onTrouble } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      if (this.#stop.signal.aborted) throw new GrpcFault(statusCodes.unavailable, 'the store is closed', 'not sent');
      const endpoint = endpoints[this.#next % endpoints.length] ?? '';
      const connection = await this.#try(endpoint);
      if (connection !== undefined) {
        this.#current = connection;
        if (attempt > 0) onTrouble?.(`etcd ${endpoint} answers`);
        return connection;
      }
      this.#next = (this.#next + 1) % endpoints.length;
      if ((attempt + 1) % endpoints.length > 0) continue;
      if (isTlsRefusal(this.#lastReason)) throw new GrpcFault(statusCodes.unavailable, this.#lastReason, 'not sent');
      await this.#pause(Math.min(longestPause, shortestPause * 2 ** ((attempt + 1) / endpoints.length)));
    }
  }

  async #try(endpoint: string): Promise<Connection | undefined> {
    const connection: Connection = new Connection(endpoint, this.#secureContext, (reason) => {
      this.#all.delete(connection);
      if (this.#current !== connection) return;
      this.#current = undefined;
      this.#next += 1;
      this.#lose(endpoint, reason);
    });
    this.#all.add(connection);
    try {
      await connection.opened();
      return connection;
    } catch (thrown) {
      this.#lose(endpoint, thrown instanceof Error ? thrown.message : String(thrown));
      return undefined;
    }
  }

  /** A member that has lost the others refuses what has `hasleader` instead of letting it wait. */
  async #metadata(connection: Connection): Promise<Metadata> {
    const { username, password = '' } = this.#options;
    if (username === undefined) return withLeader;
    if (this.#token === undefined) {
      const question = toBinary(AuthenticateRequestSchema, create(AuthenticateRequestSchema, { name: username, password }));
      const answer = await connection.unary('/etcdserverpb.Auth/Authenticate', question, withLeader, callMilliseconds).catch((thrown: unknown) => {
        // What was asked for was not even sent.
        throw thrown instanceof GrpcFault ? new GrpcFault(thrown.status, thrown.message, thrown.isAnswer ? 'answered' : 'not sent') : thrown;
      });
      this.#token = fromBinary(AuthenticateResponseSchema, answer).token;
    }
    return { ...withLeader, token: this.#token };
  }

  async #pause(milliseconds: number): Promise<void> {
    await delay(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

const withLeader: Metadata = { hasleader: 'true' };

const checkEndpoints = (endpoints: readonly string[]): void => {
  if (endpoints.length === 0) throw new HeddleError('BadRequest', 'etcd needs at least one endpoint, such as https://127.0.0.1:2379');
  for (const endpoint of endpoints) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    const isPlain = url !== undefined && url.pathname === '/' && url.username === '' && url.search === '';
    if (!isPlain || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      throw new HeddleError('BadRequest', `etcd endpoint "${endpoint}" is no address; write it like https://127.0.0.1:2379`);
    }
  }
};

const secureContextOf = ({ endpoints, ca, cert, key }: ClusterOptions): SecureContext | undefined => {
  if (endpoints.every((endpoint) => endpoint.startsWith('http:'))) return undefined;
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  } catch (thrown) {
    const says = `the certificate or key for etcd cannot be used: ${HeddleError.from(thrown).message}`;
    throw new HeddleError('BadRequest', says, { cause: thrown });
  }
};
