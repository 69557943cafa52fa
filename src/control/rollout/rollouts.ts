/**
 * Staged rollout: a change of what operators declare reaches the devices of a Fabric with `spec.rollout` wave by wave. The compiler
 * is handed the change at once; of the rows that come of it those of later waves are withheld (withheld.ts). Before a wave is let
 * go the `Rollout` object says so, so that another leader goes on where this one ended. When a wave fails, the compiler is handed
 * the objects as they were, and what follows is a change like any other.
 */
import { defaultFabricSpec, type DefaultedFabricSpec, type FabricSpec } from '../../api/kinds/fabric.ts';
import type { RolloutSpec } from '../../api/kinds/rollout.ts';
import type { Resource } from '../../api/object.ts';
import type { GoalState, ScopeChange } from '../../goal/state.ts';
import type { Clock } from '../../kit/clock.ts';
import { getOrMake } from '../../kit/maps.ts';
import type { RowRef, Violation, ViolationCode } from '../../verify/verifier.ts';
import type { Events, Happening } from '../events.ts';
import type { Objects } from '../objects.ts';
import { deviceKey, fabricKey } from '../safeguard.ts';
import { rfc3339 } from '../time.ts';
import type { PartiesOf, Stays, Withheld } from '../withheld.ts';
import { stepOf, type Course, type Failure, type Health, type Step } from './course.ts';
import { Edits, isAsEdited, isRolledOut, type Edit, type Reverted } from './edits.ts';
import { healthOf, type Vitals } from './health.ts';
import { Ledger, type LedgerOptions } from './ledger.ts';
import { editsOf, halted, newRecord, remainsOf } from './record.ts';
import { groupDevices, mayGo, stagedIn, staysOf, type Progress, type Staged } from './staging.ts';
import type { Probing } from './probing.ts';
import { wavesOf, type Member } from './waves.ts';

export interface RolloutsOptions extends LedgerOptions {
  readonly goal: Pick<GoalState, 'devicesOf' | 'scope'>;
  readonly withheld: Withheld;
  readonly clock: Clock;
  readonly objects: Objects;
  readonly record: Events['record'];
  /** The status of the object may be another one. */
  readonly mark: (key: string) => void;
  readonly vitalsOf: (device: string) => Vitals;
  readonly probing: Pick<Probing, 'begin' | 'forget' | 'isFresh'>;
  /** Whether the device has acknowledged its goal state as it was at a version, or a later one. */
  readonly hasAcknowledged: (device: string, version: number) => boolean;
  /** Version of the last commit. */
  readonly version: () => number;
  /** Something is to be published, or compiled: `takeDue`, rows that were released. */
  readonly onDue: () => void;
}

type Settings = NonNullable<DefaultedFabricSpec['rollout']>;

interface Running {
  record: RolloutSpec;
  readonly edits: ReadonlyMap<string, Edit>;
  course: Course;
  /** Waves whose rows may be committed: what the object says, once it is stored. */
  open: number;
  /** Of them, those whose rows are in the publication that is being made, or were in one. */
  sealed: number;
  /** By device of an open wave: as it was before, and what it is to acknowledge. */
  readonly before: Map<string, { readonly vitals: Vitals; readonly version: number }>;
  /** Waves whose devices were asked who answers them. */
  probed: number;
  /** By device: when it was first seen that it has acknowledged, monotonic milliseconds. */
  readonly acknowledged: Map<string, number>;
  /** Something is being stored or asked, and nothing is decided before it is. */
  storing: boolean;
}

/** Devices answer by the thousand; what follows from it can wait so long. */
const reviewMilliseconds = 50;
const none: Stays = new Map();
/** Where nothing is rolled out. */
const through = { record: { waves: [] as readonly (readonly string[])[] }, open: 0 };

/** What must never be, however far a rollout is: packets where nobody permits them. */
const isolation: ReadonlySet<ViolationCode> = new Set([
  'Leak', 'WrongSegment', 'UnknownAttachment', 'PeeringWider', 'IsolationWider', 'PolicyWider', 'Spoofable', 'WrongMapping',
]);

