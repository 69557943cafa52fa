/** Opening the file of the embedded store: by one process at a time, readable by nobody else, of a format that is known. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { HeddleError } from '../kit/error.ts';
import { numberOf, schema } from './sqlitestatements.ts';
import type { Revision } from './store.ts';

const formatVersion = 1;
const minimumPages = 16;
/** Milliseconds: a reader that is the first after a crash has the file for itself for a moment. */
const readerPatience = 2_000;

export interface SqliteOptions {
  /** The file is not let grow beyond this; writes then fail with `InsufficientStorage`. Default: no limit but the disk's. */
  readonly maxBytes?: number;
  /** For a file that is new: revisions go on above this one. */
  readonly startAfter?: Revision;
}

export interface Opened {
  readonly database: DatabaseSync;
  /** Held for as long as it is open. */
  readonly lock: DatabaseSync;
}

/** @throws HeddleError `Unavailable` when another process has it, or it cannot be read as a store */
export const openDatabase = (path: string, options: SqliteOptions): Opened => {
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
