/**
 * Collects changes and hands them over in batches, one batch at a time: whatever arrives within one turn of the event loop,
 * or while a batch is being worked on, is one batch. Of an object only the latest state is kept. No timer is involved, so
 * a lone change is handled in the same turn it came in.
 */
import { refKey } from '../api/object.ts';
import type { ObjectChange } from './informer.ts';

export class Mailbox {
  readonly #work: (batch: readonly ObjectChange[]) => Promise<void>;
  #waiting = new Map<string, ObjectChange>();
  #open = false;
  #kicked = false;
  #running: Promise<void> | undefined;

  /** `work` must not throw. */
  constructor(work: (batch: readonly ObjectChange[]) => Promise<void>) {
    this.#work = work;
  }

  put(change: ObjectChange): void {
    const key = refKey(change.ref);
    // What comes after a state that the server was set back to is of the same, shorter past.
    const isSetBack = this.#waiting.get(key)?.setBack === true;
    // Re-inserted, so that the order of a batch is the order of the latest changes.
    this.#waiting.delete(key);
    this.#waiting.set(key, isSetBack ? { ...change, setBack: true } : change);
    this.#start();
  }

  /** Asks for a run of `work` even when nothing changed. */
  kick(): void {
    this.#kicked = true;
    this.#start();
  }

  /** Until this is called nothing is handed over; then everything that has waited is the first batch. */
  open(): void {
    this.#open = true;
    this.#kicked = true;
    this.#start();
  }

  /** Hands nothing over any more and waits for the batch that is under way. */
  async close(): Promise<void> {
    this.#open = false;
    await this.#running;
  }

  #start(): void {
    if (this.#open && this.#running === undefined) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#open && (this.#kicked || this.#waiting.size > 0)) {
      const batch = [...this.#waiting.values()];
      this.#waiting = new Map();
      this.#kicked = false;
      await this.#work(batch);
    }
    this.#running = undefined;
  }
}
