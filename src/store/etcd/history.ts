/**
 * The latest changes of the whole store, kept at hand: nearly every watcher begins a moment ago, and is served from here
 * without asking etcd. Bounded by count and size; commits are forgotten whole.
 */
import type { Change, Revision } from '../store.ts';
import { type LogPage, pageOf } from '../subscription.ts';

const mostChanges = 10_000;
const mostCharacters = 16 * 1024 * 1024;
/** Forgotten changes are cut off when there are this many, so that each costs next to nothing. */
const slack = 1_000;

export class History {
  #changes: Change[] = [];
  #head = 0;
  #characters = 0;
  #oldest: Revision;

  /** Complete for revisions after `oldest`. */
  constructor(oldest: Revision) {
    this.#oldest = oldest;
  }

  /** One or more whole commits. */
  add(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#changes.push(change);
      this.#characters += change.entry.value.length;
    }
    while (this.#changes.length - this.#head > mostChanges || this.#characters > mostCharacters) this.#forgetFirst();
  }

  /** Nothing up to this revision is answered any more. */
  forget(until: Revision): void {
    while ((this.#changes[this.#head]?.entry.revision ?? Infinity) <= until) this.#forgetFirst();
    this.#oldest = Math.max(this.#oldest, until);
  }

  /** About `limit` changes after a revision, or undefined when that is further back than what is kept. */
  read(prefix: string, after: Revision, limit: number): LogPage | undefined {
    if (after < this.#oldest) return undefined;
    const found: Change[] = [];
    for (let index = this.#firstAfter(after); index < this.#changes.length; index += 1) {
      const change = this.#changes[index];
      if (change === undefined) break;
      if (found.length >= limit && change.entry.revision !== found.at(-1)?.entry.revision) break;
      if (change.entry.key.startsWith(prefix)) found.push(change);
    }
    return pageOf(found, after);
  }

  #firstAfter(revision: Revision): number {
    let [low, high] = [this.#head, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle]?.entry.revision ?? Infinity) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #forgetFirst(): void {
    const revision = this.#changes[this.#head]?.entry.revision ?? this.#oldest;
    for (let next = this.#changes[this.#head]; next?.entry.revision === revision; next = this.#changes[this.#head]) {
      this.#characters -= next.entry.value.length;
      this.#head += 1;
    }
    this.#oldest = revision;
    if (this.#head < slack) return;
    this.#changes = this.#changes.slice(this.#head);
    this.#head = 0;
  }
}
