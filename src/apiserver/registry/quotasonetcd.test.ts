/** A quota with two servers on one etcd: what is counted is decided by the store, whoever asks which server at what moment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coreKinds } from '../../api/core/index.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import { until } from '../../kit/testing.ts';
import { hasEtcd, startCluster } from '../../store/etcd/testing.ts';
import { createScheme } from '../scheme.ts';
import { at, robot, robotKind } from '../testing.ts';
import { createRegistry, type Registry } from './registry.ts';

const robots = 'count/robots.test.heddle.dev';
const limit = 9;
const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q', namespace: 'default' }, spec: { hard: { [robots]: limit } } };

const withServers = async (body: (one: Registry, two: Registry) => Promise<void>): Promise<void> => {
  const [cluster, stop] = [await startCluster(), new AbortController()];
  const stores = [await cluster.open(), await cluster.open()];
  try {
    const [one, two] = stores.map((store) => createRegistry(store, createScheme([...coreKinds, robotKind]), undefined, { isShared: true }));
    assert.ok(one && two);
    for (const server of [one, two]) await server.followQuotas(stop.signal, (error) => assert.fail(error));
    await one.create(one.scheme.byKind('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    await body(one, two);
  } finally {
    stop.abort();
    for (const store of stores) await store.close();
    await cluster.stop();
  }
};

const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'ok', (thrown: unknown) => HeddleError.from(thrown).code);

const usedIn = async (registry: Registry): Promise<number> =>
  Number(objectOr(at(await registry.get(registry.scheme.byKind('ResourceQuota'), 'default', 'q'), 'status.used'))[robots]);

const createsAtBoth = ([one, two]: readonly [Registry, Registry], names: readonly string[]): Promise<string[]> =>
  Promise.all(names.map((name, index) => codeOf((index % 2 === 0 ? one : two).create(one.scheme.byKind('Robot'), robot(name)))));

describe('a quota on etcd', { skip: !hasEtcd() }, () => {
  it('lets in exactly as many as it says at two servers, gives back what goes, and counts what one let in before it knew', () =>
    withServers(async (one, two) => {
      const served = one.scheme.byKind('Robot');
      // While the quota comes, both let in what they have been asked for.
      const early = createsAtBoth([one, two], ['e0', 'e1', 'e2', 'e3', 'e4', 'e5']);
      await one.create(one.scheme.byKind('ResourceQuota'), quota);
      await early;
      const there = async (): Promise<number> => (await two.list(served)).items.length;
      for (const server of [one, two]) await until('what is there is counted', async () => (await usedIn(server)) === (await there()));
      const names = Array.from({ length: 24 }, (_, index) => `r${index}`);
      const before = await there();
      const codes = await createsAtBoth([one, two], names);
      assert.equal(codes.filter((code) => code === 'ok').length, limit - before, codes.join());
      assert.ok(codes.every((code) => code === 'ok' || code === 'Forbidden'), codes.join());
      assert.deepEqual([await there(), await usedIn(one), await usedIn(two)], [limit, limit, limit]);
      const made = names.filter((_, index) => codes[index] === 'ok');
      // Coming and going at both at once.
      const mixed = await Promise.all([
        ...made.map((name, index) => codeOf((index % 2 === 0 ? two : one).delete(served, 'default', name))),
        createsAtBoth([one, two], ['n0', 'n1', 'n2', 'n3']),
      ]);
      assert.ok(mixed.flat().every((code) => code === 'ok' || code === 'Forbidden'), mixed.join());
      assert.equal(await usedIn(two), await there());
      assert.ok((await there()) <= limit);
    }));
});
