/** A SQLite store as a file: read whole while a server may be writing it, and made whole or not at all. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { HeddleError } from '../kit/error.ts';
import { openSqliteStore } from './sqlite.ts';
import { checkFormat } from './sqliteopen.ts';
import { entryOf, numberOf } from './sqlitestatements.ts';
import type { Entry, Revision, Store } from './store.ts';

export interface Snapshot {
  readonly revision: Revision;
  /** In key order, all as they were at the revision. */
  readonly entries: Iterable<Entry>;
  close(): void;
}

/** How long a checkpoint of the server may have the file for itself, in milliseconds. */
const patience = 2_000;

/** @throws HeddleError `NotFound` when there is no such file, `Unavailable` when it cannot be read as a store */
export const openSnapshot = (path: string): Snapshot => {
  if (!existsSync(path)) throw new HeddleError('NotFound', `there is no store "${path}"`);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: patience, readOnly: true });
    checkFormat(database, path);
    // The first read fixes what all later ones see.
    database.exec('BEGIN');
    const row = database.prepare('SELECT max((SELECT coalesce(max(revision), 0) FROM log), (SELECT revision FROM compaction)) AS revision').get();
    return { revision: numberOf(row?.['revision']), entries: entriesOf(database), close: closing(database) };
  } catch (thrown) {
    database?.close();
    if (thrown instanceof HeddleError) throw thrown;
    throw new HeddleError('Unavailable', `the store "${path}" cannot be read: ${HeddleError.from(thrown).message}`, { cause: thrown });
  }
};

const closing = (database: DatabaseSync) => (): void => {
  database.exec('ROLLBACK');
  database.close();
};

const entriesOf = function* (database: DatabaseSync): Generator<Entry> {
  const rows = database.prepare('SELECT log.* FROM current CROSS JOIN log USING (revision) ORDER BY current.key').iterate();
  for (const row of rows) yield entryOf(row);
};

/**
 * Makes a store where there is none, with what `fill` writes; its revisions are greater than `startAfter`.
 * @throws HeddleError `Conflict` when there is one already
 */
export const fillSqliteStore = async (path: string, startAfter: Revision, fill: (store: Store) => Promise<void>): Promise<void> => {
  if (existsSync(path)) throw new HeddleError('Conflict', `the store "${path}" is there already: restore into another data folder, or move it away first`);
  const partial = `${path}.restoring`;
  remove(partial);
  try {
    const store = openSqliteStore(partial, { startAfter });
    await fill(store).finally(() => store.close());
    renameSync(partial, path);
  } finally {
    remove(partial);
  }
};

const remove = (path: string): void => {
  for (const suffix of ['', '-wal', '-shm', '-lock']) rmSync(`${path}${suffix}`, { force: true });
};
