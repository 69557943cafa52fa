/**
 * Takes what the compiler found different into the goal state, and makes every object wait for exactly the devices and
 * versions that carry its change: the arithmetic behind `Programmed`. Removals count: a device that ceases to hold a scope
 * acknowledges that with the version of its own scope that no longer names it.
 */
import type { CompileResult } from '../compile/engine.ts';
import { deviceScope, type RowId } from '../goal/rows.ts';
import type { ChangedScope, GoalState, Version } from '../goal/state.ts';
import { Audience } from './audience.ts';
import type { Barrier } from './barrier.ts';

const devicePrefix = deviceScope('');
const memberPrefix = 'member/';

export interface PublisherOptions {
  readonly goal: GoalState;
  readonly barrier: Barrier;
  /** Scopes in which an object has rows now. */
  readonly scopesOf: (object: string) => readonly string[];
}

export class Publisher {
  readonly audience = new Audience();
  readonly #options: PublisherOptions;
  #devices: ReadonlySet<string> = new Set();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** The declared devices; nobody waits for others. */
  setDevices(devices: ReadonlySet<string>): void {
    const before = this.#devices;
    this.#devices = devices;
    for (const device of before) if (!devices.has(device)) this.#options.barrier.removeDevice(device);
    for (const device of devices) if (!before.has(device)) this.expectAll(device);
  }

  get devices(): ReadonlySet<string> {
    return this.#devices;
  }

  /** Commits several results as one version. Answers what to send. */
  publish(results: readonly CompileResult[]): readonly ChangedScope[] {
    const { goal } = this.#options;
    const before = new Map(movedDevices(results).map((device) => [device, goal.subscriptions(device)]));
    const changed = goal.commit(results.flatMap(({ scopes }) => scopes));
    const concerned = new ScopeIndex();
    const lost = new ScopeIndex();
    for (const [object, scopes] of mergeContributions(results)) {
      const had = this.audience.scopes(object);
      this.audience.replace(object, this.#options.scopesOf(object));
      const has = this.audience.scopes(object);
      for (const scope of had) if (!has.has(scope)) lost.add(scope, object);
      for (const scope of scopes) concerned.add(scope, object);
    }
    for (const [scope, objects] of concerned) this.expect(objects, goal.devicesOf(scope), scope);
    for (const [device, scopes] of before) this.#expectMoves(device, new Set(scopes), concerned, lost);
    return changed;
  }

  /** Everything on this device is to be acknowledged anew, such as when it lost its state. */
  expectAll(device: string): void {
    for (const scope of this.#options.goal.subscriptions(device)) {
      this.expect(this.audience.objects(scope), [device], scope);
    }
  }

  /** Devices that run rows of the object. */
  devicesOf(object: string): Set<string> {
    const devices = new Set<string>();
    for (const scope of this.audience.scopes(object)) {
      for (const device of this.#options.goal.devicesOf(scope)) if (this.#devices.has(device)) devices.add(device);
    }
    return devices;
  }

  /**
   * A device that joins or leaves a shared scope concerns every object with rows in it, and every object that had a part in
   * the device's own scope at the same time (one of them brought or removed the member row).
   */
  #expectMoves(device: string, before: ReadonlySet<string>, concerned: ScopeIndex, lost: ScopeIndex): void {
    const own = deviceScope(device);
    const after = new Set(this.#options.goal.subscriptions(device));
    for (const scope of [...after].filter((name) => !before.has(name))) {
      this.expect(this.audience.objects(scope), [device], scope);
      this.expect(concerned.get(own), [device], scope);
    }
    for (const scope of [...before].filter((name) => !after.has(name))) {
      this.expect(this.audience.objects(scope), [device], own);
      this.expect(lost.get(scope), [device], own);
      this.#options.barrier.moveWaits(device, scope, own, this.#versionOf(own));
    }
  }

  /** Lets objects wait until these devices, as far as they are declared, run the scope as it is now. */
  expect(objects: Iterable<string>, devices: readonly string[], scope: string): void {
    const known = devices.filter((device) => this.#devices.has(device));
    const version = this.#versionOf(scope);
    for (const object of objects) for (const device of known) this.#options.barrier.expect(object, device, scope, version);
  }

  #versionOf(scope: string): Version {
    const { version } = this.#options.goal.scope(scope);
    // A device whose own scope was never written gets no goal state, and acknowledges none, before there is some.
    return scope.startsWith(devicePrefix) ? Math.max(1, version) : version;
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

/** Devices whose `member` rows changed. */
const movedDevices = (results: readonly CompileResult[]): readonly string[] => {
  const isMember = (id: RowId): boolean => id.startsWith(memberPrefix);
  const moved = new Set<string>();
  for (const { scope, upserts, deletes } of results.flatMap(({ scopes }) => scopes)) {
    if (!scope.startsWith(devicePrefix)) continue;
    if (upserts.some(({ table }) => table === 'member') || deletes.some(isMember)) moved.add(scope.slice(devicePrefix.length));
  }
  return [...moved];
};
