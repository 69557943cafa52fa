/**
 * Takes what the compiler found different into the goal state, and makes every object wait for exactly the devices and
 * versions that carry its change: the arithmetic behind `Programmed`. Removals count: a device that ceases to hold a scope
 * acknowledges that with the version of its own scope that no longer names it.
 */
import type { CompileResult } from '../compile/engine.ts';
import { deviceScope, type RowId } from '../goal/rows.ts';
import type { ChangedScope, GoalState, ScopeChange, Version } from '../goal/state.ts';
import { refKey } from '../api/object.ts';
import type { Barrier } from './barrier.ts';
import type { Admission, Change, Holds } from './holds.ts';

const devicePrefix = deviceScope('');
const memberPrefix = 'member/';

export interface PublisherOptions {
  readonly goal: GoalState;
  readonly barrier: Barrier;
  readonly holds: Holds;
  /** Scopes in which an object has rows now. */
  readonly scopesOf: (object: string) => readonly string[];
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
   * Commits several results as one version, but for deletions that are held.
   * @param declared devices with a Switch object
   * @param now milliseconds since 1970
   */
  publish(results: readonly CompileResult[], declared: ReadonlySet<string>, isAllowed: Change['isAllowed'], now: number): Publication {
    const { goal, holds } = this.#options;
    const removed = declared === this.#devices ? nobody : new Set([...this.#devices].filter((device) => !declared.has(device)));
    const change = { scopes: results.flatMap(({ scopes }) => scopes), removed, causesOf: causesIn(results), isAllowed };
    const admission = holds.admit(change, now);
    // Devices first, so that new ones are waited for from their first row on.
    this.#setDevices(admission.kept.size === 0 ? declared : new Set([...declared, ...admission.kept]));
    const before = new Map(this.#movedDevices(admission.scopes).map((device) => [device, goal.subscriptions(device)]));
    const changed = goal.commit(admission.scopes);
    for (const [device, scopes] of before) this.#join(device, scopes);
    const { concerned, lost } = this.#place(results);
    for (const [scope, objects] of concerned) this.expect(objects, scope);
    for (const [device, scopes] of before) this.#leave(device, scopes, lost);
    this.#withhold(admission);
    return { changed, admission };
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

  /** Whose rows are withheld waits until they go; it is not known yet in which version. */
  #withhold({ withheld, settled, released }: Admission): void {
    const { barrier } = this.#options;
    for (const [scope, objects] of withheld) for (const object of objects) barrier.withhold(object, scope);
    for (const [scope, objects] of settled) for (const object of objects) barrier.releaseOne(object, scope, this.versionOf(scope));
    for (const scope of released) barrier.release(scope, this.versionOf(scope));
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
  #place(results: readonly CompileResult[]): { readonly concerned: ScopeIndex; readonly lost: ScopeIndex } {
    const { goal, barrier, scopesOf } = this.#options;
    const concerned = new ScopeIndex();
    const lost = new ScopeIndex();
    for (const [object, scopes] of mergeContributions(results)) {
      const had = barrier.audience.scopes(object);
      barrier.audience.replace(object, scopesOf(object), goal.version);
      const has = barrier.audience.scopes(object);
      for (const scope of had.keys()) if (!has.has(scope)) lost.add(scope, object);
      for (const scope of scopes) concerned.add(scope, object);
    }
    return { concerned, lost };
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

/** Objects that a deleted row came from, by key. */
const causesIn =
  (results: readonly CompileResult[]) =>
  (scope: string, row: RowId): readonly string[] =>
    results.flatMap(({ departed }) => departed.get(scope)?.get(row) ?? []).map(refKey);

const nobody: ReadonlySet<string> = new Set();
