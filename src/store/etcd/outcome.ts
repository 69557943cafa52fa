/**
 * What became of a commit whose answer was lost with its connection. What it wrote bears its stamp, and is looked for. When it
 * is not found, a commit that expects a revision of what it replaces may be sent again, since that revision passes only once: of
 * both only one can take effect. Any other stays unknown, and is said to be.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { HeddleError } from '../../kit/error.ts';
import type { Change, Revision, Write } from '../store.ts';
import { range, transact } from './calls.ts';
import type { Cluster } from './cluster.ts';
import { GrpcFault } from './fault.ts';
import { RequestOpSchema, TxnRequestSchema } from './gen/etcd/etcd_pb.ts';
import { type Layout, unstamped } from './layout.ts';
import { changeOf, changesOf, transactionOf } from './transaction.ts';

/** When it is looked for: what another member passed on may still be on its way. */
const looksMilliseconds = [0, 150, 600];

/** Resolves when the commit was carried out. @throws HeddleError `Unavailable` when that is not known */
export const settleLost = async (cluster: Cluster, layout: Layout, writes: readonly Write[], stamp: string, lost: GrpcFault): Promise<readonly Change[]> => {
  try {
    const found = await lookFor(cluster, layout, writes, stamp);
    if (found !== undefined) return found;
    if (writes.some(passesOnce)) {
      const again = await transact(cluster, transactionOf(layout, writes, stamp), true);
      if (again.succeeded) return changesOf(layout, writes, again);
      const late = await look(cluster, layout, writes, stamp);
      if (late !== undefined) return late;
    }
  } catch (thrown) {
    if (!(thrown instanceof GrpcFault)) throw thrown;
  }
  const says = `the answer of etcd was lost (${lost.message}): it is not known whether the change was made; read before writing again`;
  throw new HeddleError('Unavailable', says, { cause: lost });
};

/** Once it took effect, what it expects is never true again. */
const passesOnce = ({ type, expected = 0 }: Write): boolean => type !== 'check' && expected > 0;

const lookFor = async (cluster: Cluster, layout: Layout, writes: readonly Write[], stamp: string): Promise<readonly Change[] | undefined> => {
  for (const milliseconds of looksMilliseconds) {
    await delay(milliseconds);
    const found = await look(cluster, layout, writes, stamp);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** All or none was written, so one key with the stamp stands for all. */
const look = async (cluster: Cluster, layout: Layout, writes: readonly Write[], stamp: string): Promise<readonly Change[] | undefined> => {
  const puts = writes.filter(({ type }) => type === 'put');
  if (puts.length === 0) return undefined;
  const { responses } = await transact(cluster, reading(layout, puts), true);
  for (const { response } of responses) {
    const kv = response.case === 'responseRange' ? response.value.kvs[0] : undefined;
    if (kv !== undefined && unstamped(kv.value).stamp === stamp) return changesAt(cluster, layout, writes, layout.revisionOf(kv.modRevision));
  }
  return undefined;
};

const reading = (layout: Layout, writes: readonly Write[]) =>
  create(TxnRequestSchema, {
    success: writes.map(({ key }) => create(RequestOpSchema, { request: { case: 'requestRange', value: { key: layout.keyOf(key) } } })),
  });

/** The changes of a commit that took this revision. */
const changesAt = async (cluster: Cluster, layout: Layout, writes: readonly Write[], revision: Revision): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  for (const write of writes) {
    const before = await range(cluster, { key: layout.keyOf(write.key), revision: layout.etcdRevision(revision - 1) });
    const [kv] = before.kvs;
    const change = changeOf(write, revision, kv === undefined ? undefined : layout.entryOf(kv));
    if (change !== undefined) changes.push(change);
  }
  return changes;
};
