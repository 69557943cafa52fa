/**
 * What has come of a transaction before its Commit. Parts of one update are put together at the end; what is larger than the
 * device has room for is thrown away while it comes, and refused.
 */
import { create } from '@bufbuild/protobuf';
import { type Drop, type Update, UpdateSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';

/** What lies between two Commits: one step from a consistent goal state to the next. */
export interface ReceivedTransaction {
  readonly drops: readonly Drop[];
  readonly updates: readonly Update[];
}

export interface RefusedTransaction {
  readonly reason: string;
  /** The updates, without their rows. */
  readonly refused: readonly Update[];
}

const defaultMostBytes = 256 * 1024 * 1024;

export class Inbox {
  readonly #mostBytes: number;
  #drops: Drop[] = [];
  #updates: Update[] = [];
  /** Of the update that is not complete yet. */
  #parts: Update[] = [];
  #bytes = 0;

  constructor(mostBytes = defaultMostBytes) {
    this.#mostBytes = mostBytes;
  }

  drop(drop: Drop): void {
    this.#drops.push(drop);
  }

  /** One update, or a part of one, that took so many bytes on the wire. */
  update(update: Update, bytes: number): void {
    this.#bytes += bytes;
    const isTooMuch = this.#bytes > this.#mostBytes;
    if (isTooMuch) [this.#updates, this.#parts] = [this.#updates.map(withoutRows), []];
    const kept = isTooMuch ? withoutRows(update) : update;
    if (update.more && !isTooMuch) this.#parts.push(kept);
    else if (!update.more) this.#updates.push(this.#whole(kept));
  }

  /** The transaction, as the Commit has come. */
  take(): ReceivedTransaction | RefusedTransaction {
    const [drops, updates, bytes] = [this.#drops, this.#updates, this.#bytes];
    this.clear();
    if (bytes <= this.#mostBytes) return { drops, updates };
    return { reason: `a transaction of ${bytes} bytes is more than this device takes, ${this.#mostBytes}`, refused: updates };
  }

  clear(): void {
    [this.#drops, this.#updates, this.#parts, this.#bytes] = [[], [], [], 0];
  }

  #whole(last: Update): Update {
    if (this.#parts.length === 0) return last;
    const parts = [...this.#parts, last];
    this.#parts = [];
    // Parts of another scope, or of other versions, end in a digest that does not fit.
    return create(UpdateSchema, {
      ...headOf(last),
      upserts: parts.flatMap(({ upserts }) => upserts),
      deletes: parts.flatMap(({ deletes }) => deletes),
    });
  }
}

const headOf = ({ scope, fromVersion, toVersion, full, digest, term }: Update) => ({ scope, fromVersion, toVersion, full, digest, term });

const withoutRows = (update: Update): Update => create(UpdateSchema, headOf(update));
