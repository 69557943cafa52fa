/**
 * What changed in a scope of late, version by version, so that a subscriber who is behind gets a delta. Rows are named by
 * table and key, two texts that live in the rows anyway. Bounded; what falls out costs a subscriber the whole scope.
 */
import { type Digest, emptyDigest } from './digest.ts';

/** See state.ts. */
type Version = number;

interface Entry {
  readonly version: Version;
  readonly digest: Digest;
  /** Table, key, table, key … of rows that are not as they were in the entry before. */
  readonly changed: readonly string[];
}

export class ChangeLog {
  /** It begins with version 0, so that a subscriber of an empty scope gets a delta. */
  #entries: Entry[] = [{ version: 0, digest: emptyDigest, changed: [] }];
  /** Position of the oldest entry that counts; its `changed` is not needed: it says where the log begins. */
  #first = 0;
  #rows = 0;

  append(version: Version, digest: Digest, changed: readonly string[]): void {
    this.#entries.push({ version, digest, changed });
    this.#rows += changed.length / 2;
  }

  /** Forgets the oldest changes until at most so many rows are named. */
  trim(mostRows: number): void {
    while (this.#rows > mostRows && this.#first < this.#entries.length - 1) {
      this.#first += 1;
      this.#rows -= (this.#entries[this.#first]?.changed.length ?? 0) / 2;
    }
    if (this.#first <= this.#entries.length / 2) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  digestAt(version: Version): Digest | undefined {
    return this.#entries[this.#position(version)]?.digest;
  }

  /** Ids (`<table>/<key>`) of rows that changed after a version; undefined when the log does not reach back to it. */
  since(version: Version): ReadonlySet<string> | undefined {
    const position = this.#position(version);
    if (position < 0) return undefined;
    const ids = new Set<string>();
    for (let index = position + 1; index < this.#entries.length; index++) {
      const changed = this.#entries[index]?.changed ?? [];
      for (let part = 0; part < changed.length; part += 2) ids.add(`${changed[part]}/${changed[part + 1]}`);
    }
    return ids;
  }

  /** Binary search: versions only grow. */
  #position(version: Version): number {
    let [low, high] = [this.#first, this.#entries.length - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#entries[middle]?.version ?? 0;
      if (found === version) return middle;
      if (found < version) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
