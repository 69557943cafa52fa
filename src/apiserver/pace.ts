/**
 * When streams write. What comes after a pause goes out at once; what follows within a moment goes out together at its end,
 * for all streams in one turn: hundreds of watchers at hundreds of changes a second would otherwise cost a system call and a
 * TLS record for each pair of them.
 */

/** How long something may wait for what comes after it. */
const momentMilliseconds = 8;

export interface Paced {
  /** Writes out what has gathered. */
  flush(): void;
}

export class Pace {
  readonly #due = new Set<Paced>();
  readonly #lastFlush = new WeakMap<Paced, number>();
  #isTimed = false;

  /** The stream has something to write: `flush` is called now or soon. */
  request(stream: Paced): void {
    if (this.#due.has(stream)) return;
    const since = performance.now() - (this.#lastFlush.get(stream) ?? 0);
    if (since >= momentMilliseconds) return this.#flush(stream);
    this.#due.add(stream);
    if (!this.#isTimed) setTimeout(() => this.#flushDue(), momentMilliseconds - since);
    this.#isTimed = true;
  }

  /** The stream writes now, or never again. */
  forget(stream: Paced): void {
    this.#due.delete(stream);
  }

  #flushDue(): void {
    this.#isTimed = false;
    const due = [...this.#due];
    this.#due.clear();
    for (const stream of due) this.#flush(stream);
  }

  #flush(stream: Paced): void {
    this.#lastFlush.set(stream, performance.now());
    stream.flush();
  }
}
