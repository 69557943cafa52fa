/**
 * What writers gave along with their commits, until the watch of etcd brings the changes: by stamp and key, so that nobody else's
 * change is taken for one of ours.
 */
import type { Write } from '../store.ts';

/** Of commits whose changes never came, because the watch had to begin anew, the oldest are let go. */
const mostNotes = 20_000;

export class Notes {
  readonly #notes = new Map<string, object>();

  give(stamp: string, writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.type !== 'put' || write.note === undefined) continue;
      this.#notes.set(`${stamp} ${write.key}`, write.note);
      if (this.#notes.size <= mostNotes) continue;
      const [oldest] = this.#notes.keys();
      if (oldest !== undefined) this.#notes.delete(oldest);
    }
  }

  /** The note, once. */
  take(stamp: string, key: string): object | undefined {
    const id = `${stamp} ${key}`;
    const note = this.#notes.get(id);
    if (note !== undefined) this.#notes.delete(id);
    return note;
  }

  forget(stamp: string, writes: readonly Write[]): void {
    for (const { key } of writes) this.#notes.delete(`${stamp} ${key}`);
  }
}
