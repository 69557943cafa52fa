/**
 * Who holds which scope: a device holds its own scope and every scope that a `member` row in it names. Kept in both directions,
 * so that a change of a shared scope finds its devices without a search. Lists are sorted once and handed out until they
 * change: thousands of devices ask for theirs whenever a scope that they share does.
 */
import { getOrMake } from '../kit/maps.ts';
import { type Row, deviceScope } from './rows.ts';

const devicePrefix = deviceScope('');

export class Subscriptions {
  readonly #scopesOf = new Index();
  readonly #devicesOf = new Index();
  readonly #held = new Map<string, readonly string[]>();

  /** A row of `scope` changed from `before` to `after`; absent means that there is none. */
  changed(scope: string, before: Row | undefined, after: Row | undefined): void {
    if (before?.table !== 'member' && after?.table !== 'member') return;
    if (!scope.startsWith(devicePrefix)) return;
    const device = scope.slice(devicePrefix.length);
    if (before?.table === 'member') this.#leave(device, before.value.scope);
    if (after?.table === 'member') this.#join(device, after.value.scope);
  }

  /** The shared scopes, sorted, so that every session sends scopes in one and the same order; then the device's own. */
  scopes(device: string): readonly string[] {
    return getOrMake(this.#held, device, () => [...this.#scopesOf.sorted(device), deviceScope(device)]);
  }

  /** Devices that hold a scope, sorted. */
  devices(scope: string): readonly string[] {
    return scope.startsWith(devicePrefix) ? [scope.slice(devicePrefix.length)] : this.#devicesOf.sorted(scope);
  }

  #join(device: string, scope: string): void {
    this.#held.delete(device);
    this.#scopesOf.add(device, scope);
    this.#devicesOf.add(scope, device);
  }

  #leave(device: string, scope: string): void {
    this.#held.delete(device);
    this.#scopesOf.remove(device, scope);
    this.#devicesOf.remove(scope, device);
  }
}

interface Members {
  /** How many rows say so. */
  readonly counts: Map<string, number>;
  sorted: readonly string[] | undefined;
}

/** Counted sets by key. */
class Index {
  readonly #members = new Map<string, Members>();

  add(key: string, member: string): void {
    const members = getOrMake(this.#members, key, (): Members => ({ counts: new Map(), sorted: undefined }));
    const count = members.counts.get(member) ?? 0;
    members.counts.set(member, count + 1);
    if (count === 0) members.sorted = undefined;
  }

  remove(key: string, member: string): void {
    const members = this.#members.get(key);
    const count = members?.counts.get(member) ?? 0;
    if (members === undefined || count === 0) return;
    if (count > 1) {
      members.counts.set(member, count - 1);
      return;
    }
    members.counts.delete(member);
    members.sorted = undefined;
    if (members.counts.size === 0) this.#members.delete(key);
  }

  sorted(key: string): readonly string[] {
    const members = this.#members.get(key);
    if (members === undefined) return none;
    members.sorted ??= [...members.counts.keys()].sort();
    return members.sorted;
  }
}

const none: readonly string[] = [];
