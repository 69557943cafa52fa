/**
 * `heddle backup` and `heddle restore`: everything a store holds at one revision, to a file and back. A server may run meanwhile:
 * SQLite's file is read beside it, etcd at a fixed revision.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../../apiserver/pki/durable.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Entry, Revision, Store, Write } from '../../store/store.ts';
import { clusterKeyFiles, clusterKeysEntry } from '../clusterkeys.ts';
import type { ExitStatus, Io } from '../io.ts';
import { packageVersion } from '../program.ts';
import { etcdOptions, refuseStrayOptions, sqliteFile, type StoreOptions } from '../storeoption.ts';
import { checkBackup, type Item, type KeyFile, readItems, writeBackup } from './format.ts';

export interface BackupOptions extends StoreOptions {
  /** Data folder of the server; with etcd only needed for the keys. */
  readonly data?: string;
  /** Also the keys of the cluster: with them a backup is worth an administrator. */
  readonly withKeys?: boolean;
}

/** Revisions that nobody can have counted up since the backup was made. */
const revisionGap = 1_000_000_000;
/** etcd takes 128 operations in a transaction unless it is told otherwise. */
const entriesPerCommit = 100;
/** And 1.5 MiB. A larger object is alone in its commit. */
const charactersPerCommit = 300_000;
const pageEntries = 1_000;

/** @throws HeddleError `AlreadyExists` when there is such a file, `Unavailable` when the store cannot be read */
export const backup = async (io: Io, path: string, options: BackupOptions): Promise<ExitStatus> => {
  const keys = options.withKeys === true ? readKeys(dataFolder(options)) : [];
  const source = await openSource(options, (message) => io.note(`heddle: ${message}\n`));
  try {
    const { revision } = source;
    const items = concat(source.entries, keys);
    const counts = await writeBackup(path, { revision, time: new Date().toISOString(), heddle: packageVersion() }, items);
    io.out(`${counts.entries} entries at revision ${revision}${counts.files > 0 ? ` and ${counts.files} key files` : ''} written to ${path}\n`);
    return 0;
  } finally {
    await source.close();
  }
};

/** @throws HeddleError `Invalid` for a file that is no whole backup, `Conflict` when something is there already */
export const restore = async (io: Io, path: string, options: BackupOptions): Promise<ExitStatus> => {
  const heading = await checkBackup(path);
  const data = options.data;
  if (heading.files > 0) refuseKeys(dataFolder(options));
  const startAfter = heading.revision + revisionGap;
  await fillStore(options, startAfter, async (store) => {
    await putBack(store, path, heading.files > 0);
    // Before the store is there: a server that finds one without keys makes keys of its own.
    for await (const item of readItems(path)) if ('file' in item && data !== undefined) await putKey(data, item);
  });
  io.out(`${heading.entries} entries of ${heading.time} restored${heading.files > 0 ? `, ${heading.files} key files` : ''}; revisions go on above ${startAfter}\n`);
  return 0;
};

interface Source {
  readonly revision: Revision;
  readonly entries: Iterable<Entry> | AsyncIterable<Entry>;
  close(): Promise<void>;
}

const openSource = async (options: StoreOptions & { readonly data?: string }, onTrouble: (message: string) => void): Promise<Source> => {
  refuseStrayOptions(options);
  switch (options.store ?? 'sqlite') {
    case 'memory':
      throw memoryIsGone();
    case 'etcd': {
      const { openEtcdStore } = await import('../../store/etcd/store.ts');
      const store = await openEtcdStore({ ...etcdOptions(options), onTrouble });
      const { revision } = await store.list('', { limit: 1 });
      return { revision, entries: entriesAt(store, revision), close: () => store.close() };
    }
    case 'sqlite': {
      const { openSnapshot } = await import('../../store/sqlitefile.ts');
      const snapshot = openSnapshot(sqliteFile(dataFolder(options)));
      return { ...snapshot, close: async () => snapshot.close() };
    }
  }
};

const memoryIsGone = (): HeddleError => new HeddleError('BadRequest', 'the store "memory" lives and ends with its server: there is nothing to back up or restore');

const dataFolder = ({ data }: { readonly data?: string }): string => {
  if (data === undefined) throw new HeddleError('BadRequest', '--data is needed: the folder that the server keeps its state in');
  return data;
};

const entriesAt = async function* (store: Store, revision: Revision): AsyncGenerator<Entry> {
  for (let from: string | undefined = ''; from !== undefined; ) {
    const page = await store.list('', { from, revision, limit: pageEntries });
    yield* page.entries;
    from = page.next;
  }
};

const concat = async function* (entries: Source['entries'], keys: readonly Item[]): AsyncGenerator<Item> {
  for await (const { key, value } of entries) yield { key, value };
  yield* keys;
};

const readKeys = (data: string): readonly Item[] =>
  clusterKeyFiles.map((file) => {
    try {
      return { file, content: readFileSync(join(data, file)).toString('base64') };
    } catch (thrown) {
      throw new HeddleError('NotFound', `"${join(data, file)}" cannot be read: is "${data}" the data folder of a server?`, { cause: thrown });
    }
  });

const fillStore = async (options: BackupOptions, startAfter: Revision, fill: (store: Store) => Promise<void>): Promise<void> => {
  refuseStrayOptions(options);
  if (options.store === 'memory') throw memoryIsGone();
  if (options.store === 'etcd') {
    const { fillEtcdStore } = await import('../../store/etcd/store.ts');
    return fillEtcdStore(etcdOptions(options), startAfter, fill);
  }
  const { fillSqliteStore } = await import('../../store/sqlitefile.ts');
  const data = dataFolder(options);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  return fillSqliteStore(sqliteFile(data), startAfter, fill);
};

const putBack = async (store: Store, path: string, hasKeys: boolean): Promise<void> => {
  let batch: Write[] = [];
  let characters = 0;
  const write = async (): Promise<void> => {
    if (batch.length > 0) await store.commit(batch);
    [batch, characters] = [[], 0];
  };
  for await (const item of readItems(path)) {
    // Without its keys a cluster makes new ones.
    if (!('key' in item) || (item.key === clusterKeysEntry && !hasKeys)) continue;
    characters += item.value.length;
    if (batch.length === entriesPerCommit || characters > charactersPerCommit) await write();
    batch.push({ type: 'put', key: item.key, value: item.value, expected: 0 });
  }
  await write();
};

const refuseKeys = (data: string): void => {
  const found = clusterKeyFiles.find((file) => existsSync(join(data, file)));
  if (found === undefined) return;
  throw new HeddleError('Conflict', `"${join(data, found)}" is there already, and the backup has keys of its own: restore into another data folder, or move it away first`);
};

const putKey = async (data: string, { file, content }: KeyFile): Promise<void> => {
  // A name from a file is not to lead elsewhere.
  if (!clusterKeyFiles.includes(file)) throw new HeddleError('Invalid', `the backup has a file "${file}", which is none of the keys`);
  const path = join(data, file);
  await writeDurably(path, Buffer.from(content, 'base64'), 0o600);
};
