/**
 * Servers of one cluster have the same keys: agents and clients trust one authority, and a token is good with every server. The keys
 * are files that an operator copies from the first server; the store holds only what tells whether they are the same. So who can
 * read the store, or a backup of it, cannot make himself an administrator.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '../kit/error.ts';
import type { Store } from '../store/store.ts';

/** In the data folder. */
export const clusterKeyFiles: readonly string[] = ['pki/ca.crt', 'pki/ca.key', 'pki/serviceaccount.key', 'token-secret'];

/** In the store; a store that is restored without the keys begins without it. */
export const clusterKeysEntry = '/heddle/keys';

/**
 * To be called before keys are made: a server that joins must not make its own.
 * @throws HeddleError `Unavailable` when the cluster has other keys than this folder
 */
export const checkClusterKeys = async (store: Store, data: string): Promise<void> => {
  const known = (await store.get(clusterKeysEntry))?.value;
  if (known !== undefined) compare(known, data);
};

/** To be called when the keys are there: says so for the servers that come later, or finds that another was first. */
export const publishClusterKeys = async (store: Store, data: string): Promise<void> => {
  try {
    await store.commit([{ type: 'put', key: clusterKeysEntry, value: fingerprint(data) ?? '', expected: 0 }]);
  } catch (thrown) {
    if (HeddleError.from(thrown).code !== 'Conflict') throw thrown;
    await checkClusterKeys(store, data);
  }
};

const compare = (known: string, data: string): void => {
  const own = fingerprint(data);
  if (own === known) return;
  const why = own === undefined ? 'has not all keys' : 'has other keys than the servers';
  throw new HeddleError('Unavailable', `"${data}" ${why} of this cluster: copy ${clusterKeyFiles.join(', ')} from the data folder of one of them`);
};

/** Of all key files together; they are random, so nothing follows from it. Undefined when one is missing. */
const fingerprint = (data: string): string | undefined => {
  const hash = createHash('sha256');
  for (const file of clusterKeyFiles) {
    try {
      hash.update(readFileSync(join(data, file))).update('\0');
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
      throw thrown;
    }
  }
  return hash.digest('base64url');
};
