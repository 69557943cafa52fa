/** What `src/api/client.ts` promises, asked of every implementation: a controller that is right with one is right with the others. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ResourceClient, WatchEvent } from '../api/client.ts';
import { coreKinds } from '../api/core/index.ts';
import { kinds } from '../api/kinds.ts';
import { apiVersion, refOf, type Resource } from '../api/object.ts';
import type { ErrorCode } from '../kit/error.ts';
import { HeddleError } from '../kit/error.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createApiClient, type ApiClient } from './http.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { createResourceClient } from './resources.ts';
import { startTestServer, type TestServer } from './testing.ts';

const claim = (name: string, value = '1'): Resource => ({
  apiVersion,
  kind: 'Claim',
  metadata: { name },
  spec: { pool: 'vni', value, owner: { kind: 'VPC', namespace: '', name: 'a', uid: 'u' }, purpose: 'l3' },
});
const vpc = (name: string, cidr = '10.1.0.0/24'): Resource => ({ apiVersion, kind: 'VPC', metadata: { name, namespace: 'default' }, spec: { subnets: { front: { cidr } } } });

const refused = async (code: ErrorCode, asked: Promise<unknown>): Promise<void> => {
  await assert.rejects(asked, (thrown) => {
    assert.equal(HeddleError.from(thrown).code, code, String(thrown));
    return true;
  });
};

/** The first events of a watch, bookmarks aside. */
const firstEvents = async (client: ResourceClient, kind: string, from: string, count: number): Promise<string[]> => {
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const event of client.watch(kind, from, stop.signal)) {
    if (event.type === 'BOOKMARK') continue;
    seen.push(`${event.type} ${event.object.metadata.name}`);
    if (seen.length === count) break;
  }
  stop.abort();
  return seen;
};

