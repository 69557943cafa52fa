/**
 * The embedded store: one SQLite file, one writing process. `log` is the append-only truth (one row a revision) and
 * `current` points every live key at its row, so a value is stored once. WAL with synchronous=FULL makes a commit durable
 * before it is acknowledged. A lock on a file beside it keeps a second server out of the same directory, and the kernel drops
 * that lock when the process dies, however it dies; who only reads (a backup) needs none and stands in nobody's way.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HeddleError } from '../kit/error.ts';
import { CommitQueue, type Outcome } from './batch.ts';
import { planCommit } from './commit.ts';
import { prefixEnd } from './key.ts';
import { expired, type Change, type Entry, type Listing, type ListOptions, type Revision, type Store, type Write } from './store.ts';
import { Feed, pageOf } from './subscription.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS log (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    previous_revision INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS log_by_key ON log (key, revision, deleted);
  CREATE TABLE IF NOT EXISTS current (key TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS compaction (id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO compaction VALUES (0, 0);
`;
const formatVersion = 1;
/** Revisions that one transaction of a compaction moves over, so that writers wait a few milliseconds at most. */
const compactionSlice = 200;
const minimumPages = 16;
/** Milliseconds: a reader that is the first after a crash has the file for itself for a moment. */
const readerPatience = 2_000;

export interface SqliteOptions {
  /** The file is not let grow beyond this; writes then fail with `InsufficientStorage`. Default: no limit but the disk's. */
  readonly maxBytes?: number;
  /** For a file that is new: revisions go on above this one. */
  readonly startAfter?: Revision;
}

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
  return createStore(database, sql, () => lock.close());
};

interface Opened {
  readonly database: DatabaseSync;
  /** Held for as long as it is open. */
  readonly lock: DatabaseSync;
}

const openDatabase = (path: string, options: SqliteOptions): Opened => {
  let [database, lock]: (DatabaseSync | undefined)[] = [];
  try {
    lock = openPrivately(`${path}-lock`, 0);
    lock.exec('BEGIN EXCLUSIVE');
    database = openPrivately(path, readerPatience);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
    checkFormat(database, path);
    limitSize(database, options);
    return { database, lock };
  } catch (thrown) {
    database?.close();
    lock?.close();
    throw openFailure(path, thrown);
  }
};

/** SQLite would make the file, and its companions after it, readable by everyone. */
const openPrivately = (path: string, timeout: number): DatabaseSync => {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  return new DatabaseSync(path, { timeout });
};

