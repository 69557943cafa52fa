/** Owners and dependents over a real registry: who goes when, who waits for whom, who stays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coreKinds } from '../../api/core/index.ts';
import type { OwnerReference, Resource } from '../../api/object.ts';
import type { HeddleError } from '../../kit/error.ts';
import type { JsonObject } from '../../kit/json.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { DeleteOptions } from '../registry/registry.ts';
import { createRegistry } from '../registry/registry.ts';
import { createScheme } from '../scheme.ts';
import { robot, robotKind } from '../testing.ts';
import { startGarbageCollection, type GarbageCollection } from './collector.ts';

const cart = { ...robotKind, kind: 'Cart', plural: 'carts', singular: 'cart', shortNames: [], scope: 'Cluster', references: () => [] } as const;

interface Setting {
  make(name: string, owners?: readonly OwnerReference[], metadata?: JsonObject): Promise<Resource>;
  makeCart(name: string, owners?: readonly OwnerReference[]): Promise<Resource>;
  delete(name: string, options?: DeleteOptions): Promise<Resource>;
  /** Names of the robots that are there, a `-` after those that are being deleted. */
  left(): Promise<string[]>;
  get(name: string): Promise<Resource>;
  release(name: string): Promise<unknown>;
  readonly collection: GarbageCollection;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const withCollections = async (servers: number, body: (setting: Setting) => Promise<void>): Promise<void> => {
  const store = createMemoryStore();
  const scheme = createScheme([...coreKinds, robotKind, cart]);
  const registry = createRegistry(store, scheme);
  await registry.create(registry.scheme.byKind('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  const errors: HeddleError[] = [];
  const startOne = (): GarbageCollection => startGarbageCollection({ store, registry: createRegistry(store, scheme), onError: (error) => errors.push(error) });
  const start = (): GarbageCollection => {
    const all = Array.from({ length: servers }, startOne);
    const everywhere = async (act: (one: GarbageCollection) => Promise<void>): Promise<void> => void (await Promise.all(all.map(act)));
    return { idle: () => everywhere((one) => one.idle()), close: () => everywhere((one) => one.close()) };
  };
  const [robots, carts] = [registry.scheme.byKind('Robot'), registry.scheme.byKind('Cart')];
  let collection = start();
  const owned = (owners: readonly OwnerReference[]): JsonObject => (owners.length === 0 ? {} : { ownerReferences: owners });
  try {
    await body({
      make: (name, owners = [], metadata = {}) => registry.create(robots, robot(name, {}, { ...owned(owners), ...metadata })),
      makeCart: (name, owners = []) => registry.create(carts, { ...robot(name), kind: 'Cart', metadata: { name, ...owned(owners) } }),
      delete: async (name, options) => (await registry.delete(robots, 'default', name, options)).object,
      left: async () => (await registry.list(robots)).items.map(({ metadata }) => metadata.name + (metadata.deletionTimestamp === undefined ? '' : '-')),
      get: (name) => registry.get(robots, 'default', name),
      release: (name) => registry.modify(robots, 'default', name, (current) => ({ ...current, metadata: { ...current.metadata, finalizers: [] } })),
      get collection() {
        return collection;
      },
      restart: async () => {
        await collection.close();
        collection = start();
      },
      stop: () => collection.close(),
    });
    assert.deepEqual(errors, []);
  } finally {
    await collection.close();
    await store.close();
  }
};

const by = (owner: Resource, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid ?? '', ...more,
});

/** A turn of the loop lets the watch deliver what was just written. */
const settled = async ({ collection }: Setting): Promise<void> => {
  for (let round = 0; round < 5; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await collection.idle();
  }
};

const suite = (title: string, servers: number) => describe(title, () => {
  const withCollection = (body: (setting: Setting) => Promise<void>): Promise<void> => withCollections(servers, body);

  it('deletes what is owned after its owner, all the way down, and nothing beside it', () =>
    withCollection(async (setting) => {
      const owner = await setting.make('owner');
      const child = await setting.make('child', [by(owner)]);
      await setting.make('grandchild', [by(child)]);
      await setting.make('other');
      await setting.delete('owner', { propagation: 'Background' });
      await settled(setting);
      assert.deepEqual(await setting.left(), ['other']);
    }));

  it('keeps what has another owner, and makes it forget the one that is gone', () =>
    withCollection(async (setting) => {
      const [one, two] = [await setting.make('one'), await setting.make('two')];
      await setting.make('shared', [by(one), by(two)]);
      await setting.delete('one');
      await settled(setting);
      assert.deepEqual((await setting.get('shared')).metadata.ownerReferences, [by(two)]);
      await setting.delete('two');
      await settled(setting);
      assert.deepEqual(await setting.left(), []);
    }));

  it('goes by uid: an owner of the same name is another one; and an owner that never was is gone', () =>
    withCollection(async (setting) => {
      const owner = await setting.make('owner');
      await setting.make('impostor', [by(owner, { uid: 'another' })]);
      await setting.make('orphan', [by(owner, { name: 'nobody' })]);
      await setting.make('child', [by(owner)]);
      await settled(setting);
      assert.deepEqual(await setting.left(), ['child', 'owner']);
      await setting.stop();
      await setting.delete('owner');
      await setting.make('owner');
      await setting.restart();
      await settled(setting);
      assert.deepEqual(await setting.left(), ['owner']);
    }));

  it('in the foreground: the owner waits for those that block it, and for nobody else', () =>
    withCollection(async (setting) => {
      const owner = await setting.make('owner');
      await setting.make('blocks', [by(owner, { blockOwnerDeletion: true })], { finalizers: ['heddle.dev/busy'] });
      await setting.make('does-not', [by(owner)], { finalizers: ['heddle.dev/busy'] });
      const dying = await setting.delete('owner', { propagation: 'Foreground' });
      assert.deepEqual(dying.metadata.finalizers, ['foregroundDeletion']);
      await settled(setting);
      assert.deepEqual(await setting.left(), ['blocks-', 'does-not-', 'owner-']);
      await setting.release('blocks');
      await settled(setting);
      assert.deepEqual(await setting.left(), ['does-not-']);
    }));

  it('in the foreground down a line: each waits for the next', () =>
    withCollection(async (setting) => {
      const owner = await setting.make('owner');
      const child = await setting.make('child', [by(owner, { blockOwnerDeletion: true })]);
      await setting.make('grandchild', [by(child, { blockOwnerDeletion: true })], { finalizers: ['heddle.dev/busy'] });
      await setting.delete('owner', { propagation: 'Foreground' });
      await settled(setting);
      assert.deepEqual(await setting.left(), ['child-', 'grandchild-', 'owner-']);
      await setting.release('grandchild');
      await settled(setting);
      assert.deepEqual(await setting.left(), []);
    }));

  it('orphans: dependents stay and forget their owner', () =>
    withCollection(async (setting) => {
      const owner = await setting.make('owner');
      await setting.make('child', [by(owner, { blockOwnerDeletion: true })]);
      assert.deepEqual((await setting.delete('owner', { propagation: 'Orphan' })).metadata.finalizers, ['orphan']);
      await settled(setting);
      assert.deepEqual([await setting.left(), (await setting.get('child')).metadata.ownerReferences], [['child'], undefined]);
    }));

  it('leaves alone what it cannot judge: owners of kinds that are not served, or in no namespace that could be meant', () =>
    withCollection(async (setting) => {
      const owner = await setting.make('owner');
      await setting.make('a', [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: 'x' }]);
      await setting.makeCart('c', [by(owner)]);
      await setting.delete('owner');
      const cluster = await setting.makeCart('cluster');
      await setting.make('b', [by(cluster)]);
      await settled(setting);
      assert.deepEqual(await setting.left(), ['a', 'b']);
    }));

  it('goes on where another one left off', () =>
    withCollection(async (setting) => {
      const owner = await setting.make('owner');
      await setting.make('child', [by(owner, { blockOwnerDeletion: true })]);
      await setting.stop();
      await setting.delete('owner', { propagation: 'Foreground' });
      assert.deepEqual(await setting.left(), ['child', 'owner-']);
      await setting.restart();
      await settled(setting);
      assert.deepEqual(await setting.left(), []);
    }));

  it('a second deletion may choose another way; the same way changes nothing', () =>
    withCollection(async (setting) => {
      await setting.stop();
      await setting.make('a');
      const first = await setting.delete('a', { propagation: 'Foreground' });
      assert.deepEqual([first.metadata.generation, first.metadata.deletionGracePeriodSeconds], [2, 0]);
      const again = await setting.delete('a', { propagation: 'Foreground' });
      assert.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
      const orphaned = await setting.delete('a', { propagation: 'Orphan' });
      assert.deepEqual([orphaned.metadata.finalizers, orphaned.metadata.generation], [['orphan'], 2]);
      await setting.delete('a', { propagation: 'Background' });
      assert.deepEqual(await setting.left(), []);
    }));
});

void suite('the garbage collector', 1);
void suite('garbage collectors of three servers on one store', 3);
