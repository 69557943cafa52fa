/**
 * Group commit: what is asked for in one turn of the event loop becomes durable with one sync of the disk. Each commit still
 * succeeds or fails for itself, and nobody is answered before the sync.
 */
import { HeddleError } from '../kit/error.ts';
import type { Change, Write } from './store.ts';

interface Pending {
  readonly writes: readonly Write[];
  resolve(changes: readonly Change[]): void;
  reject(error: HeddleError): void;
}

/** One commit of a batch: its changes, or why it cannot be. A refused one has written nothing. */
export type Outcome = { readonly ok: true; readonly changes: readonly Change[] } | { readonly ok: false; readonly error: HeddleError };

/** Runs the commits in order in one transaction; throws when the transaction as a whole failed and was rolled back. */
export type RunBatch = (batch: readonly (readonly Write[])[]) => readonly Outcome[];

export class CommitQueue {
  #pending: Pending[] = [];
  readonly #run: RunBatch;

  constructor(run: RunBatch) {
    this.#run = run;
  }

  commit(writes: readonly Write[]): Promise<readonly Change[]> {
    return new Promise((resolve, reject) => {
      if (this.#pending.length === 0) setImmediate(() => this.flush());
      this.#pending.push({ writes, resolve, reject });
    });
  }

  /** Carries out what is waiting, now. */
  flush(): void {
    const batch = this.#pending;
    this.#pending = [];
    if (batch.length > 0) this.#settle(batch);
  }

  #settle(batch: readonly Pending[]): void {
    try {
      const outcomes = this.#run(batch.map(({ writes }) => writes));
      outcomes.forEach((outcome, index) => {
        if (outcome.ok) batch[index]?.resolve(outcome.changes);
        else batch[index]?.reject(outcome.error);
      });
    } catch (thrown) {
      // One that does not fit on the disk must not take along those that do.
      if (batch.length > 1) for (const pending of batch) this.#settle([pending]);
      else batch[0]?.reject(HeddleError.from(thrown));
    }
  }
}