const openFailure = (path: string, thrown: unknown): HeddleError => {
  if (thrown instanceof HeddleError) return thrown;
  const { message } = HeddleError.from(thrown);
  const says = message.includes('locked')
    ? `the store "${path}" is in use by another server: stop that one first, or give this one its own data directory`
    : `the store "${path}" cannot be opened: ${message}`;
  return new HeddleError('Unavailable', says, { cause: thrown });
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

/** @throws HeddleError `Unavailable` for a file of another version */
export const checkFormat = (database: DatabaseSync, path: string): void => {
  const found = numberOf(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found === 0) database.exec(`PRAGMA user_version = ${formatVersion}`);
  else if (found !== formatVersion) {
    throw new HeddleError('Unavailable', `the store "${path}" has format ${found}; this program reads ${formatVersion}`);
  }
};

const limitSize = (database: DatabaseSync, options: SqliteOptions): void => {
  if (options.maxBytes === undefined) return;
  const pageSize = numberOf(database.prepare('PRAGMA page_size').get()?.['page_size']);
  database.exec(`PRAGMA max_page_count = ${Math.max(minimumPages, Math.floor(options.maxBytes / pageSize))}`);
};

interface Statements {
  readonly lastRevision: StatementSync;
  readonly compacted: StatementSync;
  readonly get: StatementSync;
  readonly row: StatementSync;
  readonly list: StatementSync;
  readonly listAt: StatementSync;
  readonly count: StatementSync;
  readonly countAt: StatementSync;
  readonly changes: StatementSync;
  readonly append: StatementSync;
  readonly point: StatementSync;
  readonly unpoint: StatementSync;
  readonly setCompacted: StatementSync;
  readonly forgetReplaced: StatementSync;
  readonly forgetDeletions: StatementSync;
}

/**
 * Newest row of every key at a revision. It streams from the index in key order, so a page costs what a page holds; a join
 * that SQLite may reorder, or an outer ORDER BY, would sort the whole range for every page (26 ms instead of 0.8 ms of
 * 40,000 keys).
 */
const atRevision = `FROM (SELECT max(revision) AS newest, deleted AS gone FROM log
    WHERE key >= ? AND key < ? AND revision <= ? GROUP BY key ORDER BY key)`;

const prepare = (database: DatabaseSync): Statements => ({
  lastRevision: database.prepare('SELECT max(revision) AS revision FROM log'),
  compacted: database.prepare('SELECT revision FROM compaction'),
  get: database.prepare(`SELECT log.* FROM current JOIN log USING (revision) WHERE current.key = ?`),
  row: database.prepare('SELECT * FROM log WHERE revision = ?'),
  list: database.prepare(
    `SELECT log.* FROM current JOIN log USING (revision)
     WHERE current.key >= ? AND current.key < ? ORDER BY current.key LIMIT ?`,
  ),
  listAt: database.prepare(`SELECT log.* ${atRevision} CROSS JOIN log ON log.revision = newest WHERE gone = 0 LIMIT ?`),
  count: database.prepare('SELECT count(*) AS count FROM current WHERE key >= ? AND key < ?'),
  countAt: database.prepare(`SELECT count(*) AS count ${atRevision} WHERE gone = 0`),
  // The plus signs keep SQLite from walking all keys and sorting: the log is read in its own order.
  changes: database.prepare('SELECT * FROM log WHERE revision > ? AND +key >= ? AND +key < ? ORDER BY revision LIMIT ?'),
  append: database.prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)'),
  point: database.prepare('INSERT INTO current VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision'),
  unpoint: database.prepare('DELETE FROM current WHERE key = ?'),
  setCompacted: database.prepare('UPDATE compaction SET revision = ?'),
  // What happened up to the new oldest revision made its predecessor unreachable; a deletion needs no row of its own then.
  forgetReplaced: database.prepare(
    'DELETE FROM log WHERE revision IN (SELECT previous_revision FROM log WHERE revision > ? AND revision <= ?)',
  ),
  forgetDeletions: database.prepare('DELETE FROM log WHERE revision > ? AND revision <= ? AND deleted = 1'),
});

export type Row = Record<string, SQLOutputValue>;

export const numberOf = (value: SQLOutputValue | undefined): number => (typeof value === 'number' ? value : 0);
const textOf = (value: SQLOutputValue | undefined): string => (typeof value === 'string' ? value : '');

export const entryOf = (row: Row): Entry => ({
  key: textOf(row['key']),
  value: textOf(row['value']),
  revision: numberOf(row['revision']),
  createRevision: numberOf(row['create_revision']),
});

