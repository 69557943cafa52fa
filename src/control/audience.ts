/**
 * Which objects have rows in which scope, and since which version. Kept from the difference each compile reports, in memory
 * proportional to intent: devices of an object are found through its scopes, never stored for it.
 */
import type { Version } from '../goal/state.ts';
import { addMember, removeMember } from '../kit/maps.ts';

export class Audience {
  readonly #objectsOf = new Map<string, Set<string>>();
  readonly #scopesOf = new Map<string, ReadonlyMap<string, Version>>();

  /** The object has rows in exactly these scopes from this version on. */
  replace(object: string, scopes: readonly string[], version: Version): void {
    const before = this.scopes(object);
    const after = new Map(scopes.map((scope) => [scope, before.get(scope) ?? version]));
    for (const scope of before.keys()) if (!after.has(scope)) removeMember(this.#objectsOf, scope, object);
    for (const scope of after.keys()) if (!before.has(scope)) addMember(this.#objectsOf, scope, object);
    if (after.size === 0) this.#scopesOf.delete(object);
    else this.#scopesOf.set(object, after);
  }

  objects(scope: string): ReadonlySet<string> {
    return this.#objectsOf.get(scope) ?? nobody;
  }

  /** Scopes in which the object has rows, each with the version since which it has. */
  scopes(object: string): ReadonlyMap<string, Version> {
    return this.#scopesOf.get(object) ?? nowhere;
  }
}

const nobody: ReadonlySet<string> = new Set();
const nowhere: ReadonlyMap<string, Version> = new Map();
