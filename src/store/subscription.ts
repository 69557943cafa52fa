/**
 * One watcher of a store. It first reads the log page by page from its own revision, and only when a read comes back empty
 * does it join the live feed, in the same turn of the event loop: so nothing is missed, nothing is repeated, and a watcher
 * that is far behind costs no memory. Live changes queue up to a bound; beyond it the watch ends, it never skips.
 */
import { HeddleError } from '../kit/error.ts';
import type { Change, Revision, Watch, WatchOptions } from './store.ts';

const logPage = 500;
const defaultBuffer = 10_000;

/** A part of the log, oldest change first. It never ends in the middle of a commit. */
export interface LogPage {
  readonly changes: readonly Change[];
  /** The page holds every change under the prefix up to this revision. */
  readonly until: Revision;
}

/**
 * About `limit` changes under `prefix` with a revision greater than `after`; throws `Expired` when they were compacted. A page
 * that is at hand and empty means that there are no more; one that must be fetched (a promise) may be empty on its way.
 */
export type ReadLog = (prefix: string, after: Revision, limit: number, signal: AbortSignal) => LogPage | Promise<LogPage>;

/** A page of changes from where the log is at hand. */
export const pageOf = (changes: readonly Change[], after: Revision): LogPage => ({ changes, until: changes.at(-1)?.entry.revision ?? after });

type State = 'catching-up' | 'live' | 'ended' | 'failed';

interface Waiter {
  resolve(result: IteratorResult<Change, undefined>): void;
  reject(error: unknown): void;
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

class Subscription implements Watch, AsyncIterator<Change, undefined> {
  #state: State = 'catching-up';
  #queue: Change[] = [];
  #head = 0;
  /** Characters of the values of live changes in the queue. */
  #characters = 0;
  #waiter: Waiter | undefined;
  #handled: Revision;
  #given: Revision;
  /** The log was read up to here. */
  #read: Revision;
  #failure: HeddleError | undefined;
  readonly #feed: Feed;
  readonly #options: WatchOptions;
  readonly #onAbort = (): void => this.#finish('ended');

