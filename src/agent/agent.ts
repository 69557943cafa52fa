/**
 * The agent of one device: keeps it equal to the last goal it was given, with or without a controller. It starts from its
 * journal, adopts what is right on the device, repairs what is not, and takes new goals from the stream.
 */
import { create } from '@bufbuild/protobuf';
import type { Driver } from '../drivers/driver.ts';
import {
  type ActualRequest,
  HelloSchema,
  Phase,
  type ProbeRequest,
  ReportSchema,
  ResultSchema,
  type ScopeState,
  ScopeStateSchema,
  type Welcome,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { type Observation, messagesOf } from '../goal/observation.ts';
import type { Replica } from '../goal/replica.ts';
import { deviceScope } from '../goal/rows.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { type ClientOptions, type ReceivedTransaction, type SouthboundClient, connectSouthbound } from '../southbound/client.ts';
import { protocolVersion } from '../southbound/service.ts';
import type { BackoffOptions } from './backoff.ts';
import { Holding } from './holding.ts';
import type { JournalOptions, Recovered } from './journal.ts';
import { answerTo } from './inspection.ts';
import { Observer } from './observer.ts';
import { answersTo } from './probing.ts';
import { type Counters, type Outcome, Reconciler } from './reconciler.ts';
import { Reporter } from './reporter.ts';

export interface AgentOptions<Actual> extends JournalOptions {
  readonly device: string;
  /** `host:port` of the southbound service, or several with commas between them. */
  readonly server: string;
  /** PEM of the certificate authority. */
  readonly ca: string;
  /** Read anew for every connection. */
  readonly token: () => string;
  /** Name in the server's certificate when it is not the host of `server`. */
  readonly serverName?: string;
  readonly stateDirectory: string;
  /** In place of the one in `stateDirectory`, such as a `MemoryJournal`'s. */
  readonly journal?: Recovered;
  /** In place of an empty one that decodes every row anew. */
  readonly replica?: Replica;
  /** In place of `connectSouthbound`, such as with faults on the way. */
  readonly connect?: (options: ClientOptions) => SouthboundClient;
  readonly driver: Driver<Actual>;
  readonly log: Logger;
  readonly agentVersion?: string;
  /** Names a new journal. */
  readonly newEpoch: () => string;
  /** Changes with every boot of the device. */
  readonly bootId?: string;
  readonly driftMilliseconds?: number;
  /** The journal is long: read the device while recovering it. */
  readonly readEarly?: boolean;
  readonly backoff?: BackoffOptions;
}

export interface AgentStatus extends Counters {
  readonly connected: boolean;
  readonly isolated: boolean;
  readonly versions: ReadonlyMap<string, number>;
  /** Tables and fields of a newer server that this build left out. */
  readonly unknown: number;
}

export interface Agent {
  /** Rows rewritten until the device was first found equal to its goal; never resolves while it has none. */
  readonly adopted: Promise<number>;
  status(): AgentStatus;
  /** Ends the agent and leaves the device forwarding. */
  stop(): Promise<void>;
}

/** @throws HeddleError when the state directory cannot be used, and what the driver throws when it cannot run here. */
export const startAgent = async <Actual>(options: AgentOptions<Actual>): Promise<Agent> => {
  // Other processes find out what the device can do, and holds, while this one reads its journal.
  const { driver } = options;
  const probing = driver.probe();
  const reading = options.readEarly === true ? probing.then(() => driver.read()) : undefined;
  for (const early of [probing, reading]) early?.catch(() => {});
  const holding = await Holding.open(options);
  try {
    return new RunningAgent(options, holding, await probing, reading);
  } catch (error) {
    holding.close();
    throw error;
  }
};

class RunningAgent<Actual> implements Agent {
  readonly adopted: Promise<number>;
  readonly #options: AgentOptions<Actual>;
  readonly #holding: Holding;
  readonly #capabilities: readonly string[];
  readonly #reconciler: Reconciler<Actual>;
  readonly #reporter: Reporter;
  readonly #observer: Observer;
  readonly #client: SouthboundClient;
  #adopt: ((rows: number) => void) | undefined;
  #connected = false;
  #lineage = '';
  #lastReason = '';

  constructor(options: AgentOptions<Actual>, holding: Holding, capabilities: readonly string[], reading: Promise<Actual> | undefined) {
    this.#options = options;
    this.#holding = holding;
    this.#capabilities = capabilities;
    this.adopted = new Promise((resolve) => (this.#adopt = resolve));
    const { log, driver } = options;
    if (holding.condition !== 'whole') log.warn({ journal: holding.condition }, 'the journal did not end well');
    this.#reconciler = new Reconciler({
      driver,
      log,
      goal: () => holding.goal(),
      onOutcome: (outcome) => this.#outcome(outcome),
      onDrift: () => void this.#report(false),
      ...(reading === undefined ? {} : { reading }),
      ...(options.driftMilliseconds === undefined ? {} : { driftMilliseconds: options.driftMilliseconds }),
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    });
    this.#reporter = new Reporter({
      send: (result) => this.#client.sendResult(result),
      ownScope: deviceScope(options.device),
      scopeOf: (row) => holding.replica.scopeOf(row),
      foreignRows: () => holding.replica.foreignRows(),
    });
    this.#observer = new Observer({ send: (seen) => this.#connected && this.#report(false, seen) });
    this.#reconciler.start();
    driver.watch?.(() => this.#reconciler.stir());
    driver.observe?.((seen) => this.#observer.saw(seen));
    this.#client = (options.connect ?? connectSouthbound)({
      server: options.server,
      ca: options.ca,
      token: options.token,
      log,
      ...(options.serverName === undefined ? {} : { serverName: options.serverName }),
      handlers: {
        hello: () => this.#hello(),
        onWelcome: (welcome, server) => this.#welcome(welcome, server),
        onTransaction: (transaction) => this.#transaction(transaction),
        onIsolate: (reason, term) => this.#isolate(reason, term),
        onDigestRequest: () => this.#digests(),
        onActualRequest: (request) => void this.#inspect(request),
        onProbeRequest: (request) => void this.#probe(request),
        onDisconnected: (reason) => this.#disconnected(reason),
      },
    });
  }

  status(): AgentStatus {
    const { replica } = this.#holding;
    return {
      ...this.#reconciler.counters,
      connected: this.#connected,
      isolated: this.#holding.isolated,
      versions: new Map([...replica.scopes].map(([scope, { version }]) => [scope, version])),
      unknown: replica.unknown,
    };
  }

  async stop(): Promise<void> {
    this.#client.close();
    this.#observer.disconnected();
    await this.#reconciler.stop();
    await this.#options.driver.close();
    this.#holding.close();
  }

  #hello(): ReturnType<typeof create<typeof HelloSchema>> {
    return create(HelloSchema, {
      protocol: protocolVersion,
      device: this.#options.device,
      bootEpoch: `${this.#holding.epoch}/${this.#options.bootId ?? ''}`,
      agentVersion: this.#options.agentVersion ?? '',
      driver: this.#options.driver.name,
      capabilities: [...this.#capabilities],
      scopes: this.#scopeStates(this.#reporter.verifiedScopes(this.#holding.revision)),
      lineage: this.#holding.lineage,
    });
  }

  #welcome(welcome: Welcome, server: string): void {
    this.#connected = true;
    this.#lastReason = '';
    this.#lineage = welcome.lineage;
    this.#meet(welcome.term);
    const confirmed = welcome.scopes.map(({ scope, version }) => ({ scope, version: Number(version) }));
    if (this.#holding.confirm(welcome.lineage, confirmed)) this.#reporter.confirmed(this.#holding.revision, confirmed);
    const { log } = this.#options;
    log.info({ server, term: Number(welcome.term) }, 'connected to the controller');
    this.#observer.connected();
  }

  #meet(term: bigint): void {
    try {
      this.#holding.meet(term);
    } catch (error) {
      this.#options.log.warn({ error: HeddleError.from(error).message }, "the leader's term is not in the journal");
    }
  }

  #transaction({ drops, updates }: ReceivedTransaction): void {
    const { log } = this.#options;
    try {
      this.#holding.take({ lineage: this.#lineage, drops, updates });
    } catch (error) {
      const reason = HeddleError.from(error).message;
      log.warn({ reason }, 'update refused');
      for (const { scope, toVersion } of updates) this.#answer(scope, toVersion, Phase.REFUSED, reason);
      if (updates.length === 0) for (const { scope } of drops) this.#answer(scope, 0n, Phase.REFUSED, reason);
      return;
    }
    for (const { scope, toVersion } of updates) this.#answer(scope, toVersion, Phase.RECEIVED, '');
    this.#reporter.committed(this.#holding.revision, [...drops, ...updates].map(({ scope }) => scope));
    this.#reconciler.poke();
    this.#tidy();
  }

  #isolate(reason: string, term: bigint): void {
    const { log } = this.#options;
    if (term < this.#holding.term) {
      log.warn({ reason, term: Number(term) }, 'isolation refused: this device has seen a newer leader');
      return;
    }
    log.warn({ reason }, 'the controller does not know this device: tenant ports are taken out of service');
    try {
      this.#holding.isolate(term);
    } catch (error) {
      log.error({ error: HeddleError.from(error).message }, 'the isolation is not in the journal');
    }
    this.#reconciler.poke();
  }

  async #inspect(request: ActualRequest): Promise<void> {
    this.#client.sendActual(answerTo(request, await this.#reconciler.inspect()));
  }

  async #probe(request: ProbeRequest): Promise<void> {
    this.#client.sendProbes(await answersTo(request, this.#options.driver));
  }

  #digests(): void {
    this.#report(true);
    this.#reporter.repeat();
  }

  /** Every attempt fails for a reason; what is new is said, so that a wrong certificate is seen and a long absence is not noise. */
  #disconnected(reason: string): void {
    const { server, log } = this.#options;
    const isNews = this.#connected || reason !== this.#lastReason;
    const level = isNews ? 'warn' : 'debug';
    log[level]({ server, reason }, 'no connection to the controller: keeping the last goal, trying again');
    this.#lastReason = reason;
    this.#connected = false;
    this.#reporter.disconnected();
    this.#observer.disconnected();
  }

  #outcome(outcome: Outcome): void {
    if (outcome.phase === 'verified') this.#firstTimeEqual();
    this.#reporter.outcome(outcome);
    this.#tidy();
  }

  #firstTimeEqual(): void {
    if (this.#adopt === undefined) return;
    const { rowsWritten } = this.#reconciler.counters;
    this.#adopt(rowsWritten);
    this.#adopt = undefined;
    // performance.now() counts from the start of the process.
    this.#options.log.info({ rowsWritten }, `adopted in ${Math.round(performance.now())} ms, ${rowsWritten} rows rewritten`);
  }

  #answer(scope: string, version: bigint, phase: Phase, reason: string): void {
    this.#client.sendResult(create(ResultSchema, { scope, version, phase, reason }));
  }

  #report(full: boolean, seen: Observation = {}): boolean {
    const { driftRepaired, rowsWritten, drifted } = this.#reconciler.counters;
    const scopes = full ? this.#scopeStates() : [];
    const counters = { driftRepaired: BigInt(driftRepaired), rowsWritten: BigInt(rowsWritten), drifted: [...drifted] };
    return this.#client.sendReport(create(ReportSchema, { ...counters, ...messagesOf(seen), scopes, full }));
  }

  #scopeStates(verified: ReadonlySet<string> = new Set()): ScopeState[] {
    return [...this.#holding.replica.scopes].map(([scope, { version, digest, rows }]) => {
      const phase = verified.has(scope) ? Phase.VERIFIED : Phase.UNSPECIFIED;
      return create(ScopeStateSchema, { scope, version: BigInt(version), digest, phase, rows: rows.size });
    });
  }

  #tidy(): void {
    try {
      this.#holding.tidy();
    } catch (error) {
      this.#options.log.warn({ error: HeddleError.from(error).message }, 'the journal is not as it should be: trying again');
    }
  }
}
