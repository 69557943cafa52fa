/**
 * Takes what the compiler found different into the goal state, and makes every object wait for exactly the devices and
 * versions that carry its change: the arithmetic behind `Programmed`. Removals count: a device that ceases to hold a scope
 * acknowledges that with the version of its own scope that no longer names it.
 */
import type { CompileResult } from '../compile/engine.ts';
import { deviceScope, type RowId } from '../goal/rows.ts';
import type { ChangedScope, GoalState, ScopeChange, Version } from '../goal/state.ts';
import { refKey } from '../api/object.ts';
import { addMember } from '../kit/maps.ts';
import type { Barrier } from './barrier.ts';
import type { Admission, Change, Holds } from './holds.ts';
import type { Trial, Verification } from './verification/verification.ts';
import { singly, type Parties, type PartiesOf, type Stays, type Touched, type Withheld } from './withheld.ts';

const devicePrefix = deviceScope('');
const memberPrefix = 'member/';

export interface PublisherOptions {
  readonly goal: GoalState;
  readonly barrier: Barrier;
  readonly holds: Holds;
  readonly withheld: Withheld;
  readonly verification: Pick<Verification, 'stays' | 'kept' | 'accept'>;
  readonly staging?: Staging;
  /** Scopes in which an object has rows now. */
  readonly scopesOf: (object: string) => readonly string[];
  /** Whom a row comes from, as compiled now. */
  readonly partiesOf: PartiesOf;
}

/** Rows of a candidate that wait for another reason than that they are not proven. */
export interface Staging {
  /** Whether there may be any. */
  readonly isActive: boolean;
  /** A candidate is made now: what is let go later is not in it. */
  seal(): void;
  stays(candidate: readonly ScopeChange[], partiesOf: PartiesOf): Stays;
}

export interface Publication {
  /** What to send. */
  readonly changed: readonly ChangedScope[];
  /** What the safety limits did to it. */
  readonly admission: Admission;
}

export class Publisher {
  readonly #options: PublisherOptions;
  #devices: ReadonlySet<string> = new Set();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Devices that may have goal state: the declared ones, and those whose removal is held. Nobody waits for others. */
  get devices(): ReadonlySet<string> {
    return this.#devices;
  }

  /**
   * Commits several results as one version, with what was withheld and may go now, but for what is not proven, waits for its
   * wave, or is a deletion that is held.
   * @param declared devices with a Switch object
   * @param now milliseconds since 1970
   */
  async publish(results: readonly CompileResult[], declared: ReadonlySet<string>, isAllowed: Change['isAllowed'], now: number): Promise<Publication> {
    const { goal, withheld, verification } = this.#options;
    const removed = declared === this.#devices ? nobody : new Set([...this.#devices].filter((device) => !declared.has(device)));
    const trial = this.trial(results);
    const { admission, going, touched } = await this.#admit(results, trial, { removed, isAllowed, now });
    // Devices first, so that new ones are waited for from their first row on.
    this.#setDevices(admission.kept.size === 0 ? declared : new Set([...declared, ...admission.kept]));
    const before = new Map(this.#movedDevices(going).map((device) => [device, goal.subscriptions(device)]));
    const changed = goal.commit(going);
    withheld.committed();
    for (const [device, scopes] of before) this.#join(device, scopes);
    const { concerned, lost, objects } = this.#place(results);
    verification.accept(objects);
    for (const [scope, waiters] of concerned) this.expect(waiters, scope);
    for (const [device, scopes] of before) this.#leave(device, scopes, lost);
    this.#wait(admission, touched);
    return { changed, admission };
  }

  /** What of a change may be committed: proven, and within the safety limits. */
  async #admit(results: readonly CompileResult[], trial: Trial, circumstances: Omit<Change, 'scopes' | 'causesOf'> & { readonly now: number }) {
    const { holds, withheld, verification, staging } = this.#options;
    const { partiesOf } = trial;
    const { now } = circumstances;
    const touched: Touched = new Map();
    const settle = (candidate: readonly ScopeChange[], stays: Stays): readonly ScopeChange[] => {
      const settlement = withheld.settle(candidate, stays, partiesOf, now);
      for (const [scope, objects] of settlement.touched) for (const object of objects) addMember(touched, scope, object);
      return settlement.going;
    };
    staging?.seal();
    const candidate = withheld.candidate(results.flatMap(({ scopes }) => scopes), partiesOf);
    // What goes in stages is proven as a whole before any of it goes, and then each stage by itself.
    const whole = staging?.isActive === true ? settle(candidate, await verification.stays(candidate, trial)) : candidate;
    const due = staging?.isActive === true ? settle(whole, staging.stays(whole, partiesOf)) : candidate;
    let proven = settle(due, await verification.stays(due, trial));
    const kept = verification.kept();
    if (kept.length > 0) {
      withheld.undo(kept, 'Unproven');
      const all = singly([...proven, ...withheld.candidate([], partiesOf)]);
      proven = settle(all, await verification.stays(all, trial));
    }
    const causesOf = (scope: string, row: RowId): readonly string[] => partiesOf(scope, row).objects;
    const admission = holds.admit({ ...circumstances, scopes: proven, causesOf }, now);
    const isHeld = ({ scope, deletes }: ScopeChange): boolean => deletes.some((id) => holds.causesOf(scope, id) !== undefined);
    const isAsProven = admission.released.length === 0 && !proven.some(isHeld);
    // What is held is not what was proven, and what is held no more was not.
    const going = isAsProven ? admission.scopes : settle(admission.scopes, await verification.stays(admission.scopes, trial));
    return { admission, going, touched };
  }

