/**
 * Changes from before the history at hand, read from etcd page by page. A watch does not say when it has caught up, so a beacon
 * is written first: when it comes by, everything before it has.
 */
import { type Change, expired, type Revision } from '../store.ts';
import type { LogPage } from '../subscription.ts';
import { put } from './calls.ts';
import type { Cluster } from './cluster.ts';
import { errorOf } from './fault.ts';
import type { Layout } from './layout.ts';
import { watchEtcd } from './watching.ts';

export interface PastOptions {
  readonly prefix: string;
  readonly after: Revision;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** @throws HeddleError `Expired` when what is asked for was compacted, `Unavailable` */
export const readPast = async (cluster: Cluster, layout: Layout, { prefix, after, limit, signal }: PastOptions): Promise<LogPage> => {
  if (after < layout.offset) throw expired(after, layout.offset);
  const target = await light(cluster, layout);
  const enough = new AbortController();
  const found: Change[] = [];
  let until = after;
  await watchEtcd(cluster, layout, {
    after,
    signal: AbortSignal.any([signal, enough.signal]),
    onChanges: (changes, revision) => {
      if (enough.signal.aborted) return;
      for (const change of changes) if (change.entry.key.startsWith(prefix)) found.push(change);
      until = revision;
      if (found.length >= limit || revision >= target) enough.abort();
    },
  });
  return { changes: found, until };
};

/** Writes what every watch of this store sees, and answers its revision. @throws HeddleError */
export const light = async (cluster: Cluster, layout: Layout): Promise<Revision> => {
  try {
    return layout.revisionOf(await put(cluster, layout.beacon, Buffer.alloc(0)));
  } catch (thrown) {
    throw errorOf(thrown);
  }
};
