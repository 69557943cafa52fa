/** Who refers to what, and how many of something are where: the indexes of what is specified. Pure. */
import { getOrMake } from '../kit/maps.ts';

/** Members by key; a member may be under several. */
export class References {
  readonly #sets = new Map<string, Set<string>>();

  of(key: string): ReadonlySet<string> {
    return this.#sets.get(key) ?? nobody;
  }

  replace(member: string, before: readonly string[], after: readonly string[]): void {
    for (const key of before) {
      const set = this.#sets.get(key);
      set?.delete(member);
      if (set?.size === 0) this.#sets.delete(key);
    }
    for (const key of after) getOrMake(this.#sets, key, () => new Set<string>()).add(member);
  }
}

const nobody: ReadonlySet<string> = new Set();

/** How many attachments put a member under a key. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  add(key: string, member: string, step: 1 | -1): void {
    const counts = getOrMake(this.#counts, key, () => new Map<string, number>());
    const count = (counts.get(member) ?? 0) + step;
    if (count > 0) counts.set(member, count);
    else counts.delete(member);
    if (counts.size === 0) this.#counts.delete(key);
  }

  members(key: string): Iterable<string> {
    return this.#counts.get(key)?.keys() ?? [];
  }

  has(key: string, member: string): boolean {
    return this.#counts.get(key)?.has(member) === true;
  }
}
