/**
 * Who is sent to when. A change that concerns thousands of devices goes out over several turns of the event loop, so that
 * answers and requests are heard in between; what takes something away goes before what adds. A device that has just
 * connected waits until it is admitted: only so many are brought up to date at the same time, however many return at once.
 */

export interface TurnsOptions<Item> {
  /** Sends what is due. Answers whether the item has something under way after that. */
  readonly serve: (item: Item) => boolean;
  /** Told when `serve` throws; the others are served all the same. */
  readonly onFault: (item: Item, error: unknown) => void;
  /** Items with something under way that came by `admit`. */
  readonly mostAdmitted?: number;
  /** How many are served before others have their turn. */
  readonly perTurn?: number;
}

/** A slow device does not keep others waiting for longer than this. */
const mostAdmittedMilliseconds = 2000;

export class Turns<Item> {
  readonly #options: TurnsOptions<Item>;
  readonly #mostAdmitted: number;
  readonly #perTurn: number;
  readonly #urgent = new Set<Item>();
  readonly #usual = new Set<Item>();
  readonly #waiting = new Set<Item>();
  /** Since when each is being brought up to date; the oldest first. */
  readonly #admitted = new Map<Item, number>();
  #scheduled: NodeJS.Immediate | undefined;

  constructor(options: TurnsOptions<Item>) {
    this.#options = options;
    this.#mostAdmitted = options.mostAdmitted ?? 128;
    this.#perTurn = options.perTurn ?? 128;
  }

  /** Serves these as soon as possible, the urgent ones first; the first of them at once. */
  serve(urgent: Iterable<Item>, usual: Iterable<Item>): void {
    for (const item of urgent) if (!this.#waiting.has(item)) this.#urgent.add(item);
    for (const item of usual) if (!this.#waiting.has(item)) this.#usual.add(item);
    if (this.#scheduled === undefined) this.#turn();
  }

  /** Serves this one when it is its turn. */
  admit(item: Item): void {
    this.#waiting.add(item);
    this.#schedule();
  }

  /** Whether the item is not admitted yet. */
  isWaiting(item: Item): boolean {
    return this.#waiting.has(item);
  }

  /** What was under way with an admitted item has ended. */
  settled(item: Item): void {
    if (this.#admitted.delete(item) && this.#waiting.size > 0) this.#schedule();
  }

  /** The item is no more. */
  remove(item: Item): void {
    this.#urgent.delete(item);
    this.#usual.delete(item);
    this.#waiting.delete(item);
    this.settled(item);
  }

  /** To be called every now and then. `now` in milliseconds. */
  check(now: number): void {
    for (const [item, since] of this.#admitted) {
      if (now - since < mostAdmittedMilliseconds) break;
      this.#admitted.delete(item);
    }
    if (this.#waiting.size > 0) this.#schedule();
  }

  close(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    for (const items of [this.#urgent, this.#usual, this.#waiting, this.#admitted]) items.clear();
  }

  #serve(item: Item): boolean {
    try {
      return this.#options.serve(item);
    } catch (error) {
      this.#options.onFault(item, error);
      return false;
    }
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = undefined;
    let left = this.#perTurn;
    for (const items of [this.#urgent, this.#usual]) {
      for (const item of items) {
        if (left === 0) break;
        left -= 1;
        items.delete(item);
        this.#serve(item);
      }
    }
    for (const item of this.#waiting) {
      if (left === 0 || this.#admitted.size >= this.#mostAdmitted) break;
      left -= 1;
      this.#waiting.delete(item);
      if (this.#serve(item)) this.#admitted.set(item, performance.now());
    }
    const canAdmit = this.#waiting.size > 0 && this.#admitted.size < this.#mostAdmitted;
    if (this.#urgent.size + this.#usual.size > 0 || canAdmit) this.#schedule();
  }
}
