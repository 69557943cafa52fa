/**
 * The embedded store: one SQLite file, one writing process. `log` is the append-only truth (one row a revision) and
 * `current` points every live key at its row, so a value is stored once. WAL with synchronous=FULL makes a commit durable
 * before it is acknowledged. A lock on a file beside it keeps a second server out of the same directory, and the kernel drops
 * that lock when the process dies, however it dies; who only reads (a backup) needs none and stands in nobody's way.
 */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HeddleError } from '../kit/error.ts';
import { CommitQueue, type Outcome } from './batch.ts';
import { planCommit } from './commit.ts';
import { prefixEnd } from './key.ts';
import { expired, type Change, type Entry, type Listing, type ListOptions, type Revision, type Store, type Watch, type WatchOptions, type Write } from './store.ts';
import { openDatabase, type SqliteOptions } from './sqliteopen.ts';
import { entryOf, numberOf, prepare, type Row, type Statements } from './sqlitestatements.ts';
import { Feed, type LogPage, pageOf } from './subscription.ts';

/** Revisions that one transaction of a compaction moves over, so that writers wait a few milliseconds at most. */
const compactionSlice = 200;

/**
 * Opens or makes the store at `path`. Throws `Unavailable` when another process has it, or it cannot be read as a store;
 * `Conflict` when `startAfter` is given and it is not empty.
 */
export const openSqliteStore = (path: string, options: SqliteOptions = {}): Store => {
  const { database, lock } = openDatabase(path, options);
  const sql = prepare(database);
  if (options.startAfter !== undefined) {
    if (sql.lastRevision.get()?.['revision'] !== null || numberOf(sql.compacted.get()?.['revision']) > 0) {
      database.close();
      lock.close();
      throw new HeddleError('Conflict', `the store "${path}" is not empty`);
    }
    sql.setCompacted.run(options.startAfter);
  }
  return new SqliteStore(database, sql, () => lock.close());
};

/** SQLITE_FULL, of a disk without room as of a file at its limit (https://www.sqlite.org/rescode.html#full). */
const fullCode = 13;

const writeFailure = (thrown: unknown): HeddleError => {
  if (thrown instanceof HeddleError) return thrown;
  const { message } = HeddleError.from(thrown);
  if (thrown instanceof Error && 'errcode' in thrown && thrown.errcode === fullCode) {
    const says = 'the store has no room left: free some on the disk of the data folder; what is stored can be read meanwhile';
    return new HeddleError('InsufficientStorage', says, { cause: thrown });
  }
  return new HeddleError('Unavailable', `the store could not write: ${message}`, { cause: thrown });
};

