/**
 * Which objects have rows in which scope, and through the scopes on which devices. Kept from the difference each compile
 * reports, in memory proportional to intent: devices of an object are found through its scopes, never stored for it.
 */
export class Audience {
  readonly #objectsOf = new Map<string, Set<string>>();
  readonly #scopesOf = new Map<string, Set<string>>();

  /** The object has rows in exactly these scopes now. */
  replace(object: string, scopes: readonly string[]): void {
    const before = this.#scopesOf.get(object);
    const after = new Set(scopes);
    for (const scope of before ?? []) if (!after.has(scope)) remove(this.#objectsOf, scope, object);
    for (const scope of after) add(this.#objectsOf, scope, object);
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
