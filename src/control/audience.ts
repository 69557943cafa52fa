/**
 * Which objects have rows in which scope, and through the scopes on which devices. Kept from the difference each compile
 * reports, in memory proportional to intent: devices of an object are found through its scopes, never stored for it.
 */
import { addMember, removeMember } from '../kit/maps.ts';

export class Audience {
  readonly #objectsOf = new Map<string, Set<string>>();
  readonly #scopesOf = new Map<string, Set<string>>();

  /** The object has rows in exactly these scopes now. */
  replace(object: string, scopes: readonly string[]): void {
    const before = this.#scopesOf.get(object);
    const after = new Set(scopes);
    for (const scope of before ?? []) if (!after.has(scope)) removeMember(this.#objectsOf, scope, object);
    for (const scope of after) addMember(this.#objectsOf, scope, object);
    if (after.size === 0) this.#scopesOf.delete(object);
    else this.#scopesOf.set(object, after);
  }

  objects(scope: string): ReadonlySet<string> {
    return this.#objectsOf.get(scope) ?? none;
  }

  scopes(object: string): ReadonlySet<string> {
    return this.#scopesOf.get(object) ?? none;
  }
}

const none: ReadonlySet<string> = new Set();
