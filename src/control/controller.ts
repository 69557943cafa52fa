/**
 * The loop of the house: what the resource API says is compiled, what the compiler demands is allocated, what is different
 * is published, and what the devices answer becomes status. Nothing is published before every kind was listed, so that a
 * restart never takes away what it has not read yet.
 */
import type { Registry } from 'prom-client';
import type { ResourceClient } from '../api/client.ts';
import { isDraining } from '../api/drain.ts';
import type { GoalView } from '../api/goalview.ts';
import { kinds } from '../api/kinds.ts';
import type { SwitchStatus } from '../api/kinds/switch.ts';
import { refKey, refOf, type Resource } from '../api/object.ts';
import type { Planned } from '../api/planning.ts';
import type { PlanStatus } from '../api/planview.ts';
import { createCompiler } from '../compile/compiler.ts';
import type { Compiler, CompileResult, ObjectChange as CompiledChange } from '../compile/engine.ts';
import { hasErrors } from '../compile/finding.ts';
import type { ChangedScope, GoalState } from '../goal/state.ts';
import { deviceScope, rowId } from '../goal/rows.ts';
import { systemClock, type Clock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import { optional } from '../kit/json.ts';
import type { Logger } from '../kit/log.ts';
import type { SouthboundEvents } from '../southbound/events.ts';
import type { Findings, Inquiry } from '../southbound/inquiries.ts';
import type { Answer } from '../southbound/pending.ts';
import { Allocator, type Owner } from './allocate.ts';
import { Barrier } from './barrier.ts';
import { Cabling } from './cabling.ts';
import { Claims } from './claims.ts';
import { Devices } from './devices.ts';
import { Drains } from './drains.ts';
import { explainDevice, refOfKey, type ExplainQuery, type ExplainSources } from './explain.ts';
import { startInformers, type Informers, type ObjectChange } from './informer.ts';
import { Leases } from './leases.ts';
import { Mailbox } from './mailbox.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Objects, type Replaced } from './objects.ts';
import { planOf, type Asker, type Runs } from './plan/plan.ts';
import { rehearse, type Rehearsed } from './plan/rehearsal.ts';
import { Turns } from './plan/turns.ts';
import { Publisher } from './publish.ts';
import { Questions, type QuestionSources } from './questions/questions.ts';
import { Probing } from './rollout/probing.ts';
import { Rollouts } from './rollout/rollouts.ts';
import { hasAcknowledged, vitalsOf } from './rollout/vitals.ts';
import { SouthboundListener } from './listener.ts';
import { Reports, usualPace, type Pace } from './reports.ts';
import { Sessions } from './sessions.ts';
import { deviceKey, deviceKinds, Safeguard } from './safeguard.ts';
import { verdictOn } from './verdict.ts';
import { Underlay } from './underlay.ts';
import { Vetting } from './vetting.ts';
import { createVerifier } from '../verify/checker.ts';
import { lookupIn } from '../verify/state.ts';
import { Verification, type CreateVerifier } from './verification/verification.ts';
import type { Watcher } from './watcher.ts';
import { Withheld, type Parties, type Reason } from './withheld.ts';

/** What the controller needs of the southbound service. */
export interface Outlet {
  publish(changed: readonly ChangedScope[]): void;
  setDevices(names: Iterable<string>): void;
  /** Devices that are sent nothing for now; replaces those named before. */
  hold(devices: ReadonlySet<string>): void;
  /** Asks a device what of its goal it really has; left out: nobody knows. */
  inspect?(device: string, inquiry: Inquiry, milliseconds: number): Promise<Findings>;
  /** Asks a device which of these VTEPs answer it, by address; left out: nobody knows. Never rejects. */
  probe?(device: string, targets: readonly string[], milliseconds: number): Promise<Answer<ReadonlyMap<string, boolean>>>;
}

export interface ControllerOptions {
  readonly client: ResourceClient;
  readonly goal: GoalState;
  readonly log: Logger;
  /** Where the metrics go. */
  readonly registry: Registry;
  readonly clock?: Clock;
  /** One that has compiled before; default: a new one. What it answers first must hold everything there is. */
  readonly compiler?: Compiler;
  /**
   * How long after the start a status that was True stays so while devices have not been heard of yet. Default 3,000.
   */
  readonly patienceMilliseconds?: number;
  readonly pace?: Pace;
  /** The API server does not know our rules and defaults: objects are judged here before anything is made of them. Default false. */
  readonly vets?: boolean;
  /** How long a neighbour at the other end of a cable is missing before it is told. Default 10,000. */
  readonly missingMilliseconds?: number;
  /** How long a session between devices is as it is before it is told. Default 1,000. */
  readonly settleMilliseconds?: number;
  /** What proves changes before they are published. Default: src/verify. */
  readonly createVerifier?: CreateVerifier;
  /** After how long what was not proven is tried again; twice as long each time. Default 1,000. */
  readonly proofRetryMilliseconds?: number;
}

export interface Controller {
  /** To be given to the southbound service, which may run before `start`. */
  readonly events: SouthboundEvents;
  readonly compiler: Compiler;
  /** What a device is to hold, why, and whether it does. */
  explain(device: string, query: ExplainQuery): GoalView;
  /** What people ask beside that. */
  readonly questions: Questions;
  /** What would follow from a change of objects; nothing is changed by it. @throws HeddleError `Unavailable` before the start */
  rehearse(changes: readonly CompiledChange[]): Promise<Rehearsed>;
  /** The same, told to who asks. */
  plan(planned: readonly Planned[], asker: Asker): Promise<PlanStatus>;
  /** Lists everything and publishes it; resolves after that. */
  start(outlet: Outlet): Promise<void>;
  stop(): Promise<void>;
}

export const createController = (options: ControllerOptions): Controller => new Control(options);

/** Kinds whose objects are ends of cables. */
const cabledKinds = ['Switch', 'Server', 'Gateway', 'External'] as const;

const retryMilliseconds = 1000;
const devicePrefix = deviceScope('');

class Control implements Controller {
  readonly events: SouthboundEvents;
  readonly compiler: Compiler;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #objects = new Objects();
  readonly #barrier = new Barrier();
  readonly #devices = new Devices();
  readonly #allocator: Allocator;
  readonly #safeguard: Safeguard;
  readonly #withheld: Withheld;
  readonly #verification: Verification;
  readonly #probing: Probing;
  readonly #rollouts: Rollouts;
  readonly #publisher: Publisher;
  readonly #claims: Claims;
  readonly #drains: Drains;
  readonly #metrics: Metrics;
  readonly #reports: Reports;
  readonly #vetting: Vetting | undefined;
  readonly #leases: Leases;
  readonly #cabling: Cabling;
  readonly #sessions: Sessions;
  readonly #underlay: Underlay;
  /** Who is told what devices see. */
  readonly #watchers: readonly Watcher[];
  readonly #mailbox = new Mailbox((batch) => this.#work(batch));
  /** What is rehearsed once a batch is through. */
  readonly #rehearsals = new Turns(() => this.#mailbox.kick());
  readonly #abort = new AbortController();
  #unpublished: CompileResult[] = [];
  /** Committed and not handed to the southbound service yet. */
  #unsent: ChangedScope[] = [];
  /** Claims whose holders are gone, and objects that are: to be dealt with once what follows from it is published. */
  readonly #orphaned: string[] = [];
  readonly #gone: string[] = [];
  /** Devices with a Switch or Gateway object. */
  #declared: ReadonlySet<string> = new Set();
  /** Whether a Switch came or went since the last publication. */
  #switchesChanged = false;
  /** The devices that the southbound service was told of last. */
  #told: ReadonlySet<string> | undefined;
  /** Whether the southbound service knows which devices there are. */
  #announced = false;
  #outlet: Outlet | undefined;
  #informers: Informers | undefined;
  /** Whether the first publication was made. */
  #opened = false;
  /** Whether the last publication went through. */
  #isPublished = false;
  readonly #first = Promise.withResolvers<void>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { client, goal, log, clock = systemClock } = options;
    this.compiler = options.compiler ?? createCompiler();
    this.#clock = clock;
    this.#vetting = options.vets === true ? new Vetting() : undefined;
    const vetting = this.#vetting;
    const isMapped = (scope: string, key: string): boolean => this.compiler.explain(scope, rowId({ table: 'mapping', key })).length > 0;
    this.#allocator = new Allocator((key) => this.#ownerOf(key), isMapped);
    this.#safeguard = new Safeguard({ goal, objects: this.#objects, log });
    const { holds } = this.#safeguard;
    this.#withheld = new Withheld(goal);
    this.#verification = new Verification({
      goal,
      withheld: this.#withheld,
      holds,
      objects: this.#objects,
      client,
      clock,
      log,
      metrics: () => this.#metrics,
      createVerifier: options.createVerifier ?? ((over, now) => createVerifier({ goal: lookupIn(over), clock: now })),
      refusalsOf: (ref) => [...this.compiler.findingsOf(ref), ...this.#allocator.findingsOf(refKey(ref))],
      mark: (key) => this.#reports.mark(key),
      later: (milliseconds, action) => this.#later(milliseconds, action),
      onDue: () => this.#mailbox.kick(),
      isPassing: (violation) => this.#rollouts.isPassing(violation),
      retryMilliseconds: options.proofRetryMilliseconds ?? retryMilliseconds,
      signal: this.#abort.signal,
    });
    const unheard = Promise.resolve({ ok: false, reason: 'nobody can be asked' } as const);
    this.#probing = new Probing({
      goal,
      probe: (...asked) => this.#outlet?.probe?.(...asked) ?? unheard,
      clock,
      later: (milliseconds, action) => this.#later(milliseconds, action),
      onAnswer: () => this.#rollouts.answered(),
    });
    this.#rollouts = new Rollouts({
      goal,
      withheld: this.#withheld,
      client,
      log,
      clock,
      objects: this.#objects,
      record: (about, happening) => this.#reports.events.record(about, happening),
      mark: (key) => this.#reports.mark(key),
      vitalsOf: (device) => vitalsOf(device, { goal, barrier: this.#barrier, devices: this.#devices, underlay: this.#underlay, sessions: this.#sessions, probing: this.#probing }),
      probing: this.#probing,
      hasAcknowledged: (device, version) => hasAcknowledged(device, version, { goal, barrier: this.#barrier }),
      version: () => goal.version,
      onDue: () => this.#mailbox.kick(),
      later: (milliseconds, action) => this.#later(milliseconds, action),
    });
    this.#publisher = new Publisher({
      goal,
      barrier: this.#barrier,
      holds,
      withheld: this.#withheld,
      verification: this.#verification,
      staging: this.#rollouts,
      scopesOf: (key) => this.#scopesOf(key),
      partiesOf: (scope, row) => this.#partiesOf(scope, row),
    });
    const later = (action: () => void): void => this.#later(retryMilliseconds, action);
    const retryLater = (): void => later(() => this.#mailbox.kick());
    this.#claims = new Claims({ client, allocator: this.#allocator, barrier: this.#barrier, log, retryLater, later });
    this.#drains = new Drains({
      client,
      log,
      typeOf: (object) => this.compiler.factsOf(refOf(object))['type'],
      deviceOf: (name) => {
        const key = deviceKey(this.#objects, name);
        const object = this.#objects.get(key);
        return object && { key, object };
      },
      mark: (key) => this.#reports.mark(key),
      isSettled: (key) => this.#barrier.isSettled(key),
      onReleased: () => this.#mailbox.kick(),
      later: (milliseconds, action) => this.#later(milliseconds, action),
    });
    this.#cabling = new Cabling({
      goal,
      clock,
      explain: (scope, row) => this.compiler.explain(scope, row),
      kindOf: (device) => cabledKinds.find((kind) => this.#objects.get(refKey({ kind, namespace: '', name: device })) !== undefined),
      bundles: (device) => this.#devices.get(device)?.hello?.capabilities.includes('bond') === true,
      mark: (key) => this.#reports.mark(key),
      later: (milliseconds, action) => this.#later(milliseconds, action),
      ...(options.missingMilliseconds === undefined ? {} : { missingMilliseconds: options.missingMilliseconds }),
    });
    this.#sessions = new Sessions({
      goal,
      explain: (scope, row) => this.compiler.explain(scope, row),
      scopesOf: (ref) => this.compiler.scopesOf(ref),
      mark: (key) => this.#reports.mark(key),
      onChange: () => this.#rollouts.answered(),
    });
    this.#underlay = new Underlay({
      goal,
      mark: (device) => this.#reports.mark(deviceKey(this.#objects, device)),
      record: (device, happening) => {
        const about = this.#objects.get(deviceKey(this.#objects, device));
        if (about !== undefined) this.#reports.events.record(about, happening);
      },
      onChange: () => this.#rollouts.answered(),
      later: (milliseconds, action) => this.#later(milliseconds, action),
      ...(options.settleMilliseconds === undefined ? {} : { settleMilliseconds: options.settleMilliseconds }),
    });
    const verdicts = {
      compiler: this.compiler,
      allocator: this.#allocator,
      barrier: this.#barrier,
      devices: this.#devices,
      safeguard: this.#safeguard,
      cabling: this.#cabling,
      drains: this.#drains,
      sessions: this.#sessions,
      underlay: this.#underlay,
      objects: this.#objects,
      withheld: this.#withheld,
      verification: this.#verification,
      rollouts: this.#rollouts,
      goal,
      clock,
      ...optional('vetting', vetting),
      started: clock.now(),
    };
    this.#metrics = createMetrics(options.registry, {
      compiler: () => this.compiler.counters(),
      goalRows: () => [...goal.scopes()].reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0),
      goalScopes: () => [...goal.scopes()].filter((scope) => goal.scope(scope).rows.size > 0).length,
      devices: () => this.#publisher.devices.size,
      connected: () => this.#devices.connected,
      quarantined: () => this.#allocator.quarantined().length,
      held: () => this.#safeguard.size,
      violations: () => this.#verification.counts(),
      unproven: () => this.#withheld.count('Unproven'),
    });
    this.#reports = new Reports({
      client,
      log,
      clock,
      objects: this.#objects,
      barrier: this.#barrier,
      metrics: this.#metrics,
      verdictOn: (object) => verdictOn(object, verdicts),
      ...optional('vetting', vetting),
      later: (milliseconds, action) => this.#later(milliseconds, action),
      pace: options.pace ?? usualPace,
    });
    this.#leases = new Leases({ client, goal, log, later: (milliseconds, action) => this.#later(milliseconds, action) });
    this.#watchers = [this.#leases, this.#cabling, this.#sessions, this.#underlay];
    this.events = new SouthboundListener({
      barrier: this.#barrier,
      devices: this.#devices,
      publisher: this.#publisher,
      compiler: this.compiler,
      goal,
      clock,
      metrics: this.#metrics,
      recorder: this.#reports.events,
      switchOf: (device) => this.#objects.get(deviceKey(this.#objects, device)),
      onArrival: (device, rows) => {
        this.#safeguard.arrivals.came(device, rows);
        if (this.#opened) this.#reviewArrivals();
      },
      onChange: (device) => {
        this.#reports.mark(deviceKey(this.#objects, device));
        this.#drain();
      },
      onObservation: (device, seen) => {
        for (const watcher of this.#watchers) watcher.observed(device, seen);
      },
      onAnswer: () => {
        this.#rollouts.answered();
        this.#drain();
      },
    });
  }

  get questions(): Questions {
    const unknown = Promise.resolve({ ok: false, reason: 'nothing is published yet' } as const);
    return new Questions({ ...this.#explainSources(), inspect: (...asked) => this.#outlet?.inspect?.(...asked) ?? unknown, ...this.#known() });
  }

  explain(device: string, query: ExplainQuery): GoalView {
    return explainDevice(device, query, this.#explainSources());
  }

  rehearse(changes: readonly CompiledChange[]): Promise<Rehearsed> {
    if (!this.#opened) return Promise.reject(new HeddleError('Unavailable', 'not everything is loaded yet: ask again in a moment'));
    return this.#rehearsals.add(() => this.#rehearse(changes));
  }

  plan(planned: readonly Planned[], asker: Asker): Promise<PlanStatus> {
    return planOf(planned, asker, {
      goal: this.#options.goal,
      rehearse: (changes) => this.rehearse(changes),
      runsOn: (device) => this.#runsOn(device),
      seesDevice: (name, sees) => [...deviceKinds].some((kind) => sees({ kind, namespace: '', name })),
    });
  }

  /** As the device says, or said to a controller before this one. */
  #runsOn(device: string): Runs | undefined {
    const said = (this.#objects.get(deviceKey(this.#objects, device))?.status as SwitchStatus | undefined)?.agent;
    const { driver, capabilities } = this.#devices.get(device)?.hello ?? said ?? {};
    return driver === undefined ? undefined : { driver, capabilities: capabilities ?? [] };
  }

  #rehearse(changes: readonly CompiledChange[]): Promise<Rehearsed> {
    // What failed to be published is a part of the next batch, and not known to anybody yet.
    if (this.#unpublished.length > 0 || this.#withheld.isDue) throw new HeddleError('Unavailable', 'another change is under way: ask again in a moment');
    const { compiler } = this;
    const { goal } = this.#options;
    return rehearse(changes, {
      goal,
      compiler,
      allocator: this.#allocator,
      objects: this.#objects,
      withheld: this.#withheld,
      publisher: this.#publisher,
      safeguard: this.#safeguard,
      rollouts: this.#rollouts,
      verification: this.#verification,
      declared: () => this.#switchNames(),
      now: () => this.#clock.now(),
    });
  }

  /** All that a judgement of everything stands on. */
  #known(): Pick<QuestionSources, 'allObjects' | 'refusalsOf'> {
    const allObjects = async (): Promise<Resource[]> => {
      // Claims are many, and nobody here keeps them.
      const { items } = await this.#options.client.list('Claim');
      return [...items, ...this.#objects.kinds().flatMap((kind) => [...this.#objects.ofKind(kind)])];
    };
    return { allObjects, refusalsOf: (ref) => [...this.compiler.findingsOf(ref), ...this.#allocator.findingsOf(refKey(ref))] };
  }

  #explainSources(): ExplainSources {
    const heldCauses = (scope: string, row: string): Iterable<string> | undefined => {
      const withheld = this.#withheld.get(scope, row);
      return this.#safeguard.holds.causesOf(scope, row) ?? (withheld !== undefined && withheld.wanted === undefined ? withheld.objects : undefined);
    };
    const withheldFor = (scope: string, row: string): Reason | undefined => this.#withheld.get(scope, row)?.reason;
    const { goal } = this.#options;
    return { goal, compiler: this.compiler, barrier: this.#barrier, objects: this.#objects, heldCauses, withheldFor };
  }

  async start(outlet: Outlet): Promise<void> {
    const { client, log } = this.#options;
    this.#outlet = outlet;
    this.#reports.pause();
    const onChange = (change: ObjectChange): void => this.#mailbox.put(change);
    const names = kinds.map(({ kind }) => kind);
    this.#informers = startInformers({ client, kinds: names, onChange, log, clock: this.#clock });
    await this.#informers.synced;
    this.#mailbox.open();
    await this.#first.promise;
    this.#later(this.#options.patienceMilliseconds ?? 3000, () => this.#reports.endPatience());
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#informers?.stop();
    await this.#mailbox.close();
    this.#rehearsals.close();
    await Promise.all([this.#reports.close(), this.#claims.close(), this.#drains.close(), this.#leases.close(), this.#rollouts.close()]);
  }

  /** One batch. A fault here must not end the loop: it is logged, and what was compiled goes out with the next batch. */
  async #work(batch: readonly ObjectChange[]): Promise<void> {
    this.#reports.pause();
    try {
      await this.#step(batch);
      await this.#rehearsals.run();
    } catch (thrown) {
      if (this.#abort.signal.aborted) return;
      this.#options.log.error({ error: HeddleError.from(thrown).message }, 'batch failed');
      this.#later(retryMilliseconds, () => this.#mailbox.kick());
    } finally {
      // What was compiled and is not published would be told as if nothing had to happen for it.
      if (this.#isPublished) this.#reports.resume();
    }
  }

  async #step(batch: readonly ObjectChange[]): Promise<void> {
    const heard = this.#clock.monotonic();
    const replaced = this.#take(batch, heard);
    for (const { key, before, after } of replaced) {
      if (after === undefined) this.#gone.push(key);
      if (before?.kind === 'Connection' && after === undefined) this.#cabling.forgetCables(before);
    }
    await this.#verification.adopt();
    const drained = this.#drains.released().map((key) => ({ ref: refOfKey(key), object: this.#objects.get(key) }));
    await this.#compile([...drained, ...replaced.map(({ change }) => change), ...this.#rolledBack()]);
    if (!this.#opened) await this.#inheritRollouts();
    // What the controller hears of its own writes is no change.
    if (replaced.length > 0 || this.#unpublished.length > 0 || this.#withheld.isDue || !this.#isPublished) await this.#publish();
    const orphaned = this.#orphaned.splice(0);
    if (this.#opened) for (const name of orphaned) this.#claims.quarantine(name);
    else this.#finishFirst();
    for (const key of this.#gone.splice(0)) if (this.#objects.get(key) === undefined) this.#forget(key);
    for (const { key, after } of replaced) this.#drains.observe(key, after);
    this.#drain();
    // What concerns no device is not under way, and must not be measured by a change of another object later.
    for (const { key } of replaced) if (this.#barrier.isSettled(key)) this.#reports.forget(key);
  }

  #take(batch: readonly ObjectChange[], heard: number): (Replaced & { readonly change: ObjectChange })[] {
    const replaced: (Replaced & { readonly change: ObjectChange })[] = [];
    for (const heardOf of batch) {
      const change = this.#vetted(heardOf);
      const found = change === undefined ? undefined : this.#objects.put(change);
      if (change === undefined || found === undefined) continue;
      replaced.push({ ...found, change: { ...change, object: this.#accompany(found, change) } });
      this.#noteChange(found, change, heard);
    }
    return replaced;
  }

  /** The object as it is to be compiled. */
  #accompany({ key, before }: Replaced, { object }: ObjectChange): Resource | undefined {
    return this.#rollouts.accompany(key, before, this.#drains.accompany(key, before, object));
  }

  /** Objects whose devices went back to what they said before. */
  #rolledBack(): readonly ObjectChange[] {
    const keys = this.#opened ? this.#rollouts.takeDue() : this.#rollouts.open();
    return keys.map((key) => ({ ref: refOfKey(key), object: this.#rollouts.effective(key) }));
  }

  /** What devices had when another leader ended is goal state first, so that what follows is what was under way. */
  async #inheritRollouts(): Promise<void> {
    if (!this.#rollouts.isInheriting) return;
    await this.#commit();
    const keys = this.#rollouts.inherit();
    await this.#compile(keys.map((key) => ({ ref: refOfKey(key), object: this.#rollouts.effective(key) })));
  }

  /** Undefined when nothing is to be made of the object; then only what is wrong with it is told. */
  #vetted(change: ObjectChange): ObjectChange | undefined {
    if (this.#vetting === undefined) return change;
    const key = refKey(change.ref);
    const admitted = this.#vetting.admit(change, change.ref.kind === 'Claim' ? undefined : this.#objects.get(key));
    if (deviceKinds.has(change.ref.kind)) this.#switchesChanged = true;
    if (change.object !== undefined) this.#reports.mark(key);
    return admitted;
  }

  #noteChange({ key, before, after }: Replaced, { ref, object }: ObjectChange, heard: number): void {
    if (ref.kind === 'Claim') return this.#allocator.observe(ref.name, object);
    if (ref.kind === 'DHCPLease') return this.#leases.heard(key, after);
    if (ref.kind === 'Rollout') return;
    this.#allocator.review(key);
    const present = (before === undefined) !== (after === undefined);
    if (present && deviceKinds.has(ref.kind)) this.#switchesChanged = true;
    if (deviceKinds.has(ref.kind)) this.#safeguard.switchChanged();
    if (after !== undefined) this.#reports.mark(key);
    if (after?.metadata.generation !== before?.metadata.generation) this.#reports.heard(key, heard);
  }

  /** Compiles and allocates until no demand can be met any more. */
  async #compile(changes: readonly ObjectChange[]): Promise<void> {
    for (let next = changes; ; ) {
      await this.#apply(next);
      const decisions = this.#allocator.decide();
      for (const key of decisions.findings.keys()) this.#reports.mark(key);
      if (decisions.findings.size > 0) await this.#verification.observe([], decisions.findings.keys());
      this.#orphaned.push(...decisions.quarantine);
      const wanted = decisions.create.length + decisions.rebind.length;
      if (wanted === 0) return;
      next = await this.#claims.grant(decisions);
      for (const change of next) this.#objects.put(change);
      if (next.length === wanted) continue;
      // A store that takes no claims now, full or gone, would be asked for ever: the retry that is due decides anew.
      await this.#apply(next);
      return;
    }
  }

  async #apply(changes: readonly ObjectChange[]): Promise<void> {
    if (changes.length === 0) return;
    const stop = this.#metrics.compileSeconds.startTimer();
    const result = this.compiler.apply(changes);
    stop();
    this.#metrics.compileRuns.inc();
    this.#unpublished.push(result);
    for (const [key, demands] of result.demands) this.#allocator.demand(key, demands);
    for (const { scope, deletes } of result.scopes) this.#allocator.unmapped(scope, deletes);
    for (const key of result.findings.keys()) this.#allocator.review(key);
    for (const key of [...result.findings.keys(), ...result.facts.keys(), ...result.contributions.keys()]) this.#reports.mark(key);
    await this.#verification.observe(changes, result.findings.keys());
  }

  async #publish(): Promise<void> {
    this.#isPublished = false;
    const isAllowed = await this.#commit();
    this.#announced ||= this.#publisher.devices.size > 0;
    // Before anything is sent: what is new may be the first that a device gets which came with rows from elsewhere.
    this.#reviewArrivals(isAllowed);
    for (const changed of this.#unsent) this.#leases.scopeChanged(changed);
    this.#leases.declared(this.#declared);
    this.#outlet?.publish(this.#unsent);
    this.#unsent = [];
    const { devices } = this.#publisher;
    if (devices !== this.#told || !this.#opened) this.#announce(devices);
    this.#told = devices;
    this.#isPublished = true;
    this.#rollouts.published();
  }

  /** Takes what was compiled into goal state; nothing is sent. Answers which holds are allowed. */
  async #commit(): Promise<ReturnType<Safeguard['allowance']>> {
    if (this.#switchesChanged || !this.#opened) this.#declared = new Set(this.#switchNames());
    this.#switchesChanged = false;
    const isAllowed = this.#safeguard.allowance();
    const { changed, admission } = await this.#publisher.publish(this.#unpublished, this.#declared, isAllowed, this.#clock.now());
    this.#unpublished = [];
    this.#unsent.push(...changed);
    for (const { scope } of changed) if (scope.startsWith(devicePrefix)) this.#reports.refresh(deviceKey(this.#objects, scope.slice(devicePrefix.length)));
    for (const key of this.#safeguard.tell(admission, this.#reports.events, this.#metrics)) this.#reports.mark(key);
    return isAllowed;
  }

  /** Devices that come with rows from elsewhere are judged before they are sent anything. */
  #reviewArrivals(isAllowed = this.#safeguard.allowance()): void {
    const devices = this.#announced ? this.#publisher.devices : undefined;
    const { arrivals } = this.#safeguard;
    const review = arrivals.review({ devices, isAllowed, now: this.#clock.now() });
    if (review.began.length + review.ended.length > 0) this.#outlet?.hold(arrivals.devices());
    for (const key of this.#safeguard.tell(review, this.#reports.events, this.#metrics)) this.#reports.mark(key);
  }

  /**
   * A device that is not declared is isolated. When nothing was ever declared, the store is more likely to be new or lost than
   * every device unwanted: devices then keep their last goal until the first Switch is there.
   */
  #announce(devices: ReadonlySet<string>): void {
    if (this.#announced) this.#outlet?.setDevices(devices);
    else this.#options.log.warn('no Switch is declared: devices that connect keep what they have');
  }

  *#switchNames(): Generator<string> {
    for (const kind of deviceKinds) {
      for (const { metadata } of this.#objects.ofKind(kind)) yield metadata.name;
      // A device whose object has a fault is not one that nobody wants.
      yield* this.#vetting?.namesAside(kind) ?? [];
    }
  }

  #finishFirst(): void {
    const { goal } = this.#options;
    this.#claims.holdFormer(this.#publisher.devices, (waiter, device) => {
      for (const scope of goal.subscriptions(device)) {
        this.#barrier.expectStrictly(waiter, device, scope, this.#publisher.versionOf(scope));
      }
    });
    this.#opened = true;
    this.#leases.open(this.#declared);
    this.#first.resolve();
  }

  #forget(key: string): void {
    const { kind, name } = refOfKey(key);
    if (kind === 'Switch' || kind === 'Gateway') for (const watcher of [this.#cabling, this.#sessions, this.#underlay]) watcher.forget(name);
    this.#barrier.removeWaiter(key);
    this.#reports.forget(key);
  }

  /** Tells everybody concerned what the barrier has new: at once whom it settles, after a while who merely came further. */
  #drain(): void {
    const { waiters, progress, scopes } = this.#barrier.takeNews();
    for (const waiter of waiters) if (!this.#claims.settle(waiter)) this.#reports.answered(waiter);
    this.#reports.progressed(progress, scopes);
    if (waiters.size > 0) this.#drains.review();
  }

  #ownerOf(key: string): Owner | undefined {
    const object = this.#objects.get(key);
    if (object === undefined || (object.metadata.deletionTimestamp !== undefined && !isDraining(object.metadata))) return undefined;
    return { uid: object.metadata.uid ?? '', accepted: !hasErrors(this.compiler.findingsOf(refOf(object))) };
  }

  #partiesOf(scope: string, row: string): Parties {
    return { owners: this.compiler.owners(scope, row).map(refKey), objects: this.compiler.explain(scope, row).map(refKey) };
  }

  #scopesOf(key: string): readonly string[] {
    return this.compiler.scopesOf(refOfKey(key));
  }

  #later(milliseconds: number, action: () => void): void {
    void this.#clock.sleep(milliseconds, this.#abort.signal).then(action, () => undefined);
  }
}