  constructor(feed: Feed, options: WatchOptions) {
    this.#feed = feed;
    this.#options = options;
    this.#handled = options.after;
    this.#given = options.after;
    this.#read = options.after;
    if (options.signal.aborted) this.#state = 'ended';
    else options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<Change, undefined> {
    return this;
  }

  get delivered(): Revision {
    return this.#waiter === undefined ? this.#handled : Math.max(this.#feed.revision, this.#handled);
  }

  get prefix(): string {
    return this.#options.prefix;
  }

  async next(): Promise<IteratorResult<Change, undefined>> {
    this.#handled = this.#whole();
    while (this.#state === 'catching-up' && this.#pending === 0) {
      const fetching = this.#readLog();
      if (fetching !== undefined) await fetching;
    }
    if (this.#hasFailed()) throw this.#failure;
    if (this.#hasEnded()) return done;
    if (this.#pending > 0) return this.#give(this.#take());
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  async return(): Promise<IteratorResult<Change, undefined>> {
    this.#finish('ended');
    return done;
  }

  /** Called by the feed for every committed change under the prefix, in revision order. */
  push(change: Change): void {
    // A watch may start at a revision that is still to come.
    if (change.entry.revision <= this.#read) return;
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      waiter.resolve(this.#give(change));
      return;
    }
    this.#queue.push(change);
    this.#characters += change.entry.value.length;
    const { buffer = defaultBuffer, bufferCharacters = Infinity } = this.#options;
    if (this.#pending > buffer || this.#characters > bufferCharacters) {
      this.fail(new HeddleError('Expired', `the watch fell ${this.#pending} changes behind, more than are kept for it: list again`));
    }
  }

  /** What is over already stays as it ended. */
  fail(error: HeddleError): void {
    if (this.#hasEnded()) return;
    this.#failure ??= error;
    this.#finish('failed');
  }

  end(): void {
    this.#finish('ended');
  }

  get #pending(): number {
    return this.#queue.length - this.#head;
  }

  #take(): Change {
    const change = this.#queue[this.#head];
    if (change === undefined) throw new HeddleError('Internal', 'watch queue is empty');
    this.#head += 1;
    if (this.#state === 'live') this.#characters -= change.entry.value.length;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    return change;
  }

  #give(change: Change): IteratorResult<Change, undefined> {
    this.#given = change.entry.revision;
    return { done: false, value: change };
  }

  #hasFailed(): boolean {
    return this.#state === 'failed';
  }

  #hasEnded(): boolean {
    return this.#state === 'ended';
  }

  /** Where the last commit ended that was handled whole: changes of one commit may have one revision. */
  #whole(): Revision {
    const following = this.#queue[this.#head]?.entry.revision;
    return following === this.#given ? Math.max(this.#handled, this.#given - 1) : this.#given;
  }

  /** Answers a promise when the page is not at hand. */
  #readLog(): Promise<void> | undefined {
    try {
      const page = this.#feed.readLog(this.#options.prefix, this.#read, logPage, this.#options.signal);
      if (page instanceof Promise) return this.#fetched(page);
      this.#accept(page);
      if (page.changes.length > 0) return undefined;
      this.#state = 'live';
      this.#feed.join(this);
    } catch (thrown) {
      this.fail(HeddleError.from(thrown));
    }
    return undefined;
  }

  async #fetched(fetching: Promise<LogPage>): Promise<void> {
    try {
      const page = await fetching;
      if (this.#state === 'catching-up') this.#accept(page);
    } catch (thrown) {
      this.fail(HeddleError.from(thrown));
    }
  }

  #accept({ changes, until }: LogPage): void {
    this.#queue = [...changes];
    this.#head = 0;
    this.#read = Math.max(this.#read, until);
  }

  #finish(state: 'ended' | 'failed'): void {
    if (this.#state === 'ended' || this.#state === 'failed') return;
    this.#state = state;
    this.#queue = [];
    this.#head = 0;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#feed.leave(this);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (this.#failure === undefined) waiter?.resolve(done);
    else waiter?.reject(this.#failure);
  }
}

/** The live half of a store: hands committed changes to the watchers whose prefix they have. */
export class Feed {
  readonly readLog: ReadLog;
  readonly #all = new Set<Subscription>();
  readonly #live = new Set<Subscription>();
  #revision: Revision;

  constructor(revision: Revision, readLog: ReadLog) {
    this.#revision = revision;
    this.readLog = readLog;
  }

  get revision(): Revision {
    return this.#revision;
  }

  watch(options: WatchOptions): Watch {
    const subscription = new Subscription(this, options);
    this.#all.add(subscription);
    return subscription;
  }

  /** Must be called after the commit is durable, with its changes in revision order. */
  publish(changes: readonly Change[]): void {
    this.advance(changes.at(-1)?.entry.revision ?? this.#revision);
    for (const subscription of this.#live) {
      for (const change of changes) {
        if (change.entry.key.startsWith(subscription.prefix)) subscription.push(change);
      }
    }
  }

  /** Nothing that is not published yet has this revision or an earlier one. */
  advance(revision: Revision): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  /** The counting begins elsewhere; only after `fail`. */
  restart(revision: Revision): void {
    this.#revision = revision;
  }

  /** Ends all watches with an error: what they wait for was missed. */
  fail(error: HeddleError): void {
    for (const subscription of this.#all) subscription.fail(error);
  }

  join(subscription: Subscription): void {
    this.#live.add(subscription);
  }

  leave(subscription: Subscription): void {
    this.#live.delete(subscription);
    this.#all.delete(subscription);
  }

  /** Ends all watches normally. */
  close(): void {
    // A Set may shrink while it is walked.
    for (const subscription of this.#all) subscription.end();
  }
}