const createStore = (database: DatabaseSync, sql: Statements, unlock: () => void): Store => {
  let oldest = numberOf(sql.compacted.get()?.['revision']);
  let revision = Math.max(numberOf(sql.lastRevision.get()?.['revision']), oldest);
  let closed = false;

  const checkKept = (wanted: Revision): void => {
    if (wanted < oldest) throw expired(wanted, oldest);
  };
  const checkOpen = (): void => {
    if (closed) throw new HeddleError('Unavailable', 'the store is closed');
  };

  const changeOf = (row: Row): Change => {
    const previousRevision = numberOf(row['previous_revision']);
    const previous = previousRevision === 0 ? undefined : sql.row.get(previousRevision);
    const type = row['deleted'] === 1 ? 'delete' : 'put';
    return { type, entry: entryOf(row), ...(previous === undefined ? {} : { previous: entryOf(previous) }) };
  };

  const feed = new Feed(revision, (prefix, after, limit) => {
    checkOpen();
    checkKept(after);
    return pageOf(sql.changes.all(after, prefix, prefixEnd(prefix), limit).map(changeOf), after);
  });

  const currentEntry = (key: string): Entry | undefined => {
    const row = sql.get.get(key);
    return row === undefined ? undefined : entryOf(row);
  };

  const transaction = <Result>(body: () => Result): Result => {
    try {
      database.exec('BEGIN IMMEDIATE');
      const result = body();
      database.exec('COMMIT');
      return result;
    } catch (thrown) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw writeFailure(thrown);
    }
  };

  const write = (change: Change): void => {
    const { entry, previous } = change;
    const deleted = change.type === 'delete' ? 1 : 0;
    sql.append.run(entry.revision, entry.key, entry.value, deleted, entry.createRevision, previous?.revision ?? 0);
    if (change.type === 'put') sql.point.run(entry.key, entry.revision);
    else sql.unpoint.run(entry.key);
  };

  /** Plans one commit on top of what the open transaction has written; a refusal has no effect on it. */
  const attempt = (writes: readonly Write[], base: Revision): Outcome => {
    let changes: readonly Change[];
    try {
      changes = planCommit(writes, base, currentEntry);
    } catch (thrown) {
      return { ok: false, error: HeddleError.from(thrown) };
    }
    changes.forEach(write);
    return { ok: true, changes };
  };

  const queue = new CommitQueue((batch) => {
    let next = revision;
    const outcomes = transaction(() =>
      batch.map((writes) => {
        const outcome = attempt(writes, next);
        if (outcome.ok) next += outcome.changes.length;
        return outcome;
      }),
    );
    revision = next;
    feed.publish(outcomes.flatMap((outcome) => (outcome.ok ? outcome.changes : [])));
    return outcomes;
  });

  const readRows = (prefix: string, options: ListOptions, limit: number): Row[] => {
    const from = options.from !== undefined && options.from > prefix ? options.from : prefix;
    if (options.revision === undefined) return sql.list.all(from, prefixEnd(prefix), limit);
    return sql.listAt.all(from, prefixEnd(prefix), options.revision, limit);
  };

  const count = (from: string, prefix: string, at: Revision | undefined): number => {
    const row = at === undefined ? sql.count.get(from, prefixEnd(prefix)) : sql.countAt.get(from, prefixEnd(prefix), at);
    return numberOf(row?.['count']);
  };

  return {
    get revision() {
      return revision;
    },

    async get(key) {
      checkOpen();
      return currentEntry(key);
    },

    async list(prefix, options: ListOptions = {}): Promise<Listing> {
      checkOpen();
      const wanted = options.revision;
      if (wanted !== undefined && wanted > revision) {
        throw new HeddleError('BadRequest', `revision ${wanted} does not exist yet`);
      }
      if (wanted !== undefined) checkKept(wanted);
      const entries = readRows(prefix, options, options.limit === undefined ? -1 : options.limit + 1).map(entryOf);
      const next = options.limit === undefined ? undefined : entries[options.limit]?.key;
      const exact = { entries: entries.slice(0, options.limit), revision: wanted ?? revision };
      return next === undefined ? exact : { ...exact, next, remaining: count(next, prefix, wanted) };
    },

    async commit(writes) {
      checkOpen();
      return queue.commit(writes);
    },

    watch(options) {
      checkOpen();
      return feed.watch(options);
    },

    async compact(wanted) {
      checkOpen();
      if (wanted > revision) throw new HeddleError('BadRequest', `revision ${wanted} does not exist yet`);
      // Each slice moves the mark and forgets in one transaction, so a compaction that is cut off goes on where it was.
      while (oldest < wanted) {
        if (closed) return;
        const next = Math.min(oldest + compactionSlice, wanted);
        transaction(() => {
          sql.forgetReplaced.run(oldest, next);
          sql.forgetDeletions.run(oldest, next);
          sql.setCompacted.run(next);
        });
        oldest = next;
        await nextTurn();
      }
    },

    async close() {
      if (closed) return;
      queue.flush();
      closed = true;
      feed.close();
      database.close();
      unlock();
    },
  };
};
