/** Two API servers on one store, as far as one must not spoil what the other has just decided. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreKinds } from '../../api/core/index.ts';
import { kinds } from '../../api/kinds.ts';
import { apiVersion, type Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { Store } from '../../store/store.ts';
import { createScheme } from '../scheme.ts';
import { runNamespaceLifecycle } from './namespaces.ts';
import { createRegistry, type Registry } from './registry.ts';
import { reserve } from './reservations.ts';

const scheme = createScheme([...coreKinds, ...kinds]);
const [namespaces, vpcs, peerings] = [scheme.byKind('Namespace'), scheme.byKind('VPC'), scheme.byKind('VPCPeering')];
const [spaces, configs] = [scheme.byKind('AddressSpace'), scheme.byKind('Event')];

const vpc = (name: string, cidr = '10.1.1.0/24'): Resource =>
  ({ apiVersion, kind: 'VPC', metadata: { name, namespace: 'team' }, spec: { subnets: { front: { cidr } } } });

const peering = (name: string, one: string, other: string): Resource => ({
  apiVersion,
  kind: 'VPCPeering',
  metadata: { name, namespace: 'team' },
  spec: { permit: [[{ vpc: one }, { vpc: other }]] },
});

const note = (name: string, namespace: string): Resource =>
  ({ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace }, involvedObject: {} }) as Resource;

const failsWith = (code: string, text = '') => (thrown: unknown): boolean => {
  assert.ok(thrown instanceof HeddleError, String(thrown));
  assert.deepEqual([thrown.code, thrown.message.includes(text)], [code, true], thrown.message);
  return true;
};

/** What a store says after other processes were asked: every answer comes in some order of turns. */
const slowly = (store: Store): Store => {
  const later = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    for (let turns = Math.floor(Math.random() * 6); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
    return ask();
  };
  return {
    get revision() {
      return store.revision;
    },
    get: (key) => later(() => store.get(key)),
    list: (prefix, options) => later(() => store.list(prefix, options)),
    commit: (writes) => later(() => store.commit(writes)),
    watch: (options) => store.watch(options),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
};

const withTwo = async (body: (one: Registry, other: Registry, store: Store) => Promise<void>): Promise<void> => {
  const store = createMemoryStore();
  const open = (): Registry => createRegistry(slowly(store), scheme, () => new Date(), { isShared: true });
  const [one, other] = [open(), open()];
  try {
    await one.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await body(one, other, store);
  } finally {
    await store.close();
  }
};

const guarded = { refuseInUse: true };

test('a namespace that one server deletes takes nothing new from the other, whatever that one knew of it', () =>
  withTwo(async (one, other) => {
    await other.create(vpcs, vpc('known'));
    const deleting = one.delete(namespaces, '', 'team');
    const creations = Array.from({ length: 20 }, (_, number) => other.create(configs, note(`n${number}`, 'team')).then(() => true, () => false));
    await deleting;
    const { items } = await one.list(configs, { namespace: 'team' });
    const created = await Promise.all(creations);
    assert.equal((await one.list(configs, { namespace: 'team' })).items.length, items.length, 'nothing came after the answer');
    assert.equal(created.filter(Boolean).length, items.length);
    await assert.rejects(other.create(vpcs, vpc('late')), failsWith('Forbidden', 'being terminated'));
  }));

test('a namespace that another server changed, or made again, is looked at anew', () =>
  withTwo(async (one, other) => {
    await other.create(vpcs, vpc('first'));
    await one.modify(namespaces, '', 'team', (current) => ({ ...current, metadata: { ...current.metadata, labels: { of: 'somebody' } } }));
    await other.create(vpcs, vpc('second'));
    await assert.rejects(other.create(vpcs, vpc('second')), failsWith('AlreadyExists'));
  }));

test('two servers that empty the same namespace end with it gone, and without an error', () =>
  withTwo(async (one, other) => {
    const lifecycles = await Promise.all([one, other].map((registry) => runNamespaceLifecycle(registry, (error) => assert.fail(error.message))));
    for (let number = 0; number < 10; number += 1) await one.create(vpcs, vpc(`v${number}`));
    await other.delete(namespaces, '', 'team');
    while ((await one.list(namespaces)).items.some(({ metadata }) => metadata.name === 'team')) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await one.list(vpcs)).items.length, 0);
    await Promise.all(lifecycles.map((lifecycle) => lifecycle.close()));
  }));

