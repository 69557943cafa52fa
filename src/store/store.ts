/**
 * A versioned object log with watch. It knows keys and bytes, not kinds. One counter of revisions for the whole store:
 * every commit takes greater ones, so an order over all writes exists and a list at revision r followed by a watch from r
 * misses nothing and repeats nothing. Revisions may leave gaps: etcd counts what others write too.
 */
import { HeddleError } from '../kit/error.ts';

/** Rising for the whole store; stays below 2^53. */
export type Revision = number;

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Revision of the commit that wrote this value. */
  readonly revision: Revision;
  /** Revision of the commit that created the key. */
  readonly createRevision: Revision;
  /** What the writer gave along with the value; only watchers of the moment see it, it is not kept. */
  readonly note?: object;
}

export interface Change {
  readonly type: 'put' | 'delete';
  /** For a delete the last value, with the revision of the deletion. */
  readonly entry: Entry;
  /** The entry before this change; undefined for a creation. */
  readonly previous?: Entry;
}

export interface Listing {
  readonly entries: readonly Entry[];
  /** The revision at which the listing is exact. */
  readonly revision: Revision;
  /** Key to pass as `from` for the next page; absent on the last page. */
  readonly next?: string;
  /** Entries after this page. */
  readonly remaining?: number;
}

export interface ListOptions {
  readonly limit?: number;
  /** First key of the page (inclusive). */
  readonly from?: string;
  /** Read the past: the state exactly at this revision. `Expired` when it was compacted. */
  readonly revision?: Revision;
}

export type Write =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: string;
      /** Compare-and-swap: revision the key must have now; 0 means it must not exist. Left out: no check. */
      readonly expected?: Revision;
      /** Handed on to whoever watches now, such as the value before it was encoded. */
      readonly note?: object;
    }
  | { readonly type: 'delete'; readonly key: string; readonly expected?: Revision }
  /** Writes nothing: the other writes are made only while this key is at that revision (0: absent). Fencing is made of it. */
  | { readonly type: 'check'; readonly key: string; readonly expected: Revision };

export interface WatchOptions {
  readonly prefix: string;
  /** Changes with a greater revision are delivered. `Expired` when it was compacted. */
  readonly after: Revision;
  readonly signal: AbortSignal;
  /** How many undelivered changes a watcher may leave; beyond it the watch ends with `Expired`. Default 10,000. */
  readonly buffer?: number;
  /** How many characters their values may have together. Default: no bound. */
  readonly bufferCharacters?: number;
}

export interface Watch extends AsyncIterable<Change> {
  /** Every change under the prefix up to this revision has been handled: the consumer asked for the one after it. */
  readonly delivered: Revision;
}

export interface Store {
  /**
   * Revision of the latest commit this process knows of: with etcd what other servers commit is known a moment later, what was
   * committed, read or watched here at once.
   */
  readonly revision: Revision;
  get(key: string): Promise<Entry | undefined>;
  /** Entries whose key starts with `prefix`, in key order. */
  list(prefix: string, options?: ListOptions): Promise<Listing>;
  /**
   * Writes all or none, and resolves after they are durable. `Conflict` when an `expected` does not hold, deleting a key that is
   * absent is `NotFound`, writing one key twice `BadRequest`. `Unavailable` may mean that nobody knows whether it was written; it
   * never was twice. The answer holds one change for each put and delete, in the order given.
   *
   * The changes of a commit have revisions of their own (memory, SQLite) or one for all (etcd): who goes on after the revision of a
   * change must not stand between two changes of one commit. `Watch.delivered` never does, nor does who writes one key a commit.
   */
  commit(writes: readonly Write[]): Promise<readonly Change[]>;
  /** Changes in revision order, live until the signal aborts (ends normally) or the watcher fell behind (throws `Expired`). */
  watch(options: WatchOptions): Watch;
  /**
   * Forgets history before `revision`; the current state stays. Lists at `revision` and watches after it still work,
   * earlier ones are `Expired`. A revision already compacted is a no-op, one that does not exist yet `BadRequest`.
   */
  compact(revision: Revision): Promise<void>;
  close(): Promise<void>;
}

export const expired = (revision: Revision, oldest: Revision): HeddleError =>
  new HeddleError('Expired', `revision ${revision} was compacted; the oldest kept is ${oldest}: list again`);
