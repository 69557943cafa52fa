import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { objectOr } from '../../kit/json.ts';
import { HeddleError } from '../../kit/error.ts';
import { until } from '../../kit/testing.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { Store } from '../../store/store.ts';
import { coreKinds } from '../../api/core/index.ts';
import { createScheme } from '../scheme.ts';
import { at, robot, robotKind, withServer } from '../testing.ts';
import { createRegistry, type Registry } from './registry.ts';

const robots = 'count/robots.test.heddle.dev';
const quota = (limit: number, name = 'q') => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name, namespace: 'default' }, spec: { hard: { [robots]: limit } } });

const open = async (store: Store, signal: AbortSignal): Promise<Registry> => {
  const registry = createRegistry(store, createScheme([...coreKinds, robotKind]), undefined, { isShared: true });
  await registry.followQuotas(signal, (error) => assert.fail(error));
  return registry;
};

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (thrown: unknown) => HeddleError.from(thrown).code,
  );

/** Registries on one store, as servers have them, with a namespace to fill. */
const withServers = async (count: number, body: (servers: readonly Registry[]) => Promise<void>): Promise<void> => {
  const [store, stop] = [createMemoryStore(), new AbortController()];
  const servers = await Promise.all(Array.from({ length: count }, () => open(store, stop.signal)));
  const [first] = servers;
  assert.ok(first);
  await first.create(first.scheme.byKind('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  await body(servers).finally(async () => {
    stop.abort();
    await store.close();
  });
};

const usedIn = async (registry: Registry): Promise<unknown> =>
  objectOr(at(await registry.get(registry.scheme.byKind('ResourceQuota'), 'default', 'q'), 'status.used'))[robots];

const counted = (registry: Registry, amount: number): Promise<boolean> => until('the quota is counted', async () => (await usedIn(registry)) === String(amount));

describe('a quota', () => {
  it('lets in exactly as many as it says, whoever asks at the same time at whichever server', () =>
    withServers(2, async (servers) => {
      const [first] = servers;
      assert.ok(first);
      const served = first.scheme.byKind('Robot');
      await first.create(first.scheme.byKind('ResourceQuota'), quota(7));
      for (const server of servers) await counted(server, 0);
      const codes = await Promise.all(Array.from({ length: 20 }, (_, index) => codeOf((servers[index % 2] ?? first).create(served, robot(`r${index}`)))));
      assert.equal(codes.filter((code) => code === 'ok').length, 7);
      assert.ok(codes.every((code) => code === 'ok' || code === 'Forbidden'), codes.join());
      assert.equal((await first.list(served)).items.length, 7);
      assert.equal(await usedIn(first), '7');
    }));

  it('counts what was there before it, what goes, and what a dry run would add', () =>
    withServers(1, async ([server]) => {
      assert.ok(server);
      const served = server.scheme.byKind('Robot');
      for (const name of ['a', 'b', 'c']) await server.create(served, robot(name));
      await server.create(server.scheme.byKind('ResourceQuota'), quota(3));
      await counted(server, 3);
      assert.equal(await codeOf(server.create(served, robot('d'), { dryRun: true })), 'Forbidden');
      await server.delete(served, 'default', 'a');
      assert.equal(await usedIn(server), '2');
      assert.equal(await codeOf(server.create(served, robot('d'), { dryRun: true })), 'ok');
      assert.equal(await usedIn(server), '2');
      assert.equal(await codeOf(server.create(served, robot('b'))), 'AlreadyExists');
      assert.equal(await usedIn(server), '2');
    }));

  it('says what there is after any creations and deletions', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), create: fc.boolean() }), { maxLength: 25 }), (steps) =>
        withServers(1, async ([server]) => {
          assert.ok(server);
          const served = server.scheme.byKind('Robot');
          await server.create(server.scheme.byKind('ResourceQuota'), quota(3));
          await counted(server, 0);
          await Promise.all(steps.map(({ name, create }) => codeOf(create ? server.create(served, robot(name)) : server.delete(served, 'default', name))));
          const there = (await server.list(served)).items.length;
          assert.ok(there <= 3);
          assert.equal(await usedIn(server), String(there));
        }),
      ),
      { numRuns: 30 },
    ));

  it('is refused over HTTPS in the words of Kubernetes, and when it counts what nobody counts', () =>
    withServer(async ({ call }) => {
      const quotas = '/api/v1/namespaces/default/resourcequotas';
      const path = '/apis/test.heddle.dev/v1/namespaces/default/robots';
      assert.equal((await call('POST', quotas, { body: quota(1) })).status, 201);
      assert.equal((await call('POST', path, { body: robot('a') })).status, 201);
      const refused = await call('POST', path, { body: robot('b') });
      assert.equal(refused.status, 403);
      assert.equal(refused.json['message'], `robots.test.heddle.dev "b" is forbidden: exceeded quota: q, requested: ${robots}=1, used: ${robots}=1, limited: ${robots}=1`);
      const strange = { ...quota(1, 'strange'), spec: { hard: { 'requests.cpu': '4' } } };
      const invalid = await call('POST', quotas, { body: strange });
      assert.equal(invalid.status, 422);
      assert.match(invalid.text, /\\"requests.cpu\\" is not counted here; use count\/<plural>.<group>/);
    }));
});
