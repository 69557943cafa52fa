/** Where a control plane keeps its objects: the options that say so, and the store they mean. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { HeddleError } from '../kit/error.ts';
import type { EtcdOptions } from '../store/etcd/store.ts';
import type { Store } from '../store/store.ts';

export interface StoreOptions {
  /** Default `sqlite`: a file in the data folder. */
  readonly store?: 'memory' | 'sqlite' | 'etcd';
  /** `https://host:port` of the members, with commas between. */
  readonly etcdEndpoints?: string;
  /** Files in PEM. */
  readonly etcdCa?: string;
  readonly etcdCert?: string;
  readonly etcdKey?: string;
  readonly etcdPrefix?: string;
  readonly etcdUser?: string;
  /** File whose first line is the password. */
  readonly etcdPasswordFile?: string;
}

export const addStoreOptions = (command: Command): Command =>
  command
    .addOption(new Option('--store <kind>', 'where objects are kept').choices(['sqlite', 'etcd', 'memory']).default('sqlite'))
    .option('--etcd-endpoints <urls>', 'members of etcd, such as https://10.0.0.1:2379,https://10.0.0.2:2379')
    .option('--etcd-ca <file>', "authority of etcd's certificates")
    .option('--etcd-cert <file>', 'certificate shown to etcd')
    .option('--etcd-key <file>', 'its key')
    .option('--etcd-prefix <path>', 'where in etcd; each control plane needs its own (default: /heddle/default/)')
    .option('--etcd-user <name>', 'user of etcd')
    .option('--etcd-password-file <file>', 'file with the password of that user');

/** File of the embedded store in a data folder. */
export const sqliteFile = (data: string): string => join(data, 'heddle.db');

/**
 * Opens the store of a control plane.
 * @param onTrouble hears, in words, of a store that cannot be reached for a while
 * @throws HeddleError `BadRequest` for options that do not fit together, `Unavailable` when it cannot be opened
 */
export const openStore = async (
  data: string,
  options: StoreOptions,
  onTrouble: (message: string) => void,
): Promise<Store> => {
  const { store = 'sqlite' } = options;
  refuseStrayOptions(options);
  switch (store) {
    case 'memory': {
      const { createMemoryStore } = await import('../store/memory.ts');
      return createMemoryStore();
    }
    case 'sqlite': {
      const { openSqliteStore } = await import('../store/sqlite.ts');
      return openSqliteStore(sqliteFile(data));
    }
    case 'etcd': {
      const { openEtcdStore } = await import('../store/etcd/store.ts');
      return openEtcdStore({ ...etcdOptions(options), onTrouble });
    }
  }
};

export const refuseStrayOptions = ({ store = 'sqlite', ...options }: StoreOptions): void => {
  const [stray] = Object.entries(options).find(([name, value]) => name.startsWith('etcd') && value !== undefined) ?? [];
  if (store === 'etcd' || stray === undefined) return;
  const flag = stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new HeddleError('BadRequest', `--${flag} says something about etcd, but the store is "${store}": add --store etcd`);
};

/** What the options say about etcd, with the files read. */
export const etcdOptions = (options: StoreOptions): EtcdOptions => {
  const { etcdEndpoints = '', etcdCa, etcdCert, etcdKey, etcdPrefix, etcdUser, etcdPasswordFile } = options;
  const endpoints = etcdEndpoints.split(',').map((endpoint) => endpoint.trim()).filter((endpoint) => endpoint !== '');
  if (endpoints.length === 0) throw new HeddleError('BadRequest', 'the store "etcd" needs --etcd-endpoints, such as https://127.0.0.1:2379');
  if ((etcdCert === undefined) !== (etcdKey === undefined)) throw new HeddleError('BadRequest', '--etcd-cert and --etcd-key belong together');
  if ((etcdUser === undefined) !== (etcdPasswordFile === undefined)) {
    throw new HeddleError('BadRequest', '--etcd-user and --etcd-password-file belong together');
  }
  return {
    endpoints,
    ...(etcdCa === undefined ? {} : { ca: read('--etcd-ca', etcdCa) }),
    ...(etcdCert === undefined ? {} : { cert: read('--etcd-cert', etcdCert) }),
    ...(etcdKey === undefined ? {} : { key: read('--etcd-key', etcdKey) }),
    ...(etcdPrefix === undefined ? {} : { prefix: etcdPrefix.endsWith('/') ? etcdPrefix : `${etcdPrefix}/` }),
    ...(etcdUser === undefined ? {} : { username: etcdUser }),
    ...(etcdPasswordFile === undefined ? {} : { password: read('--etcd-password-file', etcdPasswordFile).split('\n', 1)[0] ?? '' }),
  };
};

const read = (option: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new HeddleError('BadRequest', `${option} "${path}" cannot be read: ${HeddleError.from(thrown).message}`, { cause: thrown });
  }
};