const table: readonly (readonly [sentence: string, promise: (client: ResourceClient, server: TestServer) => Promise<void>])[] = [
  ['what is created is what get and list answer', async (client) => {
    const created = await client.create(vpc('made'));
    assert.ok(created.metadata.uid !== undefined && created.metadata.resourceVersion !== undefined);
    assert.equal(created.metadata.generation, 1);
    assert.deepEqual(await client.get(refOf(created)), created);
    assert.deepEqual((await client.list('VPC')).items.find(({ metadata }) => metadata.name === 'made'), created);
  }],
  ['a list is whole however many objects there are', async (client) => {
    for (let n = 0; n < 23; n += 1) await client.create(claim(`whole-${n}`));
    const { items, resourceVersion } = await client.list('Claim');
    assert.equal(items.filter(({ metadata }) => metadata.name.startsWith('whole-')).length, 23);
    assert.ok(items.every(({ kind, apiVersion: version }) => kind === 'Claim' && version === apiVersion));
    assert.ok(Number(resourceVersion) >= Math.max(...items.map(({ metadata }) => Number(metadata.resourceVersion))));
  }],
  ['an empty list has a revision to watch from', async (client) => {
    const { items, resourceVersion } = await client.list('Gateway');
    assert.deepEqual(items, []);
    const watched = firstEvents(client, 'Gateway', resourceVersion, 1);
    await client.create({ apiVersion, kind: 'Gateway', metadata: { name: 'first' }, spec: {} });
    assert.deepEqual(await watched, ['ADDED first']);
  }],
  ['names are taken once', async (client) => {
    await client.create(claim('once'));
    await refused('AlreadyExists', client.create(claim('once')));
  }],
  ['what is not there is NotFound', async (client) => {
    const ref = { kind: 'VPC', namespace: 'default', name: 'nobody' };
    await refused('NotFound', client.get(ref));
    await refused('NotFound', client.patch(ref, {}));
    await refused('NotFound', client.patchStatus(ref, {}));
    await refused('NotFound', client.delete(ref));
    await refused('NotFound', client.update({ ...vpc('nobody'), metadata: { ...vpc('nobody').metadata, resourceVersion: '1' } }));
  }],
  ['faults are told with their paths', async (client) => {
    await assert.rejects(client.create(vpc('faulty', '10.1.0.1/24')), (thrown) => {
      assert.ok(thrown instanceof HeddleError);
      assert.equal(thrown.code, 'Invalid');
      assert.deepEqual(thrown.findings.map(({ path }) => path), ['spec.subnets.front.cidr']);
      return true;
    });
  }],
  ['an update of a state that somebody replaced is a Conflict', async (client) => {
    const first = await client.create(vpc('updated'));
    const second = await client.update({ ...first, spec: { subnets: { front: { cidr: '10.1.1.0/24' } } } });
    assert.equal(second.metadata.generation, 2);
    await refused('Conflict', client.update({ ...first, spec: { subnets: { front: { cidr: '10.1.2.0/24' } } } }));
  }],
  ['a patch changes what it names, and null takes away', async (client) => {
    const made = await client.create({ ...vpc('patched'), metadata: { name: 'patched', namespace: 'default', labels: { a: '1', b: '2' } } });
    const patched = await client.patch(refOf(made), { metadata: { labels: { a: null, c: '3' } }, spec: { description: 'x' } });
    assert.deepEqual(patched.metadata.labels, { b: '2', c: '3' });
    assert.equal((patched.spec as { description?: string }).description, 'x');
    assert.deepEqual((patched.spec as { subnets?: object }).subnets, (made.spec as { subnets?: object }).subnets);
  }],
  ['a patch that names a state or an object that is no more is a Conflict', async (client) => {
    const made = await client.create(claim('locked'));
    const { uid, resourceVersion } = made.metadata;
    const once = await client.patch(refOf(made), { metadata: { uid, resourceVersion, labels: { a: '1' } } });
    assert.notEqual(once.metadata.resourceVersion, resourceVersion);
    await refused('Conflict', client.patch(refOf(made), { metadata: { resourceVersion, labels: { a: '2' } } }));
    await refused('Conflict', client.patch(refOf(made), { metadata: { uid: 'another', labels: { a: '3' } } }));
  }],
  ['the status is patched without the spec, and keeps the generation', async (client) => {
    const made = await client.create(vpc('told'));
    const told = await client.patchStatus(refOf(made), { vni: 7, ready: '1/1' }, made.metadata.uid);
    const more = await client.patchStatus(refOf(made), { ready: null });
    assert.deepEqual([told.status, more.status], [{ vni: 7, ready: '1/1' }, { vni: 7 }]);
    assert.equal(more.metadata.generation, 1);
    assert.deepEqual(more.spec, made.spec);
    await refused('Conflict', client.patchStatus(refOf(made), { vni: 8 }, 'another'));
  }],
  ['a write that changes nothing keeps the revision', async (client) => {
    const made = await client.create(claim('same'));
    const again = await client.patch(refOf(made), { spec: { pool: 'vni' } });
    assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
  }],
  ['a watch tells what happens after a revision, in order', async (client) => {
    const { resourceVersion } = await client.list('Claim');
    const made = await client.create(claim('watched'));
    await client.patchStatus(refOf(made), { phase: 'Quarantined' });
    await client.delete(refOf(made));
    assert.deepEqual(await firstEvents(client, 'Claim', resourceVersion, 3), ['ADDED watched', 'MODIFIED watched', 'DELETED watched']);
  }],
  ['a watch from a revision that was compacted is Expired', async (client, server) => {
    const { resourceVersion } = await client.list('Claim');
    for (let n = 0; n < 3; n += 1) await client.create(claim(`compacted-${n}`));
    await server.store.compact(server.store.revision);
    await refused('Expired', firstEvents(client, 'Claim', resourceVersion, 1));
  }],
  ['a watch ends quietly when it is aborted', async (client) => {
    const { resourceVersion } = await client.list('Claim');
    const stop = new AbortController();
    const events: WatchEvent[] = [];
    const ended = (async () => {
      for await (const event of client.watch('Claim', resourceVersion, stop.signal)) events.push(event);
    })();
    await client.create(claim('before-the-end'));
    stop.abort();
    await ended;
  }],
  ['what a finalizer holds goes when the finalizer does', async (client) => {
    const made = await client.create({ ...claim('held'), metadata: { name: 'held', finalizers: ['heddle.dev/test'] } });
    await client.delete(refOf(made));
    const going = await client.get(refOf(made));
    assert.ok(going.metadata.deletionTimestamp !== undefined);
    await client.patch(refOf(made), { metadata: { resourceVersion: going.metadata.resourceVersion, finalizers: [] } });
    await refused('NotFound', client.get(refOf(made)));
  }],
];

interface Implementation {
  readonly name: string;
  readonly make: (server: TestServer, api: ApiClient) => ResourceClient;
}

const implementations: readonly Implementation[] = [
  { name: 'in process', make: ({ api }) => api.client },
  { name: 'over HTTPS', make: (_, api) => createResourceClient(api, [...coreKinds, ...kinds], { page: 7 }) },
];

for (const { name, make } of implementations) {
  describe(`the resource API ${name}`, () => {
    let server: TestServer;
    let api: ApiClient;
    before(async () => {
      server = await startTestServer(createMemoryStore());
      api = createApiClient(readKubeconfig(server.api.kubeconfigPath));
    });
    after(async () => {
      api.close();
      await server.close();
    });
    for (const [sentence, promise] of table) test(sentence, () => promise(make(server, api), server));
  });
}