test('what the other server acknowledged counts when a deletion is judged', () =>
  withTwo(async (one, other) => {
    for (const name of ['a', 'b', 'c']) await one.create(vpcs, vpc(name));
    await one.delete(vpcs, 'team', 'c', guarded);
    await other.create(peerings, peering('p', 'a', 'b'));
    await assert.rejects(one.delete(vpcs, 'team', 'a', guarded), failsWith('Conflict', 'in use by VPCPeering "team/p"'));
    await other.delete(peerings, 'team', 'p', guarded);
    assert.equal((await one.delete(vpcs, 'team', 'a', guarded)).removed, true);
  }));

test('a deletion at one server and a reference at the other never both pass in the wrong order', () =>
  withTwo(async (one, other, store) => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 60; round += 1) {
      const [a, b] = [`a${round}`, `b${round}`];
      await one.create(vpcs, vpc(a));
      await one.create(vpcs, vpc(b));
      const after = store.revision;
      const [deleted, attached] = await Promise.all([
        one.delete(vpcs, 'team', a, guarded).then(() => true, () => false),
        other.create(peerings, peering(`p${round}`, a, b)).then(() => true, () => false),
      ]);
      outcomes.add(`${deleted} ${attached}`);
      if (!deleted || !attached) continue;
      // Both may pass only as: deleted, and named afterwards, as one may name what is not there yet.
      const order: string[] = [];
      const stop = new AbortController();
      for await (const { type, entry } of store.watch({ prefix: '', after, signal: stop.signal })) {
        if (entry.key.startsWith('/')) continue;
        order.push(`${type} ${entry.key}`);
        if (order.length === 2) break;
      }
      assert.deepEqual(order, [`delete vpcs.heddle.dev/team/${a}`, `put vpcpeerings.heddle.dev/team/p${round}`]);
    }
    assert.ok(outcomes.has('false true'), 'no reference came first');
    assert.ok(outcomes.has('true true'), 'no deletion came first');
    assert.equal((await store.list('/')).entries.length, 0, 'nothing stays reserved');
  }));

test('a prefix is not taken from under a subnet that the other server lets in', () =>
  withTwo(async (one, other) => {
    await one.create(spaces, { apiVersion, kind: 'AddressSpace', metadata: { name: 'default' }, spec: { prefixes: ['10.1.0.0/16', '10.2.0.0/16'] } });
    await other.create(vpcs, vpc('shop'));
    const shrink = one.modify(spaces, '', 'default', (current) => ({ ...current, spec: { prefixes: ['10.2.0.0/16'] } }));
    await assert.rejects(shrink, failsWith('Invalid', 'which no prefix would hold any more'));
  }));

test('what a server that died left reserved is taken away by who waits for it, and the dead cannot come back', () =>
  withTwo(async (one, other, store) => {
    await one.create(vpcs, vpc('a'));
    await one.create(vpcs, vpc('b'));
    const left = await reserve(store, { kind: 'VPC', namespace: 'team', name: 'a' });
    await other.create(peerings, peering('p', 'a', 'b'));
    await assert.rejects(store.commit([left.end]), failsWith('NotFound'));
  }));

test('a controller that lost its office writes nothing more, and hears why', () =>
  withTwo(async (one, other, store) => {
    const [taken] = await store.commit([{ type: 'put', key: '/heddle/term', value: '7', expected: 0 }]);
    let lost = 0;
    const writer = one.fenced({ key: '/heddle/term', revision: taken?.entry.revision ?? 0, onLost: () => (lost += 1) });
    await writer.create(vpcs, vpc('mine'));
    await store.commit([{ type: 'put', key: '/heddle/term', value: '8' }]);
    await assert.rejects(writer.create(vpcs, vpc('late')), failsWith('Unavailable', 'another controller'));
    const change = (current: Resource) => ({ ...current, status: { vni: 9 } });
    await assert.rejects(writer.modify(vpcs, 'team', 'mine', change, { subresource: 'status' }), failsWith('Unavailable'));
    await assert.rejects(writer.delete(vpcs, 'team', 'mine'), failsWith('Unavailable'));
    assert.equal(lost, 3);
    assert.equal((await other.get(vpcs, 'team', 'mine')).status, undefined);
    await one.create(vpcs, vpc('others'));
  }));
