/**
 * Who holds which scope: a device holds its own scope and every scope that a `member` row in it names. Kept in both directions,
 * so that a change of a shared scope finds its devices without a search.
 */
import { type Row, deviceScope } from './rows.ts';

const devicePrefix = deviceScope('');

export class Subscriptions {
  readonly #scopesOf = new Map<string, Set<string>>();
  readonly #devicesOf = new Map<string, Set<string>>();

  /** A row of `scope` changed from `before` to `after`; absent means that there is none. */
  changed(scope: string, before: Row | undefined, after: Row | undefined): void {
    if (!scope.startsWith(devicePrefix)) return;
    const device = scope.slice(devicePrefix.length);
    if (before?.table === 'member') this.#leave(device, before.value.scope);
    if (after?.table === 'member') this.#join(device, after.value.scope);
  }

  /** Sorted, so that every session sends scopes in one and the same order. */
  sharedScopes(device: string): readonly string[] {
    return [...(this.#scopesOf.get(device) ?? [])].toSorted();
  }

  devices(scope: string): readonly string[] {
    if (scope.startsWith(devicePrefix)) return [scope.slice(devicePrefix.length)];
    return [...(this.#devicesOf.get(scope) ?? [])];
  }

  #join(device: string, scope: string): void {
    add(this.#scopesOf, device, scope);
    add(this.#devicesOf, scope, device);
  }

  #leave(device: string, scope: string): void {
    remove(this.#scopesOf, device, scope);
    remove(this.#devicesOf, scope, device);
  }
}

const add = (index: Map<string, Set<string>>, key: string, member: string): void => {
  const members = index.get(key);
  if (members === undefined) index.set(key, new Set([member]));
  else members.add(member);
};

const remove = (index: Map<string, Set<string>>, key: string, member: string): void => {
  const members = index.get(key);
  members?.delete(member);
  if (members?.size === 0) index.delete(key);
};
