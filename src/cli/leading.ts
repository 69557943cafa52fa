/**
 * What a server does while it leads: controller and goal-state service, made anew for every office; and the election that decides when.
 * Alone on its store it leads from the start to the end.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Counter, Gauge, Registry as MetricsRegistry } from 'prom-client';
import type { ResourceClient } from '../api/client.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { createInProcessClient } from '../apiserver/registry/client.ts';
import { createController, type Controller } from '../control/controller.ts';
import { Events } from '../control/events.ts';
import { type Election, type LeaderSeen, type Office, startElection } from '../control/leader/election.ts';
import { officeClient } from '../control/leader/officeclient.ts';
import { southboundAnnotation, type LeaseName } from '../control/leader/record.ts';
import type { LeaseTiming } from '../control/leader/timing.ts';
import { type Prepared, type Standby, startStandby } from '../control/standby/standby.ts';
import { takeTerm, termKey } from '../control/term.ts';
import { GoalState } from '../goal/state.ts';
import { systemClock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import { optional } from '../kit/json.ts';
import type { Logger } from '../kit/log.ts';
import type { Entrance } from '../southbound/entrance.ts';
import { serveSouthbound } from '../southbound/server.ts';
import type { TokenSecret } from '../southbound/tokens.ts';
import type { Revision, Store } from '../store/store.ts';

export interface LeadershipOptions {
  /** For the Lease and for events. */
  readonly client: ResourceClient;
  /** What one who was elected writes by, and his term. */
  readonly takeOffice: TakeOffice;
  /** Others may lead: there are more servers on the store. */
  readonly isShared: boolean;
  readonly lease: LeaseName;
  readonly timing: LeaseTiming;
  readonly entrance: Entrance;
  /** Where other servers send agents; undefined: agents find the leader by trying. */
  readonly southbound: string | undefined;
  /** See ControllerOptions.vets. */
  readonly vets?: boolean;
  /** Compiles along while another server leads, so as to lead sooner; `client` must be in process. Default false. */
  readonly follows?: boolean;
  readonly tokenSecret: TokenSecret;
  readonly serverVersion: string;
  readonly metrics: MetricsRegistry;
  readonly log: Logger;
  readonly onGoal: (goal: GoalState) => void;
}

export interface Taken {
  readonly client: ResourceClient;
  readonly term: number;
  /** At which the term was put: what was written in terms before is known to who has heard of this. */
  readonly revision?: Revision;
}

export type TakeOffice = (office: Office) => Promise<Taken>;

export interface Leadership {
  /** Resolves when this server has led for the first time, everything loaded; rejects when that failed. */
  readonly first: Promise<void>;
  /** Undefined while this server does not lead. */
  controller(): Controller | undefined;
  /** Who leads, as far as this server knows. */
  leader(): LeaderSeen | undefined;
  stop(): Promise<void>;
}

export const leaseName = { namespace: 'kube-system', name: 'heddle-controller' } as const;

export const startLeadership = (options: LeadershipOptions): Leadership => new Leading(options);

