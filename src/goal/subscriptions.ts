/**
 * Who holds which scope: a device holds its own scope and every scope that a `member` row in it names. Kept in both directions,
 * so that a change of a shared scope finds its devices without a search.
 */
import { addMember, removeMember } from '../kit/maps.ts';
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
    addMember(this.#scopesOf, device, scope);
    addMember(this.#devicesOf, scope, device);
  }

  #leave(device: string, scope: string): void {
    removeMember(this.#scopesOf, device, scope);
    removeMember(this.#devicesOf, scope, device);
  }
}
