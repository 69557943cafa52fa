import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coreKinds } from '../../api/core/index.ts';
import type { Resource } from '../../api/object.ts';
import type { WatchEvent } from '../../api/client.ts';
import { HeddleError } from '../../kit/error.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { Store } from '../../store/store.ts';
import { createInProcessClient } from './client.ts';
import { objectOr } from '../../kit/json.ts';
import { eventMilliseconds, startMaintenance } from '../maintenance.ts';
import { runNamespaceLifecycle } from './namespaces.ts';
import { createRegistry, type Registry } from './registry.ts';
import { createScheme, type ServedKind } from '../scheme.ts';
import { failsWith, robot, robotKind, specOf } from '../testing.ts';

interface Bench {
  readonly registry: Registry;
  readonly robots: ServedKind;
  readonly namespaces: ServedKind;
  readonly store: ReturnType<typeof createMemoryStore>;
}

const withRegistry = async (body: (bench: Bench) => Promise<void>): Promise<void> => {
  const store = createMemoryStore();
  const scheme = createScheme([...coreKinds, robotKind]);
  const registry = createRegistry(store, scheme, () => new Date('2026-01-02T03:04:05.678Z'));
  const lifecycle = await runNamespaceLifecycle(registry, (error) => assert.fail(error.message));
  try {
    await body({ registry, robots: scheme.byKind('Robot'), namespaces: scheme.byKind('Namespace'), store });
  } finally {
    await lifecycle.close();
    await store.close();
  }
};

const nextEvents = async (registry: Registry, served: ServedKind, after: number, count: number, labels?: string): Promise<string[]> => {
  const stop = new AbortController();
  const events: string[] = [];
  const select = labels === undefined ? {} : { select: (object: Resource) => object.metadata.labels?.['on'] === labels };
  for await (const { type, object } of registry.watch(served, { after, signal: stop.signal, ...select })) {
    events.push(`${type} ${object.metadata.name} ${object.metadata.resourceVersion}`);
    if (events.length === count) stop.abort();
  }
  return events;
};