export class Rollouts {
  readonly #options: RolloutsOptions;
  readonly #edits = new Edits();
  readonly #progress: Progress = {
    isReleased: (device) => {
      const { record, open } = this.#runningOf(device) ?? through;
      return record.waves.findIndex((devices) => devices.includes(device)) < open;
    },
    isThrough: (device) => {
      const { record, open } = this.#runningOf(device) ?? through;
      return open >= record.waves.length;
    },
  };
  readonly #running = new Map<string, Running>();
  readonly #revisions = new Map<string, number>();
  /** Begun by another leader: what it let go is let go again before anything is decided. */
  readonly #inherited = new Map<string, RolloutSpec>();
  readonly #ledger: Ledger;
  /** Objects that are to be compiled anew. */
  readonly #due = new Set<string>();
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(options: RolloutsOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options);
  }

  /** What is to be compiled of an object that changed. */
  accompany(key: string, before: Resource | undefined, after: Resource | undefined): Resource | undefined {
    const running = [...this.#running.values()].find(({ edits }) => edits.has(key))?.edits.get(key);
    const taken = this.#edits.take(key, before, after, () => this.#policy(), running);
    if (key.startsWith('Fabric/')) this.#wake(0);
    return taken;
  }

  /**
   * What another leader left, before the first publication: keys of objects that are to be compiled as they were. Those of them
   * that are under way are to be compiled as they are once that is published (`inherit`).
   */
  open(): readonly string[] {
    const { objects } = this.#options;
    const { running, reverted, revisions } = remainsOf(objects.ofKind('Rollout'), (key, edit) => this.#isCurrent(key, edit));
    for (const [fabric, revision] of revisions) this.#revisions.set(fabric, revision);
    for (const [key, { edit, record }] of reverted) this.#edits.revert(key, { edit, why: whyOf(record) });
    for (const [fabric, record] of running) {
      this.#inherited.set(fabric, record);
      for (const [key, edit] of editsOf(record)) {
        if (this.#isCurrent(key, edit)) this.#edits.revert(key, { edit, why: '' });
      }
    }
    return [...reverted.keys(), ...[...running.values()].flatMap((record) => [...editsOf(record).keys()])];
  }

  /** Whether another leader left a rollout under way. */
  get isInheriting(): boolean {
    return this.#inherited.size > 0;
  }

  /** That is goal state: keys of objects whose rollout goes on, to be compiled as they are. */
  inherit(): readonly string[] {
    const keys = [...this.#inherited.values()].flatMap((record) => [...editsOf(record)].filter(([key]) => this.#edits.reverted(key) !== undefined));
    for (const [key] of keys) this.#edits.forgive(key);
    this.#edits.restore(keys);
    return keys.map(([key]) => key);
  }

  /** Why the devices of an object went back to what it said before; undefined: they did not. */
  reverted(key: string): Reverted | undefined {
    return this.#edits.reverted(key);
  }

  /** The object as it is to be compiled. */
  effective(key: string): Resource | undefined {
    const object = this.#options.objects.get(key);
    return this.#edits.take(key, object, object, () => undefined);
  }

  /** Whether anything may have to wait for a wave. */
  get isActive(): boolean {
    return this.#edits.fresh.size + this.#running.size > 0;
  }

  seal(): void {
    for (const running of this.#running.values()) running.sealed = running.open;
  }

  /** Rows of a candidate that wait for a later wave. Rollouts of edits that concern devices begin with it. */
  stays(candidate: readonly ScopeChange[], partiesOf: PartiesOf): Stays {
    const { fresh } = this.#edits;
    if (!this.isActive) return none;
    const staged = stagedIn(candidate, (key) => fresh.has(key), { ...this.#options, partiesOf });
    for (const [fabric, devices] of groupDevices(staged.devices, (device) => this.#fabricOf(device))) this.#begin(fabric, devices, staged);
    this.#edits.settle();
    return staysOf(staged, this.#options.goal, this.#progress);
  }

  /** By fabric: in which waves devices would get a candidate that comes of edits of these objects. Nothing begins by it. */
  wavesFor(candidate: readonly ScopeChange[], edited: ReadonlySet<string>, partiesOf: PartiesOf): ReadonlyMap<string, readonly (readonly string[])[]> {
    const policy = this.#policy();
    const isEdited = (key: string): boolean => policy !== undefined && edited.has(key) && isRolledOut(key.slice(0, key.indexOf('/')), policy);
    const staged = stagedIn(candidate, isEdited, { ...this.#options, partiesOf });
    const waves = new Map<string, readonly (readonly string[])[]>();
    for (const [fabric, devices] of groupDevices(staged.devices, (device) => this.#fabricOf(device))) {
      const settings = this.#settings(fabric);
      if (settings !== undefined && staged.edited.size > 0) waves.set(fabric, wavesOf([...devices].map((name) => this.#member(name)), settings));
    }
    return waves;
  }

  /** Keys of objects that are to be compiled as `effective` says, each once. */
  takeDue(): readonly string[] {
    const keys = [...this.#due];
    this.#due.clear();
    return keys;
  }

  /** Whether it is wrong only because some devices have a change and others have not; never that something is open. */
  isPassing({ code, rows, objects }: Violation): boolean {
    if (this.#running.size === 0 || isolation.has(code)) return false;
    const isStaged = ({ scope, row }: RowRef): boolean => this.#options.withheld.get(scope, row)?.reason === 'Staged';
    return rows.some(isStaged) || [...this.#running.values()].some(({ edits }) => objects.some((object) => edits.has(object)));
  }

  /** Devices answered. */
  answered(): void {
    if (this.#running.size > 0) this.#wake(reviewMilliseconds);
  }

  /** A publication was made; devices of waves that it let go are waited for from here. */
  published(): void {
    for (const running of this.#running.values()) {
      for (const device of running.record.waves.slice(0, running.sealed).flat()) {
        const known = running.before.get(device);
        if (known?.version === 0) running.before.set(device, { ...known, version: this.#options.version() });
      }
    }
    this.review();
  }

  /** Devices answered, time went by, or settings changed. */
  review(): void {
    for (const running of this.#running.values()) if (!running.storing) this.#step(running);
  }

  /** Waits for the writes that are under way. */
  close(): Promise<void> {
    return this.#ledger.close();
  }

  #isCurrent(key: string, edit: Edit): boolean {
    const object = this.#options.objects.get(key);
    return object !== undefined && isAsEdited(object, edit);
  }

  #policy(): { readonly tenants: boolean } | undefined {
    const settings = [...this.#options.objects.ofKind('Fabric')].flatMap(({ metadata }) => this.#settings(metadata.name) ?? []);
    return settings.length === 0 ? undefined : { tenants: settings.some(({ applies }) => applies === 'All') };
  }

  #settings(fabric: string): Settings | undefined {
    const object = this.#options.objects.get(fabricKey(fabric));
    return object === undefined ? undefined : defaultFabricSpec((object.spec ?? {}) as FabricSpec).rollout;
  }

  #fabricOf(device: string): string {
    const { objects } = this.#options;
    const spec = objects.get(deviceKey(objects, device))?.spec as { readonly fabric?: string } | undefined;
    return spec?.fabric ?? 'default';
  }

  #member(name: string): Member {
    const { objects } = this.#options;
    const object = objects.get(deviceKey(objects, name));
    const { group } = (object?.spec ?? {}) as { readonly group?: string };
    return { name, labels: object?.metadata.labels ?? {}, group };
  }

  #runningOf(device: string): Running | undefined {
    return this.#running.get(this.#fabricOf(device));
  }

  /** Begins a rollout of what is fresh; one that is under way ends with it, and what it has not reached is a part of the new one. */
  #begin(fabric: string, devices: ReadonlySet<string>, { edited }: Staged): void {
    const settings = this.#settings(fabric);
    const { fresh } = this.#edits;
    const former = this.#running.get(fabric);
    if (settings === undefined || edited.size === 0) return;
    const edits = new Map([...(former?.edits ?? []), ...[...fresh].filter(([key]) => edited.has(key))]);
    const inherited = this.#inherited.get(fabric);
    this.#inherited.delete(fabric);
    if (inherited !== undefined) return this.#start(fabric, edits, inherited, inherited.wave);
    // What was halted and left as it is stays so in history.
    if (former?.record.phase === 'Halted') this.#running.delete(fabric);
    else if (former !== undefined) this.#end(former, { ...former.record, phase: 'Superseded', message: 'another change came before it was through', finishTime: this.#now() });
    const waiting = former === undefined ? [] : former.record.waves.slice(former.open).flat();
    const waves = wavesOf([...new Set([...devices, ...waiting])].map((name) => this.#member(name)), settings);
    const revision = (this.#revisions.get(fabric) ?? 0) + 1;
    this.#revisions.set(fabric, revision);
    this.#start(fabric, edits, newRecord({ fabric, revision, edits, waves, now: this.#now() }), 0);
    this.#tell(edits, { type: 'Normal', reason: 'RolloutStarted', message: `revision ${revision} of fabric "${fabric}" goes to ${waves.flat().length} devices in ${waves.length} waves` });
  }

  #start(fabric: string, edits: ReadonlyMap<string, Edit>, record: RolloutSpec, released: number): void {
    const course = { waves: record.waves, released, since: this.#options.clock.monotonic() };
    const running: Running = { record, edits, course, open: released, sealed: 0, before: new Map(), probed: released, acknowledged: new Map(), storing: true };
    for (const device of record.waves.slice(0, released).flat()) this.#watch(running, device);
    this.#running.set(fabric, running);
    this.#store(running, record, () => this.#step(running));
  }

  #watch({ before }: Running, device: string): void {
    before.set(device, { vitals: this.#options.vitalsOf(device), version: 0 });
  }

  #step(running: Running): void {
    const settings = this.#settings(running.record.fabric);
    const { clock } = this.#options;
    if (this.#running.get(running.record.fabric) !== running || running.record.phase === 'Halted') return;
    // Nobody wants waves any more: what is left goes at once.
    if (settings === undefined) return this.#complete(running, 'spec.rollout of the Fabric was taken away');
    const pace = { soakMilliseconds: settings.soakSeconds * 1000, deadlineMilliseconds: settings.deadlineSeconds * 1000, paused: settings.paused };
    this.#follow(running, stepOf(running.course, pace, (device) => this.#healthOf(running, device, settings), clock.monotonic()), settings);
  }

  #healthOf({ before, acknowledged }: Running, device: string, { checks }: Settings): Health {
    const { clock, vitalsOf, hasAcknowledged, probing } = this.#options;
    const former = before.get(device);
    if (former === undefined || former.version === 0) return { state: 'waiting', what: 'is not sent yet' };
    const isDone = hasAcknowledged(device, former.version);
    const health = healthOf(former.vitals, vitalsOf(device), isDone, checks);
    if (health.state !== 'healthy' || !isDone || !checks.probes) return health;
    const since = getOrMake(acknowledged, device, () => clock.monotonic());
    return probing.isFresh(device, since) ? health : { state: 'waiting', what: 'is being probed' };
  }

  #follow(running: Running, step: Step, settings: Settings): void {
    if (step.next === 'release') return settings.checks.probes && running.probed <= running.course.released ? void this.#probe(running) : this.#release(running);
    if (step.next === 'complete') return this.#complete(running, 'all devices have it');
    if (step.next === 'halt') return this.#halt(running, step.failures, settings);
    running.course = step.course;
    const phase = settings.paused ? 'Paused' : 'Progressing';
    const { record } = running;
    if (record.message !== step.message || record.phase !== phase) this.#store(running, { ...record, phase, message: step.message });
    if (Number.isFinite(step.until)) this.#wake(step.until - this.#options.clock.monotonic());
  }

  /** Who answers the next wave now is known before it goes. */
  async #probe(running: Running): Promise<void> {
    const wave = running.course.released;
    running.storing = true;
    const devices = running.record.waves[wave] ?? [];
    await this.#options.probing.begin(devices);
    running.probed = wave + 1;
    running.storing = false;
    const current = this.#running.get(running.record.fabric);
    if (current === undefined) this.#options.probing.forget(devices);
    if (!this.#ledger.isClosed && current === running) this.review();
  }

  #release(running: Running): void {
    const wave = running.course.released;
    const { waves } = running.record;
    running.course = { waves, released: wave + 1, since: this.#options.clock.monotonic() };
    for (const device of waves[wave] ?? []) this.#watch(running, device);
    const message = `wave ${wave + 1} of ${waves.length}: goes out`;
    this.#store(running, { ...running.record, phase: 'Progressing', wave: wave + 1, message }, () => {
      running.open = wave + 1;
      this.#letGo();
    });
  }

  #complete(running: Running, message: string): void {
    const { record, edits } = running;
    this.#end(running, { ...record, phase: 'Complete', wave: record.waves.length, message, finishTime: this.#now() });
    this.#tell(edits, { type: 'Normal', reason: 'RolloutComplete', message: `revision ${record.revision} of fabric "${record.fabric}": ${message}` });
    this.#letGo();
    this.#prune(record);
  }

  /** Rows that wait for no wave any more are part of the next publication. */
  #letGo(): void {
    const { withheld, goal, onDue } = this.#options;
    withheld.release(({ scope, reason }) => reason === 'Staged' && mayGo(scope, goal, this.#progress));
    onDue();
  }

  #halt(running: Running, failures: readonly Failure[], { rollback }: Settings): void {
    const isBack = rollback === 'Automatic';
    const record = halted(running.record, failures, isBack, this.#now());
    this.#options.log.warn({ fabric: record.fabric, revision: record.revision, wave: record.wave, failures: record.failures }, 'rollout halted');
    this.#tell(running.edits, { type: 'Warning', reason: isBack ? 'RolledBack' : 'RolloutHalted', message: whyOf(record) });
    this.#options.probing.forget(record.waves.flat());
    if (!isBack) return this.#store(running, record);
    for (const [key, edit] of running.edits) this.#edits.revert(key, { edit, why: whyOf(record) });
    this.#end(running, record);
    for (const key of running.edits.keys()) this.#due.add(key);
    this.#options.onDue();
  }

  #end(running: Running, record: RolloutSpec): void {
    this.#running.delete(record.fabric);
    this.#options.probing.forget(record.waves.flat());
    this.#store(running, record);
  }

  /** `then` happens when it is stored; until then nothing else is decided. */
  #store(running: Running, record: RolloutSpec, then: () => void = () => this.review()): void {
    running.record = record;
    running.storing = true;
    const isNewest = (): boolean => running.record === record;
    this.#ledger.write(record, isNewest, () => {
      if (!isNewest()) return;
      running.storing = false;
      then();
    });
  }

  /** Of the fabric as many are kept as it wants. */
  #prune({ fabric, revision: newest }: RolloutSpec): void {
    const limit = this.#settings(fabric)?.historyLimit;
    if (limit === undefined) return;
    const records = [...this.#options.objects.ofKind('Rollout')].map(({ spec }) => spec as RolloutSpec);
    const isOver = ({ finishTime, revision }: RolloutSpec): boolean => finishTime !== undefined || revision === newest;
    this.#ledger.prune(records.filter((record) => record.fabric === fabric && isOver(record)), limit);
  }

  /** Looks again in a while; of several such, the earliest counts. */
  #wake(milliseconds: number): void {
    const { clock, later } = this.#options;
    const at = clock.monotonic() + Math.max(0, milliseconds);
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    later(Math.ceil(milliseconds), () => {
      if (this.#wakeAt === at) this.#wakeAt = Number.POSITIVE_INFINITY;
      this.review();
    });
  }

  #tell(edits: ReadonlyMap<string, Edit>, happening: Happening): void {
    for (const key of edits.keys()) {
      const about = this.#options.objects.get(key);
      if (about !== undefined) this.#options.record(about, happening);
      this.#options.mark(key);
    }
  }

  #now(): string {
    return rfc3339(this.#options.clock.now());
  }
}

const whyOf = ({ revision, fabric, message }: RolloutSpec): string =>
  `revision ${revision} of fabric "${fabric}" was halted: ${message}; change the object, or take it back with "heddle rollout undo ${fabric}"`;
