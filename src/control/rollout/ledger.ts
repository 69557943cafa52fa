/** Rollout objects as they are written: of one fabric one after the other, again and again until the store takes them. */
import type { ResourceClient } from '../../api/client.ts';
import type { RolloutSpec } from '../../api/kinds/rollout.ts';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Logger } from '../../kit/log.ts';
import { objectOf, rolloutRef } from './record.ts';

export interface LedgerOptions {
  readonly client: ResourceClient;
  readonly log: Logger;
  readonly later: (milliseconds: number, action: () => void) => void;
}

const retryMilliseconds = 1000;

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #inFlight = new Set<Promise<void>>();
  /** By fabric: what is written last, after all before it. */
  readonly #writing = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** `then` happens when it is stored. What is not wanted any more when the store refuses is not tried again. */
  write(record: RolloutSpec, isWanted: () => boolean, then: () => void): void {
    const former = this.#writing.get(record.fabric);
    const writing = async (): Promise<void> => {
      await former;
      await this.#put(record);
      then();
    };
    this.#writing.set(record.fabric, this.#track(writing(), () => isWanted() && this.write(record, isWanted, then)));
  }

  /** Deletes those of these records that are more than so many, the oldest first. */
  prune(records: readonly RolloutSpec[], limit: number): void {
    const oldest = records.toSorted((left, right) => left.revision - right.revision).slice(0, Math.max(0, records.length - limit));
    for (const { fabric, revision } of oldest) void this.#track(this.#options.client.delete(rolloutRef(fabric, revision)), () => {});
  }

  /** Waits for the writes that are under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#inFlight);
  }

  async #put(record: RolloutSpec): Promise<void> {
    const { client } = this.#options;
    try {
      await client.patch(rolloutRef(record.fabric, record.revision), { spec: record });
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
      await client.create(objectOf(record) as Resource);
    }
  }

  #track(work: Promise<void>, again: () => void): Promise<void> {
    const watched: Promise<void> = work
      .catch((thrown: unknown) => {
        this.#options.log.warn({ error: HeddleError.from(thrown).message }, 'rollout not written, will try again');
        if (!this.#closed) this.#options.later(retryMilliseconds, again);
      })
      .finally(() => this.#inFlight.delete(watched));
    this.#inFlight.add(watched);
    return watched;
  }
}
