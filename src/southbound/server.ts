/**
 * The goal-state service: streams every device its scopes and hears what became of them. Devices dial in over TLS with a bearer
 * token. State per connected device is a handful of version numbers; rows are kept once, in the GoalState.
 */
import { randomUUID } from 'node:crypto';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { type FromAgent, type Hello, Phase, type Report, type Result } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { ChangedScope, GoalState } from '../goal/state.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import type { Phase as PhaseName, ScopeResult, SouthboundEvents } from './events.ts';
import { protocolVersion, serverMethod } from './service.ts';
import { Session, type SessionContext } from './session.ts';
import { type TokenSecret, deviceOfToken } from './tokens.ts';
import { EncodedUpdates } from './updates.ts';

export interface SouthboundOptions {
  readonly goal: GoalState;
  /** `host:port` each; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** PEM. */
  readonly tls: { readonly key: string; readonly certificate: string };
  readonly tokenSecret: TokenSecret;
  readonly log: Logger;
  readonly events?: SouthboundEvents;
  /** Term of this leader; agents refuse a lower one than they have seen. Default 1. */
  readonly term?: number;
  /** Names the versions of this GoalState; default a new one, as versions start anew with the process. */
  readonly lineage?: string;
  readonly serverVersion?: string;
  /** After this long without an answer a device is asked for its digests, after twice this long it is cut off. Default 10,000. */
  readonly patienceMilliseconds?: number;
  /** How often every device is asked for its digests. Default 60,000. */
  readonly digestMilliseconds?: number;
}

export interface Southbound {
  /** What listens, as `host:port` with the port really taken. */
  readonly addresses: readonly string[];
  /** Sends changes, as `GoalState.commit` returned them, to every connected device that holds the scope. */
  publish(changed: readonly ChangedScope[]): void;
  /**
   * The devices that are declared. Until the first call no device gets anything: commit the goal state before. A connected
   * device that is not among them isolates itself.
   */
  setDevices(names: Iterable<string>): void;
  isKnown(device: string): boolean;
  /** Devices with a live stream. */
  connected(): readonly string[];
  /** How many updates were encoded so far. */
  encodedUpdates(): number;
  close(): Promise<void>;
}

type Call = ServerDuplexStream<FromAgent, Buffer>;

/** @throws HeddleError `Unavailable` when an address cannot be listened on. */
export const startSouthbound = async (options: SouthboundOptions): Promise<Southbound> => {
  const service = new Service(options);
  const addresses = await service.listen(options.listen);
  return {
    addresses,
    publish: (changed) => service.publish(changed),
    setDevices: (names) => service.setDevices(names),
    isKnown: (device) => service.isKnown(device) === true,
    connected: () => service.connected(),
    encodedUpdates: () => service.encodedUpdates(),
    close: () => service.close(),
  };
};

interface Connection {
  readonly call: Call;
  readonly session: Session;
}

class Service implements SessionContext {
  readonly goal: GoalState;
  readonly updates: EncodedUpdates;
  readonly term: number;
  readonly lineage: string;
  readonly serverVersion: string;
  readonly #options: SouthboundOptions;
  readonly #server: Server;
  readonly #connections = new Map<string, Connection>();
  readonly #timer: NodeJS.Timeout;
  /** Devices to flush in coming turns: thousands that connect at once must not hold up everything else. */
  readonly #admission = new Set<Session>();
  #devices: ReadonlySet<string> | undefined;
  #nextDigests: number;

