/**
 * The goal-state service: streams every device its scopes and hears what became of them. Devices dial in over TLS with a bearer
 * token. State per connected device is a handful of version numbers; rows are kept once, in the GoalState.
 */
import { randomUUID } from 'node:crypto';
import { create, fromBinary } from '@bufbuild/protobuf';
import {
  type FromAgent, FromAgentSchema, type FromServer, type Hello, Phase, type ProbeAnswers, ProbeRequestSchema, type Report, type Result,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { observationOf } from '../goal/observation.ts';
import type { ChangedScope, GoalState } from '../goal/state.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { frameOf } from '../kit/frames.ts';
import { Absences } from './absences.ts';
import { Contests } from './contest.ts';
import { type Entrance, type EntranceOptions, callerOf, faultText, openEntrance } from './entrance.ts';
import type { Phase as PhaseName, RowFailure, SouthboundEvents } from './events.ts';
import { type Call, type CallHandlers, status } from './grpc.ts';
import { Payload } from './http2/payload.ts';
import { type Findings, Inquiries, type Inquiry } from './inquiries.ts';
import { type Answer, Pending } from './pending.ts';
import { encodeFromServer, protocolVersion } from './service.ts';
import { type ScopeVersion, Session, type SessionContext } from './session.ts';
import type { TokenSecret } from './tokens.ts';
import { Turns } from './turns.ts';
import { EncodedUpdates } from './updates.ts';

export interface SouthboundOptions extends ServiceOptions, EntranceOptions {}

export interface ServiceOptions {
  readonly goal: GoalState;
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
  /**
   * A device that is back within this time was not away: neither its going nor its coming is told, and nobody writes it down,
   * thousands of times, when a network hiccups. A crowd that is returning has more. Default 0.
   */
  readonly absenceMilliseconds?: number;
  /** How many devices that have connected are brought up to date at the same time. Default 128. */
  readonly mostAdmitted?: number;
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
  /** Devices that are sent nothing for now, and keep what they have; replaces those named before. */
  hold(devices: ReadonlySet<string>): void;
  /** Devices with a live stream. */
  connected(): readonly string[];
  /** Asks a device what of its goal it really has. Never rejects: a device that does not answer in time is unknown. */
  inspect(device: string, inquiry: Inquiry, milliseconds: number): Promise<Findings>;
  /** Asks a device which VTEPs answer it, by address. Never rejects: a device that does not answer in time is unknown. */
  probe(device: string, targets: readonly string[], milliseconds: number): Promise<Answer<ReadonlyMap<string, boolean>>>;
  /** How many updates were encoded so far. */
  encodedUpdates(): number;
  close(): Promise<void>;
}

/** With an entrance of its own. @throws HeddleError `Unavailable` when an address cannot be listened on. */
export const startSouthbound = async (options: SouthboundOptions): Promise<Southbound> => {
  const entrance = await openEntrance(options);
  const southbound = serveSouthbound(options, entrance);
  return {
    ...southbound,
    close: async () => {
      await southbound.close();
      await entrance.close();
    },
  };
};

/** Serves those who come in, until it is closed; the entrance stays. */
export const serveSouthbound = (options: ServiceOptions, entrance: Entrance): Southbound => {
  const service = new Service(options);
  service.handshakes = () => entrance.handshakes();
  const end = entrance.open((call) => service.accept(call));
  return {
    addresses: entrance.addresses,
    publish: (changed) => service.publish(changed),
    setDevices: (names) => service.setDevices(names),
    isKnown: (device) => service.isKnown(device) === true,
    hold: (devices) => service.hold(devices),
    connected: () => service.connected(),
    inspect: (device, inquiry, milliseconds) => service.inspect(device, inquiry, milliseconds),
    probe: (device, targets, milliseconds) => service.probe(device, targets, milliseconds),
    encodedUpdates: () => service.updates.encoded,
    close: async () => {
      service.close();
      end();
    },
  };
};

interface Connection {
  readonly call: Call;
  readonly session: Session;
  bootEpoch: string;
}

class Service implements SessionContext {
  readonly goal: GoalState;
  readonly updates: EncodedUpdates;
  readonly term: number;
  readonly lineage: string;
  readonly serverVersion: string;
  /** Connections that have not got as far as `accept`. */
  handshakes = (): number => 0;
  readonly #options: ServiceOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #turns: Turns<Connection>;
  /** Those that the clock is watched for. */
  readonly #watched = new Set<Connection>();
  readonly #contests = new Contests();
  readonly #absences: Absences;
  readonly #inquiries = new Inquiries();
  readonly #probes = new Pending<ReadonlyMap<string, boolean>>();
  readonly #patience: number;
  readonly #digestMilliseconds: number;
  readonly #timer: NodeJS.Timeout;
  readonly #tick: number;
  /** Who is asked for digests next. */
  #round: MapIterator<Connection> | undefined;
  /** How many are to be asked. */
  #due = 0;
  #devices: ReadonlySet<string> | undefined;
  #held: ReadonlySet<string> = new Set();

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.goal = options.goal;
    this.term = options.term ?? 1;
    this.updates = new EncodedUpdates(options.goal, this.term);
    this.lineage = options.lineage ?? randomUUID();
    this.serverVersion = options.serverVersion ?? '';
    const { mostAdmitted } = options;
    const serve = (item: Connection): boolean => this.#flush(item);
    const onFault = (item: Connection, error: unknown): void => this.#fault(item, error);
    this.#turns = new Turns({ serve, onFault, ...(mostAdmitted === undefined ? {} : { mostAdmitted }) });
    this.#absences = new Absences({ grace: options.absenceMilliseconds ?? 0, areDialling: () => this.handshakes() > 0 });
    this.#patience = options.patienceMilliseconds ?? 10_000;
    this.#digestMilliseconds = options.digestMilliseconds ?? 60_000;
    this.#tick = Math.min(200, this.#patience / 2, this.#digestMilliseconds);
    this.#timer = setInterval(() => this.#check(), this.#tick).unref();
  }

  accept(call: Call): CallHandlers {
    const device = callerOf(call, this.#options.tokenSecret, this.#options.log);
    if (device === undefined) return { onMessage: () => {}, onDrain: () => {}, onClosed: () => {} };
    const session = new Session(device, this, (payload) => call.send(payload));
    const connection = { call, session, bootEpoch: '' };
    return {
      onMessage: (bytes) => this.#decode(connection, bytes),
      onDrain: () => this.#attempt(connection, () => this.#drained(connection)),
      onClosed: () => this.#attempt(connection, () => this.#leave(connection)),
    };
  }

  publish(changed: readonly ChangedScope[]): void {
    const urgent = new Set<Connection>();
    const usual = new Set<Connection>();
    for (const { scope, from } of changed) {
      const concerned = this.#subscribers(scope);
      if (concerned.length === 0) continue;
      const group = this.updates.update(scope, from).withdraws ? urgent : usual;
      for (const connection of concerned) {
        connection.session.mark(scope);
        group.add(connection);
      }
    }
    this.#turns.serve(urgent, usual);
  }

  setDevices(names: Iterable<string>): void {
    const before = this.#devices;
    const devices = new Set(names);
    this.#devices = devices;
    for (const [device, connection] of this.#connections) {
      const known = devices.has(device);
      if (!known) this.#attempt(connection, () => this.#flush(connection));
      else if (before?.has(device) !== true) this.#turns.admit(connection);
    }
  }

  isKnown(device: string): boolean | undefined {
    return this.#held.has(device) ? undefined : this.#devices?.has(device);
  }

  hold(devices: ReadonlySet<string>): void {
    const before = this.#held;
    this.#held = devices;
    for (const device of before) {
      const connection = this.#connections.get(device);
      if (connection !== undefined && !devices.has(device)) this.#turns.admit(connection);
    }
  }

  connected(): readonly string[] {
    return [...this.#connections.keys()];
  }

  inspect(device: string, inquiry: Inquiry, milliseconds: number): Promise<Findings> {
    return this.#inquiries.ask(device, inquiry, milliseconds, (value) => this.#put(device, { case: 'actualRequest', value }));
  }

  probe(device: string, targets: readonly string[], milliseconds: number): Promise<Answer<ReadonlyMap<string, boolean>>> {
    // What the answer needs for its way comes on top.
    return this.#probes.ask(device, milliseconds + wayMilliseconds, (id) => {
      const value = create(ProbeRequestSchema, { id, targets: [...targets], milliseconds });
      return this.#put(device, { case: 'probeRequest', value });
    });
  }

  /** Hands a question to a device; false: it is not connected. */
  #put(device: string, message: FromServer['message']): boolean {
    const connection = this.#connections.get(device);
    connection?.call.send(new Payload(frameOf(encodeFromServer(message))));
    return connection !== undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#inquiries.close();
    this.#probes.close();
    this.#turns.close();
  }

  #subscribers(scope: string): Connection[] {
    const connections: Connection[] = [];
    for (const device of this.goal.devicesOf(scope)) {
      const connection = this.#connections.get(device);
      if (connection !== undefined) connections.push(connection);
    }
    return connections;
  }

  #decode(connection: Connection, bytes: Uint8Array): void {
    let message: FromAgent;
    try {
      message = fromBinary(FromAgentSchema, bytes);
    } catch (error) {
      return connection.call.end(status.invalidArgument, `not a message of an agent: ${HeddleError.from(error).message}`);
    }
    this.#attempt(connection, () => this.#receive(connection, message));
  }

  #attempt(connection: Connection, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fault(connection, error);
    }
  }

  /** A fault of ours while one device is served ends that device's stream, which it dials anew; the others go on. */
  #fault(connection: Connection, error: unknown): void {
    this.#logFault(connection.session.device, error);
    connection.call.end(status.internal, 'a fault of the control plane; see its log');
  }

  #logFault(device: string, error: unknown): void {
    this.#options.log.error({ device, error: faultText(error) }, 'serving the device failed');
  }

  #receive(connection: Connection, { message }: FromAgent): void {
    if (message.case === 'hello') return this.#hello(connection, message.value);
    if (this.#connections.get(connection.session.device) !== connection) return;
    if (message.case === 'result') this.#results(connection, [message.value]);
    else if (message.case === 'results') this.#results(connection, message.value.results);
    else if (message.case === 'report') this.#report(connection, message.value);
    else if (message.case === 'actualRows') this.#inquiries.answered(connection.session.device, message.value);
    else if (message.case === 'probeAnswers') this.#probes.answered(connection.session.device, message.value.id, probedOf(message.value));
  }

  #hello(connection: Connection, hello: Hello): void {
    const { call, session } = connection;
    const { device } = session;
    if (hello.device !== device) {
      return call.end(status.permissionDenied, `the token is of device '${device}', not of '${hello.device}'`);
    }
    if (hello.protocol !== protocolVersion) {
      return call.end(status.failedPrecondition, `protocol ${hello.protocol} is not spoken here, only ${protocolVersion}`);
    }
    const former = this.#connections.get(device);
    if (former === connection) return;
    const { bootEpoch, agentVersion, driver, capabilities } = hello;
    connection.bootEpoch = bootEpoch;
    this.#connections.set(device, connection);
    this.#absences.returned(device, performance.now());
    if (former !== undefined) this.#takeOver(former, connection);
    const { log, events } = this.#options;
    log.info({ device, driver, scopes: hello.scopes.length }, 'device connected');
    const confirmed = session.welcome(hello);
    const rows = hello.scopes.reduce((sum, scope) => sum + scope.rows, 0);
    const foreign = hello.lineage === this.lineage ? {} : { foreignRows: rows };
    events?.onConnected?.(device, { device, bootEpoch, agentVersion, driver, capabilities, ...foreign });
    this.#confirm(device, confirmed);
    this.#turns.admit(connection);
  }

  #takeOver(former: Connection, connection: Connection): void {
    const { device } = connection.session;
    const claimant = ({ call, bootEpoch }: Connection): { peer: string; bootEpoch: string } => ({ peer: call.peer, bootEpoch });
    const contest = this.#contests.takeover(device, claimant(former), claimant(connection), performance.now());
    former.call.end(status.aborted, 'a newer connection of this device took over');
    if (contest === undefined) return;
    this.#options.log.warn({ device, ...contest }, 'two agents take turns as one device');
    this.#options.events?.onContested?.(device, contest);
  }

  /** The device's last result for these scopes stands, and it is not said again. */
  #confirm(device: string, confirmed: readonly ScopeVersion[]): void {
    for (const { scope, version } of confirmed) {
      this.#tell(device, scope, version, 'received', nothingFailed, '');
      this.#tell(device, scope, version, 'verified', nothingFailed, '');
    }
  }

  #results(connection: Connection, results: readonly Result[]): void {
    const now = performance.now();
    for (const result of results) this.#result(connection, result, now);
    this.#flush(connection);
  }

  #result({ session }: Connection, result: Result, now: number): void {
    const { device } = session;
    const isAnswer = session.result(result, now);
    const phase = phaseNames.get(result.phase);
    if (phase === undefined) return;
    const { scope, reason } = result;
    if (phase === 'refused') this.#options.log.warn({ device, scope, reason }, 'update refused');
    const version = Number(result.version);
    if (isAnswer && phase !== 'received' && phase !== 'refused') this.#tell(device, scope, version, 'received', nothingFailed, '');
    const failed = result.failed.map(({ table, key, code, message }) => ({ table, key, code, message }));
    this.#tell(device, scope, version, phase, failed, reason);
  }

  #tell(device: string, scope: string, version: number, phase: PhaseName, failed: readonly RowFailure[], reason: string): void {
    this.#options.events?.onResult?.(device, { scope, version, phase, failed, reason });
  }

  #report(connection: Connection, report: Report): void {
    const { session } = connection;
    for (const { scope, version } of session.report(report)) this.#tell(session.device, scope, version, 'received', nothingFailed, '');
    this.#flush(connection);
    this.#options.events?.onReport?.(session.device, {
      driftRepaired: Number(report.driftRepaired),
      rowsWritten: Number(report.rowsWritten),
      drifted: report.drifted,
    });
    const seen = observationOf(report);
    if (seen !== undefined) this.#options.events?.onObservation?.(session.device, seen);
  }

  #drained(connection: Connection): void {
    connection.session.drained(performance.now());
    this.#flush(connection);
  }

  #leave(connection: Connection): void {
    const { device } = connection.session;
    this.#turns.remove(connection);
    this.#watched.delete(connection);
    if (this.#connections.get(device) !== connection) return;
    this.#connections.delete(device);
    this.#inquiries.left(device);
    this.#probes.left(device);
    this.#options.log.info({ device }, 'device disconnected');
    if (this.#absences.left(device, performance.now())) this.#options.events?.onDisconnected?.(device);
  }

  #tellAbsent(now: number): void {
    for (const device of this.#absences.overdue(now)) {
      try {
        this.#options.events?.onDisconnected?.(device);
      } catch (error) {
        this.#logFault(device, error);
      }
    }
  }

  /** Sends what the device lacks, unless it is not admitted yet. Answers whether something is under way. */
  #flush(connection: Connection): boolean {
    const { session } = connection;
    if (this.#turns.isWaiting(connection) && this.isKnown(session.device) !== false) return false;
    this.#confirm(session.device, session.flush(performance.now()));
    const { isWaiting } = session;
    if (isWaiting) {
      this.#watched.add(connection);
    } else {
      this.#watched.delete(connection);
      this.#turns.settled(connection);
    }
    return isWaiting;
  }

  #check(): void {
    const now = performance.now();
    for (const connection of this.#watched) this.#attempt(connection, () => this.#checkOne(connection, now));
    this.#turns.check(now);
    this.#contests.tidy(now);
    this.#tellAbsent(now);
    this.#askSome(now);
  }

  #checkOne(connection: Connection, now: number): void {
    if (connection.session.checkOverdue(now, this.#patience)) this.#flush(connection);
    else connection.call.end(status.deadlineExceeded, 'the device does not answer');
  }

  /** Every device is asked for its digests once in a while, and not all in the same moment. */
  #askSome(now: number): void {
    this.#due += (this.#connections.size * this.#tick) / this.#digestMilliseconds;
    for (; this.#due >= 1; this.#due -= 1) {
      const connection = this.#nextInRound();
      if (connection === undefined) continue;
      this.#attempt(connection, () => connection.session.requestDigests(now));
      this.#watched.add(connection);
    }
  }

  #nextInRound(): Connection | undefined {
    const next = this.#round?.next();
    if (next?.value !== undefined) return next.value;
    this.#round = this.#connections.values();
    return this.#round.next().value;
  }
}

/** What a device has to answer beside the time that its probes take. */
const wayMilliseconds = 1000;

const probedOf = ({ answers, failure }: ProbeAnswers): Answer<ReadonlyMap<string, boolean>> =>
  failure === '' ? { ok: true, found: new Map(answers.map(({ target, answered }) => [target, answered])) } : { ok: false, reason: failure };

const nothingFailed: readonly RowFailure[] = [];

const phaseNames: ReadonlyMap<number, PhaseName> = new Map([
  [Phase.RECEIVED, 'received'],
  [Phase.PROGRAMMED, 'programmed'],
  [Phase.VERIFIED, 'verified'],
  [Phase.REFUSED, 'refused'],
]);