const collect = async (events: AsyncIterable<WatchEvent>): Promise<WatchEvent[]> => {
  const all: WatchEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

describe('creating', () => {
  it('sets identity, time, generation and version, fills in defaults, and drops status', () =>
    withRegistry(async ({ registry, robots }) => {
      const made = await registry.create(robots, { ...robot('r'), status: { ready: 'yes' } });
      assert.match(made.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
      assert.equal(made.metadata.creationTimestamp, '2026-01-02T03:04:05Z');
      assert.equal(made.metadata.generation, 1);
      assert.equal(made.metadata.resourceVersion, String(registry.revision));
      assert.deepEqual(specOf(made), { model: 'r2', speed: 1 });
      assert.equal(made.status, undefined);
      assert.deepEqual(await registry.get(robots, 'default', 'r'), made);
    }));

  it('completes generateName with five characters', () =>
    withRegistry(async ({ registry, robots }) => {
      const made = await registry.create(robots, robot('', {}, { generateName: 'r-' }));
      assert.match(made.metadata.name, /^r-[a-z0-9]{5}$/);
    }));

  it('makes up another name while somebody takes the one it made up, and gives up after a while', () =>
    withRegistry(async ({ store, robots }) => {
      const stolen: string[] = [];
      let thefts = 3;
      const crowded: Store = {
        ...store,
        get revision() {
          return store.revision;
        },
        commit: async (writes) => {
          const [first] = writes;
          if (first !== undefined && thefts > 0) {
            thefts -= 1;
            stolen.push(first.key);
            await store.commit([{ type: 'put', key: first.key, value: JSON.stringify(robot('thief')) }]);
          }
          return store.commit(writes);
        },
      };
      const registry = createRegistry(crowded, createScheme([...coreKinds, robotKind]));
      const made = await registry.create(robots, robot('', {}, { generateName: 'r-' }));
      assert.ok(stolen.length === 3 && stolen.every((key) => key !== robots.key('default', made.metadata.name)), `${made.metadata.name}: ${stolen.join()}`);
      thefts = Infinity;
      await assert.rejects(registry.create(robots, robot('', {}, { generateName: 'r-' })), failsWith('AlreadyExists', 'no free name of robots.test.heddle.dev', '"r-"'));
    }));

  it('refuses a second object of that name, a version in the body, and a namespace that is not there', () =>
    withRegistry(async ({ registry, robots }) => {
      await registry.create(robots, robot('r'));
      await assert.rejects(registry.create(robots, robot('r')), failsWith('AlreadyExists', 'robots.test.heddle.dev "r" already exists'));
      await assert.rejects(registry.create(robots, robot('r'), { dryRun: true }), failsWith('AlreadyExists'));
      await assert.rejects(registry.create(robots, robot('s', {}, { resourceVersion: '3' })), failsWith('BadRequest'));
      await assert.rejects(registry.create(robots, robot('s', {}, { namespace: 'nowhere' })), failsWith('NotFound', 'namespaces "nowhere" not found'));
    }));

  it('reports everything that is wrong at once, schema and metadata together', () =>
    withRegistry(async ({ registry, robots }) => {
      const bad = robot('Bad_Name', { model: 'R2!', color: 'green', speed: 'fast', arms: { left: { joints: 10 }, right: {} }, tags: ['a', ''] });
      await assert.rejects(registry.create(robots, bad), (error: unknown) => {
        assert.ok(error instanceof HeddleError);
        assert.deepEqual(error.findings.map(({ path, code }) => `${path} ${code}`).toSorted(), [
          'metadata.name InvalidName',
          'spec.arms.left.joints OutOfRange',
          'spec.arms.right.joints MissingField',
          'spec.color NotAllowed',
          'spec.model Malformed',
          'spec.speed WrongType',
          'spec.tags[1] TooShort',
        ]);
        return failsWith('Invalid', 'spec.color: must be one of "red", "blue", not "green"')(error);
      });
    }));

  it("asks the kind's own rules once the schema holds", () =>
    withRegistry(async ({ registry, robots }) => {
      await assert.rejects(registry.create(robots, robot('r', { speed: 13 })), failsWith('Invalid', 'spec.speed: 13 is unlucky; use 12'));
    }));

  it('refuses unknown fields under Strict, warns of them under Warn, and never stores them', () =>
    withRegistry(async ({ registry, robots }) => {
      const typo = robot('r', { sped: 3, arms: { left: { joints: 2, hand: 1 } } });
      await assert.rejects(registry.create(robots, typo), failsWith('BadRequest', 'unknown field "spec.sped" (did you mean "speed"?), unknown field "spec.arms.left.hand" (known here: joints, tool)'));
      const warnings: string[] = [];
      const made = await registry.create(robots, typo, { fieldValidation: 'Warn', warn: (text) => warnings.push(text) });
      assert.deepEqual(warnings, ['unknown field "spec.sped" (did you mean "speed"?)', 'unknown field "spec.arms.left.hand" (known here: joints, tool)']);
      assert.deepEqual(specOf(made), { model: 'r2', arms: { left: { joints: 2 } }, speed: 1 });
    }));

  it('does everything but store under dryRun', () =>
    withRegistry(async ({ registry, robots }) => {
      const before = registry.revision;
      const made = await registry.create(robots, robot('r'), { dryRun: true });
      assert.equal(made.metadata.resourceVersion, undefined);
      assert.equal(registry.revision, before);
      await assert.rejects(registry.create(robots, robot('r', { speed: 13 }), { dryRun: true }), failsWith('Invalid'));
    }));
});

describe('updating', () => {
  it('refuses a stale version and one that is missing', () =>
    withRegistry(async ({ registry, robots }) => {
      const first = await registry.create(robots, robot('r'));
      await registry.update(robots, { ...first, spec: { ...specOf(first), speed: 2 } });
      await assert.rejects(registry.update(robots, { ...first, spec: { ...specOf(first), speed: 3 } }), failsWith('Conflict', 'the object has been modified'));
      await assert.rejects(registry.update(robots, robot('r')), failsWith('Invalid', 'metadata.resourceVersion: must be specified'));
      await assert.rejects(registry.update(robots, robot('other', {}, { resourceVersion: '1' })), failsWith('NotFound'));
    }));

  it('raises generation for spec only, and keeps the version of an update that changes nothing', () =>
    withRegistry(async ({ registry, robots }) => {
      const first = await registry.create(robots, robot('r'));
      const labelled = await registry.update(robots, { ...first, metadata: { ...first.metadata, labels: { a: 'b' } } });
      assert.equal(labelled.metadata.generation, 1);
      const faster = await registry.update(robots, { ...labelled, spec: { ...specOf(labelled), speed: 5 } });
      assert.equal(faster.metadata.generation, 2);
      const same = await registry.update(robots, faster);
      assert.equal(same.metadata.resourceVersion, faster.metadata.resourceVersion);
      assert.equal(String(registry.revision), faster.metadata.resourceVersion);
    }));

  it('takes only status through the subresource and never through the object', () =>
    withRegistry(async ({ registry, robots }) => {
      const first = await registry.create(robots, robot('r'));
      const viaObject = await registry.update(robots, { ...first, status: { ready: 'no' } });
      assert.equal(viaObject.status, undefined);
      const reported = { ...first, metadata: { ...first.metadata, labels: { x: 'y' } }, spec: { model: 'zz' }, status: { ready: '1/1' } };
      const viaStatus = await registry.update(robots, reported, { subresource: 'status' });
      assert.deepEqual([viaStatus.status, specOf(viaStatus)['model'], viaStatus.metadata.labels], [{ ready: '1/1' }, 'r2', undefined]);
      assert.equal(viaStatus.metadata.generation, 1);
      const faster = await registry.update(robots, { ...viaStatus, spec: { model: 'r2', speed: 9 }, status: {} });
      assert.deepEqual(faster.status, { ready: '1/1' });
    }));

  it('shows the old object to the rules of the kind, and protects what the server owns', () =>
    withRegistry(async ({ registry, robots }) => {
      const first = await registry.create(robots, robot('r'));
      await assert.rejects(registry.update(robots, { ...first, spec: { model: 'x9' } }), failsWith('Invalid', 'the model cannot be changed'));
      await assert.rejects(registry.update(robots, { ...first, metadata: { ...first.metadata, uid: 'other' } }), failsWith('Conflict', 'UID'));
      const meddled = { ...first, metadata: { ...first.metadata, creationTimestamp: '1999-01-01T00:00:00Z', generation: 99 } };
      assert.deepEqual(await registry.update(robots, meddled), first);
    }));

  it('lets an object from before a rule get a status and go, but not change against the rule', () =>
    withRegistry(async ({ registry, robots, store }) => {
      const made = await registry.create(robots, robot('r', {}, { finalizers: ['a.b/c'] }));
      const { resourceVersion: _, ...metadata } = made.metadata;
      await store.commit([{ type: 'put', key: robots.key('default', 'r'), value: JSON.stringify({ ...made, metadata, spec: { model: 'OLD!', speed: 13 } }) }]);
      const reported = await registry.modify(robots, 'default', 'r', (current) => ({ ...current, status: { ready: 'no' } }), { subresource: 'status' });
      assert.deepEqual(reported.status, { ready: 'no' });
      const repaint = (current: Resource): unknown => ({ ...current, spec: { ...specOf(current), color: 'red' } });
      await assert.rejects(registry.modify(robots, 'default', 'r', repaint), failsWith('Invalid', 'spec.model'));
      const badStatus = (current: Resource): unknown => ({ ...current, status: { ready: 3 } });
      await assert.rejects(registry.modify(robots, 'default', 'r', badStatus, { subresource: 'status' }), failsWith('Invalid', 'status.ready'));
      await registry.delete(robots, 'default', 'r');
      await registry.modify(robots, 'default', 'r', (current) => ({ ...current, metadata: { ...current.metadata, finalizers: [] } }));
      await assert.rejects(registry.get(robots, 'default', 'r'), failsWith('NotFound'));
    }));

  it('repeats a change when somebody writes in between, and loses no write of many at once', () =>
    withRegistry(async ({ registry, robots }) => {
      await registry.create(robots, robot('r', { speed: 20 }));
      const raise = (current: Resource): unknown => ({ ...current, spec: { ...specOf(current), speed: Number(specOf(current)['speed']) + 1 } });
      await Promise.all(Array.from({ length: 6 }, () => registry.modify(robots, 'default', 'r', raise)));
      assert.equal(specOf(await registry.get(robots, 'default', 'r'))['speed'], 26);
    }));
});

describe('deleting', () => {
  it('removes at once what nobody holds, after checking preconditions', () =>
    withRegistry(async ({ registry, robots }) => {
      const made = await registry.create(robots, robot('r'));
      await assert.rejects(registry.delete(robots, 'default', 'r', { preconditions: { uid: 'other' } }), failsWith('Conflict'));
      await assert.rejects(registry.delete(robots, 'default', 'r', { preconditions: { resourceVersion: '1' } }), failsWith('Conflict'));
      assert.equal((await registry.delete(robots, 'default', 'r', { dryRun: true })).removed, true);
      assert.equal((await registry.get(robots, 'default', 'r')).metadata.uid, made.metadata.uid);
      assert.equal((await registry.delete(robots, 'default', 'r')).removed, true);
      await assert.rejects(registry.delete(robots, 'default', 'r'), failsWith('NotFound', 'robots.test.heddle.dev "r" not found'));
    }));

  it('waits for finalizers: marks, refuses new ones, and goes with the last', () =>
    withRegistry(async ({ registry, robots }) => {
      const made = await registry.create(robots, robot('r', {}, { finalizers: ['heddle.dev/cleanup'] }));
      const from = registry.revision;
      const deleted = await registry.delete(robots, 'default', 'r');
      assert.deepEqual([deleted.removed, deleted.object.metadata.deletionTimestamp, deleted.object.metadata.generation], [false, '2026-01-02T03:04:05Z', 2]);
      const again = await registry.delete(robots, 'default', 'r');
      assert.equal(again.object.metadata.resourceVersion, deleted.object.metadata.resourceVersion);
      const finalizers = (list: string[]) => (current: Resource): unknown => ({ ...current, metadata: { ...current.metadata, finalizers: list } });
      await assert.rejects(registry.modify(robots, 'default', 'r', finalizers(['heddle.dev/cleanup', 'a.b/c'])), failsWith('Invalid', 'no new finalizers'));
      const revive = (current: Resource): unknown => ({ ...current, metadata: { ...current.metadata, deletionTimestamp: null } });
      await registry.modify(robots, 'default', 'r', revive);
      const final = await registry.modify(robots, 'default', 'r', finalizers([]));
      assert.equal(final.metadata.uid, made.metadata.uid);
      await assert.rejects(registry.get(robots, 'default', 'r'), failsWith('NotFound'));
      assert.deepEqual(await nextEvents(registry, robots, from, 2), [`MODIFIED r ${from + 1}`, `DELETED r ${from + 2}`]);
    }));

  it('empties a namespace before it goes, and lets nothing new in meanwhile', () =>
    withRegistry(async ({ registry, robots, namespaces }) => {
      await registry.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
      await registry.create(robots, robot('free', {}, { namespace: 'team' }));
      await registry.create(robots, robot('held', {}, { namespace: 'team', finalizers: ['heddle.dev/cleanup'] }));
      await registry.create(robots, robot('bystander'));
      const from = registry.revision;
      const marked = await registry.delete(namespaces, '', 'team');
      assert.deepEqual([marked.removed, objectOr(marked.object.status)['phase']], [false, 'Terminating']);
      await assert.rejects(registry.create(robots, robot('late', {}, { namespace: 'team' })), failsWith('Forbidden', 'being terminated'));
      assert.equal((await nextEvents(registry, robots, from, 2)).length, 2);
      await registry.modify(robots, 'team', 'held', (current) => ({ ...current, metadata: { ...current.metadata, finalizers: [] } }));
      // First it says what keeps it, then it goes.
      const told = await nextEvents(registry, namespaces, from + 1, 2);
      assert.match(told.join(', '), /^MODIFIED team .*, DELETED team/);
      assert.deepEqual((await registry.list(robots)).items.map((item) => item.metadata.name), ['bystander']);
    }));

  it('goes on with a namespace that was Terminating when the server stopped', async () => {
    const store = createMemoryStore();
    const scheme = createScheme([...coreKinds, robotKind]);
    const registry = createRegistry(store, scheme);
    const failed = (error: HeddleError) => assert.fail(error.message);
    const namespaces = scheme.byKind('Namespace');
    await registry.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await registry.create(scheme.byKind('Robot'), robot('r', {}, { namespace: 'team' }));
    await registry.delete(namespaces, '', 'team');
    const lifecycle = await runNamespaceLifecycle(registry, failed);
    await assert.rejects(registry.get(namespaces, '', 'team'), failsWith('NotFound'));
    assert.deepEqual((await registry.list(scheme.byKind('Robot'))).items, []);
    await lifecycle.close();
    await store.close();
  });

  it('does not let the built-in namespaces go', () =>
    withRegistry(async ({ registry, namespaces }) => {
      await assert.rejects(registry.delete(namespaces, '', 'default'), failsWith('Forbidden', 'may not be deleted'));
    }));
});

describe('watching', () => {
  it('tells an update that leaves the selection as DELETED, one that enters it as ADDED', () =>
    withRegistry(async ({ registry, robots }) => {
      const from = registry.revision;
      await registry.create(robots, robot('r', {}, { labels: { on: 'no' } }));
      for (const on of ['yes', 'yes', 'no', 'yes']) {
        await registry.modify(robots, 'default', 'r', (current) => ({
          ...current,
          metadata: { ...current.metadata, labels: { on } },
          spec: { ...specOf(current), speed: registry.revision + 50 },
        }));
      }
      await registry.delete(robots, 'default', 'r');
      const events = await nextEvents(registry, robots, from, 5, 'yes');
      assert.deepEqual(events, [`ADDED r ${from + 2}`, `MODIFIED r ${from + 3}`, `DELETED r ${from + 4}`, `ADDED r ${from + 5}`, `DELETED r ${from + 6}`]);
    }));
});

describe('the in-process client', () => {
  it('lists, watches, writes status and deletes like any other client', () =>
    withRegistry(async ({ registry }) => {
      const client = createInProcessClient(registry);
      const { items, resourceVersion } = await client.list('Robot');
      assert.deepEqual(items, []);
      const stop = new AbortController();
      const watching = collect(client.watch('Robot', resourceVersion, stop.signal));
      const made = await client.create({ apiVersion: 'test.heddle.dev/v1', kind: 'Robot', metadata: { name: 'r', namespace: 'default' }, spec: { model: 'r2', color: undefined } });
      const ref = { kind: 'Robot', namespace: 'default', name: 'r' };
      await client.patchStatus(ref, { ready: '0/1', conditions: [] });
      const reported = await client.patchStatus(ref, { ready: '1/1', conditions: null });
      assert.deepEqual([reported.status, reported.metadata.generation], [{ ready: '1/1' }, 1]);
      await assert.rejects(client.update({ ...made, spec: { model: 'r2', speed: 3 } }), failsWith('Conflict'));
      await client.delete(ref);
      await new Promise(setImmediate);
      stop.abort();
      assert.deepEqual((await watching).map((event) => event.type), ['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
    }));

  it('hands out copies: changing what it answered changes nothing in the store', () =>
    withRegistry(async ({ registry }) => {
      const client = createInProcessClient(registry);
      const made = await client.create({ apiVersion: 'test.heddle.dev/v1', kind: 'Robot', metadata: { name: 'r', namespace: 'default' }, spec: { model: 'r2' } });
      made.metadata.name = 'changed';
      assert.equal((await client.get({ kind: 'Robot', namespace: 'default', name: 'r' })).metadata.name, 'r');
      await assert.rejects(client.list('Wheel'), failsWith('NotFound', 'kind "Wheel" is not served'));
    }));
});

describe('maintenance', () => {
  it('expires events after an hour and compacts history that is two rounds old', () =>
    withRegistry(async ({ registry, store }) => {
      const events = registry.scheme.byKind('Event');
      const event = (name: string, lastTimestamp: string) => ({ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default' }, involvedObject: {}, lastTimestamp });
      const now = Date.parse('2026-01-02T12:00:00Z');
      await registry.create(events, event('old', new Date(now - eventMilliseconds - 1).toISOString()));
      await registry.create(events, event('new', new Date(now - 1000).toISOString()));
      const maintenance = startMaintenance(store, registry, (error) => assert.fail(error.message));
      maintenance.close();
      await maintenance.run(now);
      assert.deepEqual((await registry.list(events)).items.map((item) => item.metadata.name), ['new']);
      const first = registry.revision;
      for (let n = 0; n < 1500; n += 1) await store.commit([{ type: 'put', key: 'x', value: `${n}` }]);
      await maintenance.run(now);
      await assert.rejects(store.list('', { revision: first - 1 }), failsWith('Expired'));
      await store.list('', { revision: first });
    }));
});