class Leading implements Leadership {
  readonly #options: LeadershipOptions;
  readonly #first = Promise.withResolvers<void>();
  readonly #election: Election;
  readonly #identity: string;
  readonly #events: Events;
  #controller: Controller | undefined;
  #leader: LeaderSeen | undefined;
  #standby: Standby | undefined;
  #offices: Counter<'start'> | undefined;
  #isStopped = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#first.promise.catch(() => undefined);
    const { client, isShared, lease, timing, southbound, log } = options;
    // The lock of a store that one process has open makes the name unique, and a restart need not wait for itself.
    this.#identity = isShared ? `${hostname()}_${randomUUID()}` : 'heddle-server';
    this.#events = new Events({ client, log, clock: systemClock });
    this.#measure();
    this.#election = startElection({
      client,
      lease,
      identity: this.#identity,
      timing,
      clock: systemClock,
      log,
      annotations: southbound === undefined ? {} : { [southboundAnnotation]: southbound },
      lead: (office) => this.#lead(office),
      onSeen: (leader) => this.#see(leader),
    });
  }

  get first(): Promise<void> {
    return this.#first.promise;
  }

  controller(): Controller | undefined {
    return this.#controller;
  }

  leader(): LeaderSeen | undefined {
    return this.#leader;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#election.stop(), this.#standby?.stop()]);
    await this.#events.close();
  }

  #see(leader: LeaderSeen | undefined): void {
    this.#leader = leader;
    const isOther = leader !== undefined && leader.identity !== this.#identity;
    const address = leader?.southbound === undefined ? {} : { address: leader.southbound };
    this.#options.entrance.setLeader(isOther ? { ...address, version: leader.version } : undefined);
    if (isOther) this.#follow();
  }

  #follow(): void {
    const { client, log, follows = false } = this.#options;
    if (follows && !this.#isStopped) this.#standby ??= startStandby({ client, log, clock: systemClock });
  }

  /** What this server knows already, for the office that it has taken. */
  async #prepared(revision: Revision | undefined): Promise<Prepared | undefined> {
    const standby = this.#standby;
    this.#standby = undefined;
    if (revision !== undefined) return standby?.handOver(revision);
    await standby?.stop();
    return undefined;
  }

  async #lead(office: Office): Promise<void> {
    try {
      await this.#hold(office);
    } catch (thrown) {
      this.#first.reject(thrown);
      this.#options.log.error({ error: HeddleError.from(thrown).message }, 'leading failed');
      throw thrown;
    }
  }

  async #hold(office: Office): Promise<void> {
    const { takeOffice, entrance, tokenSecret, log, onGoal, metrics, serverVersion, vets = false } = this.#options;
    const { client: written, term, revision } = await takeOffice(office);
    const prepared = await this.#prepared(revision);
    this.#offices?.inc({ start: prepared === undefined ? 'cold' : 'prepared' });
    const direct = officeClient(written, office);
    const client = prepared?.over(direct) ?? direct;
    const goal = new GoalState();
    onGoal(goal);
    const registry = new MetricsRegistry();
    const controller = createController({ client, goal, log, registry, vets, ...optional('compiler', prepared?.compiler) });
    const withdraw = join(metrics, registry);
    const service = serveSouthbound(
      // As long as an agent waits at most before it dials again.
      { goal, tokenSecret, log, term, serverVersion, events: controller.events, absenceMilliseconds: 2000 },
      entrance,
    );
    this.#tell(office, 'became leader');
    // Somebody else may be about to serve the devices: they hear nothing more from here, whatever else takes its time.
    const ended = aborted(office.signal).then(() => (office.isLost ? service.close() : undefined));
    try {
      await Promise.race([controller.start(service), ended]);
      if (!office.signal.aborted) {
        this.#controller = controller;
        this.#first.resolve();
      }
      await ended;
    } finally {
      this.#controller = undefined;
      await controller.stop();
      await service.close();
      withdraw();
      if (!office.isLost) this.#tell(office, 'stopped leading');
    }
  }

  /** Nobody asks who leads where there is one. */
  #tell({ lease }: Office, what: string): void {
    if (!this.#options.isShared) return;
    this.#events.record(lease, { type: 'Normal', reason: 'LeaderElection', message: `${this.#identity} ${what}` });
  }

  #measure(): void {
    const { metrics } = this.#options;
    const isLeader = (): number => (this.#controller === undefined ? 0 : 1);
    const registers = [metrics];
    this.#offices = new Counter({ name: 'heddle_offices_total', help: 'How often this server began to lead, with what it had compiled along or from nothing.', labelNames: ['start'], registers });
    const isReady = (): number => (this.#standby?.isReady === true ? 1 : 0);
    const standby: Gauge = new Gauge({ name: 'heddle_standby', help: 'Whether this server has compiled along and would lead at once.', registers, collect: () => standby.set(isReady()) });
    const leader: Gauge = new Gauge({ name: 'heddle_leader', help: 'Whether this server leads.', registers, collect: () => leader.set(isLeader()) });
    const master: Gauge<'name'> = new Gauge({
      name: 'leader_election_master_status',
      help: 'Whether this process holds the Lease of that name.',
      labelNames: ['name'],
      registers,
      collect: () => master.set({ name: this.#options.lease.name }, isLeader()),
    });
  }
}

/** On a store of our own the term is taken in it, and writes of one who lost the office are refused by it. */
export const officeOnStore =
  (store: Store, server: ApiServer, isShared: boolean): TakeOffice =>
  async (office) => {
    const { term, revision } = await takeTerm(store, office.term, () => leaseCheck(server, office));
    const fence = { key: termKey, revision, onLost: () => office.lose('another controller has taken a term') };
    return { term, revision, client: isShared ? createInProcessClient(server.registry.fenced(fence)) : server.client };
  };

const leaseCheck = ({ registry }: ApiServer, { lease: { metadata } }: Office) =>
  ({
    type: 'check',
    key: registry.scheme.byKind('Lease').key(leaseName.namespace, leaseName.name),
    expected: Number(metadata.resourceVersion),
  }) as const;

/** What is measured in one office is served with the rest; answers what ends that. */
const join = (metrics: MetricsRegistry, office: MetricsRegistry): (() => void) => {
  const added = office.getMetricsAsArray();
  for (const { name } of added) {
    const metric = office.getSingleMetric(name);
    if (metric !== undefined) metrics.registerMetric(metric);
  }
  return () => added.forEach(({ name }) => metrics.removeSingleMetric(name));
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