  constructor(options: SouthboundOptions) {
    this.#options = options;
    this.goal = options.goal;
    this.term = options.term ?? 1;
    this.updates = new EncodedUpdates(options.goal, this.term);
    this.lineage = options.lineage ?? randomUUID();
    this.serverVersion = options.serverVersion ?? '';
    this.#server = new Server({
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_receive_message_length': 16 * 1024 * 1024,
      'grpc.max_send_message_length': -1,
    });
    this.#server.addService({ sync: serverMethod }, { sync: (call: Call) => this.#accept(call) });
    this.#nextDigests = performance.now() + (options.digestMilliseconds ?? 60_000);
    this.#timer = setInterval(() => this.#check(), Math.min(200, this.#patience / 2)).unref();
  }

  async listen(addresses: readonly string[]): Promise<string[]> {
    const { key, certificate } = this.#options.tls;
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
    try {
      return await Promise.all(addresses.map((address) => this.#bind(address, ServerCredentials.createSsl(null, [pair]))));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  publish(changed: readonly ChangedScope[]): void {
    const devices = new Set(changed.flatMap(({ scope }) => this.goal.devicesOf(scope)));
    for (const device of devices) this.#connections.get(device)?.session.flush(performance.now());
  }

  setDevices(names: Iterable<string>): void {
    this.#devices = new Set(names);
    for (const { session } of this.#connections.values()) this.#admit(session);
  }

  isKnown(device: string): boolean | undefined {
    return this.#devices?.has(device);
  }

  connected(): readonly string[] {
    return [...this.#connections.keys()];
  }

  encodedUpdates(): number {
    return this.updates.encoded;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#admission.clear();
    this.#server.forceShutdown();
    await Promise.resolve();
  }

  get #patience(): number {
    return this.#options.patienceMilliseconds ?? 10_000;
  }

  #bind(address: string, credentials: ServerCredentials): Promise<string> {
    const host = address.slice(0, address.lastIndexOf(':'));
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, port) => {
        if (error === null) resolve(`${host}:${port}`);
        else reject(new HeddleError('Unavailable', `cannot listen for devices on '${address}': ${error.message}`, { cause: error }));
      });
    });
  }

  #accept(call: Call): void {
    const device = this.#authenticate(call);
    if (device === undefined) {
      this.#options.log.warn({ peer: call.getPeer() }, 'device refused: token not valid');
      refuse(call, status.UNAUTHENTICATED, 'the token is not valid: give the device the token of this control plane');
      return;
    }
    const session = new Session(device, this, (message) => void call.write(message));
    const connection = { call, session };
    call.on('data', (message: FromAgent) => this.#receive(connection, message));
    // A stream ends in one of several ways, and sometimes in more than one.
    for (const event of ['end', 'cancelled', 'error', 'close']) call.on(event, () => this.#leave(connection));
  }

  #authenticate(call: Call): string | undefined {
    const [authorization] = call.metadata.get('authorization');
    const token = /^Bearer (.+)$/i.exec(String(authorization ?? ''))?.[1];
    return token === undefined ? undefined : deviceOfToken(this.#options.tokenSecret, token);
  }

  #receive(connection: Connection, { message }: FromAgent): void {
    if (message.case === 'hello') this.#hello(connection, message.value);
    else if (this.#connections.get(connection.session.device) !== connection) return;
    else if (message.case === 'result') this.#result(connection.session, message.value);
    else if (message.case === 'report') this.#report(connection.session, message.value);
  }

  #hello(connection: Connection, hello: Hello): void {
    const { call, session } = connection;
    const { device } = session;
    if (hello.device !== device) {
      refuse(call, status.PERMISSION_DENIED, `the token is of device '${device}', not of '${hello.device}'`);
      return;
    }
    if (hello.protocol !== protocolVersion) {
      refuse(call, status.FAILED_PRECONDITION, `protocol ${hello.protocol} is not spoken here, only ${protocolVersion}`);
      return;
    }
    const former = this.#connections.get(device);
    if (former === connection) return;
    this.#connections.set(device, connection);
    if (former !== undefined) refuse(former.call, status.ABORTED, 'a newer connection of this device took over');
    this.#options.log.info({ device, driver: hello.driver, scopes: hello.scopes.length }, 'device connected');
    session.welcome(hello);
    const { bootEpoch, agentVersion, driver, capabilities } = hello;
    this.#options.events?.onConnected?.(device, { device, bootEpoch, agentVersion, driver, capabilities });
    this.#admit(session);
  }

  #result(session: Session, result: Result): void {
    session.result(result, performance.now());
    const phase = phaseNames.get(result.phase);
    if (phase === undefined) return;
    if (phase === 'refused') {
      this.#options.log.warn({ device: session.device, scope: result.scope, reason: result.reason }, 'update refused');
    }
    const { scope, reason } = result;
    const failed = result.failed.map(({ table, key, code, message }) => ({ table, key, code, message }));
    const plain: ScopeResult = { scope, version: Number(result.version), phase, failed, reason };
    this.#options.events?.onResult?.(session.device, plain);
  }

  #report(session: Session, report: Report): void {
    session.report(report, performance.now());
    this.#options.events?.onReport?.(session.device, {
      driftRepaired: Number(report.driftRepaired),
      rowsWritten: Number(report.rowsWritten),
      drifted: report.drifted,
    });
  }

  #leave(connection: Connection): void {
    const { call, session } = connection;
    call.end();
    this.#admission.delete(session);
    if (this.#connections.get(session.device) !== connection) return;
    this.#connections.delete(session.device);
    this.#options.log.info({ device: session.device }, 'device disconnected');
    this.#options.events?.onDisconnected?.(session.device);
  }

  #admit(session: Session): void {
    if (this.#admission.size === 0) setImmediate(() => this.#admitSome());
    this.#admission.add(session);
  }

  #admitSome(): void {
    for (const session of [...this.#admission].slice(0, admittedPerTurn)) {
      this.#admission.delete(session);
      session.flush(performance.now());
    }
    if (this.#admission.size > 0) setImmediate(() => this.#admitSome());
  }

  #check(): void {
    const now = performance.now();
    const askAll = now >= this.#nextDigests;
    if (askAll) this.#nextDigests = now + (this.#options.digestMilliseconds ?? 60_000);
    for (const { call, session } of this.#connections.values()) {
      if (!session.checkOverdue(now, this.#patience)) refuse(call, status.DEADLINE_EXCEEDED, 'the device does not answer');
      else if (askAll) session.requestDigests(now);
      session.flush(now);
    }
  }
}

const admittedPerTurn = 32;

const phaseNames: ReadonlyMap<number, PhaseName> = new Map([
  [Phase.RECEIVED, 'received'],
  [Phase.PROGRAMMED, 'programmed'],
  [Phase.VERIFIED, 'verified'],
  [Phase.REFUSED, 'refused'],
]);

/** Ends the stream with a status; grpc-js takes it from an `error` event. */
const refuse = (call: Call, code: status, details: string): void => {
  call.emit('error', { code, details });
};