  /** Whom rows come from, and where rows of objects changed: as the results say, and of what was withheld before as it was said then. */
  trial(results: readonly CompileResult[]): Trial {
    const { withheld, partiesOf: compiled } = this.#options;
    const partiesOf = (scope: string, row: RowId): Parties => {
      const now = compiled(scope, row);
      const former = results.flatMap(({ departed }) => departed.get(scope)?.get(row) ?? []).map(refKey);
      const [last] = former;
      if (last === undefined) return now.objects.length > 0 ? now : (withheld.get(scope, row) ?? now);
      return { owners: now.owners.length > 0 ? now.owners : [last], objects: [...new Set([...now.objects, ...former])] };
    };
    const scopesOf = (object: string): Iterable<string> => results.flatMap(({ contributions }) => [...(contributions.get(object) ?? [])]);
    return { partiesOf, scopesOf };
  }

  #setDevices(devices: ReadonlySet<string>): void {
    const { barrier, goal } = this.#options;
    const before = this.#devices;
    if (devices === before) return;
    this.#devices = devices;
    for (const device of before) if (!devices.has(device)) barrier.removeDevice(device);
    for (const device of devices) {
      if (before.has(device)) continue;
      for (const scope of goal.subscriptions(device)) barrier.join(device, scope);
    }
  }

  /** Whose rows are withheld or held waits until they go; it is not known yet in which version. */
  #wait({ withheld: kept, settled, released }: Admission, touched: Touched): void {
    const { barrier, holds, withheld } = this.#options;
    for (const scope of new Set([...kept.keys(), ...settled.keys(), ...released, ...touched.keys()])) {
      const waiting = new Set([...withheld.objectsIn(scope), ...holds.objectsIn(scope)]);
      for (const object of waiting) barrier.withhold(object, scope);
      barrier.release(scope, this.versionOf(scope), (object) => waiting.has(object));
      this.expect([...(touched.get(scope) ?? [])].filter((object) => !waiting.has(object)), scope);
    }
  }

  /** Lets objects wait until the devices that hold the scope run it as it is now. */
  expect(objects: Iterable<string>, scope: string): void {
    const version = this.versionOf(scope);
    for (const object of objects) this.#options.barrier.expect(object, scope, version);
  }

  /** Version of the scope that devices are to acknowledge. */
  versionOf(scope: string): Version {
    const { version } = this.#options.goal.scope(scope);
    // A device whose own scope was never written gets no goal state, and acknowledges none, before there is some.
    return scope.startsWith(devicePrefix) ? Math.max(1, version) : version;
  }

  /** Keeps who has rows where. Answers whom the results concern, by scope, and who has no rows there any more. */
  #place(results: readonly CompileResult[]): { readonly concerned: ScopeIndex; readonly lost: ScopeIndex; readonly objects: Iterable<string> } {
    const { goal, barrier, scopesOf } = this.#options;
    const concerned = new ScopeIndex();
    const lost = new ScopeIndex();
    const contributions = mergeContributions(results);
    for (const [object, scopes] of contributions) {
      const had = barrier.audience.scopes(object);
      barrier.audience.replace(object, scopesOf(object), goal.version);
      const has = barrier.audience.scopes(object);
      for (const scope of had.keys()) if (!has.has(scope)) lost.add(scope, object);
      for (const scope of scopes) concerned.add(scope, object);
    }
    return { concerned, lost, objects: contributions.keys() };
  }

  #join(device: string, before: readonly string[]): void {
    const known = new Set(before);
    for (const scope of this.#options.goal.subscriptions(device)) if (!known.has(scope)) this.#options.barrier.join(device, scope);
  }

  /** A device that leaves a shared scope concerns everybody with rows in it, and those who had some until now. */
  #leave(device: string, before: readonly string[], lost: ScopeIndex): void {
    const { goal, barrier } = this.#options;
    const after = new Set(goal.subscriptions(device));
    const own = deviceScope(device);
    for (const scope of before.filter((name) => !after.has(name))) {
      this.expect(lost.get(scope), own);
      barrier.leave(device, scope, goal.version, this.versionOf(own));
    }
  }

  /** Declared devices whose `member` rows changed. */
  #movedDevices(changes: readonly ScopeChange[]): readonly string[] {
    const isMember = (id: RowId): boolean => id.startsWith(memberPrefix);
    const moved = new Set<string>();
    for (const { scope, upserts, deletes } of changes) {
      if (!scope.startsWith(devicePrefix)) continue;
      const device = scope.slice(devicePrefix.length);
      if (!this.#devices.has(device)) continue;
      if (upserts.some(({ table }) => table === 'member') || deletes.some(isMember)) moved.add(device);
    }
    return [...moved];
  }
}

/** Objects by scope, for one publication. */
class ScopeIndex {
  readonly #objects = new Map<string, string[]>();

  add(scope: string, object: string): void {
    const objects = this.#objects.get(scope);
    if (objects === undefined) this.#objects.set(scope, [object]);
    else objects.push(object);
  }

  get(scope: string): readonly string[] {
    return this.#objects.get(scope) ?? [];
  }

  [Symbol.iterator](): Iterator<[string, readonly string[]]> {
    return this.#objects.entries();
  }
}

const mergeContributions = (results: readonly CompileResult[]): ReadonlyMap<string, ReadonlySet<string>> => {
  const merged = new Map<string, Set<string>>();
  for (const { contributions } of results) {
    for (const [object, scopes] of contributions) {
      const known = merged.get(object);
      if (known === undefined) merged.set(object, new Set(scopes));
      else for (const scope of scopes) known.add(scope);
    }
  }
  return merged;
};

const nobody: ReadonlySet<string> = new Set();