/** What a Store promises, on an open file. */
class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #sql: Statements;
  readonly #unlock: () => void;
  readonly #feed: Feed;
  readonly #queue = new CommitQueue((batch) => this.#runBatch(batch));
  #oldest: Revision;
  #revision: Revision;
  #closed = false;

  constructor(database: DatabaseSync, sql: Statements, unlock: () => void) {
    this.#database = database;
    this.#sql = sql;
    this.#unlock = unlock;
    this.#oldest = numberOf(sql.compacted.get()?.['revision']);
    this.#revision = Math.max(numberOf(sql.lastRevision.get()?.['revision']), this.#oldest);
    this.#feed = new Feed(this.#revision, (prefix, after, limit) => this.#readLog(prefix, after, limit));
  }

  get revision(): Revision {
    return this.#revision;
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#checkOpen();
    return this.#currentEntry(key);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Listing> {
    this.#checkOpen();
    const { limit, revision: wanted } = options;
    if (wanted !== undefined) this.#checkReadable(wanted);
    const entries = this.#readRows(prefix, options, limit === undefined ? -1 : limit + 1).map(entryOf);
    const next = limit === undefined ? undefined : entries[limit]?.key;
    const exact = { entries: entries.slice(0, limit), revision: wanted ?? this.#revision };
    return next === undefined ? exact : { ...exact, next, remaining: this.#count(next, prefix, wanted) };
  }

  async commit(writes: readonly Write[]): Promise<readonly Change[]> {
    this.#checkOpen();
    return this.#queue.commit(writes);
  }

  watch(options: WatchOptions): Watch {
    this.#checkOpen();
    return this.#feed.watch(options);
  }

  async compact(wanted: Revision): Promise<void> {
    this.#checkOpen();
    this.#checkExists(wanted);
    while (this.#oldest < wanted) {
      if (this.#closed) return;
      this.#compactTo(Math.min(this.#oldest + compactionSlice, wanted));
      await nextTurn();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#queue.flush();
    this.#closed = true;
    this.#feed.close();
    this.#database.close();
    this.#unlock();
  }

  #checkOpen(): void {
    if (this.#closed) throw new HeddleError('Unavailable', 'the store is closed');
  }

  #checkExists(wanted: Revision): void {
    if (wanted > this.#revision) throw new HeddleError('BadRequest', `revision ${wanted} does not exist yet`);
  }

  #checkKept(wanted: Revision): void {
    if (wanted < this.#oldest) throw expired(wanted, this.#oldest);
  }

  #checkReadable(wanted: Revision): void {
    this.#checkExists(wanted);
    this.#checkKept(wanted);
  }

  #currentEntry(key: string): Entry | undefined {
    const row = this.#sql.get.get(key);
    return row === undefined ? undefined : entryOf(row);
  }

  #readRows(prefix: string, options: ListOptions, limit: number): Row[] {
    const from = options.from !== undefined && options.from > prefix ? options.from : prefix;
    if (options.revision === undefined) return this.#sql.list.all(from, prefixEnd(prefix), limit);
    return this.#sql.listAt.all(from, prefixEnd(prefix), options.revision, limit);
  }

  #count(from: string, prefix: string, at: Revision | undefined): number {
    const { count, countAt } = this.#sql;
    const row = at === undefined ? count.get(from, prefixEnd(prefix)) : countAt.get(from, prefixEnd(prefix), at);
    return numberOf(row?.['count']);
  }

  #readLog(prefix: string, after: Revision, limit: number): LogPage {
    this.#checkOpen();
    this.#checkKept(after);
    const rows = this.#sql.changes.all(after, prefix, prefixEnd(prefix), limit);
    return pageOf(rows.map((row) => this.#changeOf(row)), after);
  }

  #changeOf(row: Row): Change {
    const previousRevision = numberOf(row['previous_revision']);
    const previous = previousRevision === 0 ? undefined : this.#sql.row.get(previousRevision);
    const type = row['deleted'] === 1 ? 'delete' : 'put';
    return { type, entry: entryOf(row), ...(previous === undefined ? {} : { previous: entryOf(previous) }) };
  }

  /** Commits of one turn, durable with one sync; nobody hears of them before that. */
  #runBatch(batch: readonly (readonly Write[])[]): readonly Outcome[] {
    let next = this.#revision;
    const outcomes = this.#transaction(() =>
      batch.map((writes) => {
        const outcome = this.#attempt(writes, next);
        if (outcome.ok) next += outcome.changes.length;
        return outcome;
      }),
    );
    this.#revision = next;
    this.#feed.publish(outcomes.flatMap((outcome) => (outcome.ok ? outcome.changes : [])));
    return outcomes;
  }

  /** Plans one commit on top of what the open transaction has written; a refusal has no effect on it. */
  #attempt(writes: readonly Write[], base: Revision): Outcome {
    let changes: readonly Change[];
    try {
      changes = planCommit(writes, base, (key) => this.#currentEntry(key));
    } catch (thrown) {
      return { ok: false, error: HeddleError.from(thrown) };
    }
    for (const change of changes) this.#write(change);
    return { ok: true, changes };
  }

  #write({ type, entry, previous }: Change): void {
    const { append, point, unpoint } = this.#sql;
    append.run(entry.revision, entry.key, entry.value, type === 'delete' ? 1 : 0, entry.createRevision, previous?.revision ?? 0);
    if (type === 'put') point.run(entry.key, entry.revision);
    else unpoint.run(entry.key);
  }

  /** Moves the mark and forgets in one transaction, so a compaction that is cut off goes on where it was. */
  #compactTo(next: Revision): void {
    this.#transaction(() => {
      this.#sql.forgetReplaced.run(this.#oldest, next);
      this.#sql.forgetDeletions.run(this.#oldest, next);
      this.#sql.setCompacted.run(next);
    });
    this.#oldest = next;
  }

  #transaction<Result>(body: () => Result): Result {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = body();
      this.#database.exec('COMMIT');
      return result;
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw writeFailure(thrown);
    }
  }
}
