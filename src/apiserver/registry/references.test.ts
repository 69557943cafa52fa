import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { kinds } from '../../api/kinds.ts';
import { coreKinds } from '../../api/core/index.ts';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { runNamespaceLifecycle } from './namespaces.ts';
import { createRegistry, type Registry } from './registry.ts';
import { createScheme, type ServedKind } from '../scheme.ts';
import { failsWith, robot, robotKind, specOf } from '../testing.ts';

const withRobots = async (body: (registry: Registry, robots: ServedKind) => Promise<void>): Promise<void> => {
  const store = createMemoryStore();
  const scheme = createScheme([...coreKinds, robotKind]);
  const registry = createRegistry(store, scheme);
  const lifecycle = await runNamespaceLifecycle(registry, (error) => assert.fail(error.message));
  try {
    await body(registry, scheme.byKind('Robot'));
  } finally {
    await lifecycle.close();
    await store.close();
  }
};

const guarded = { refuseInUse: true };

describe('deleting what others refer to', () => {
  it('is refused with the names of those who do, until they are gone or name something else', () =>
    withRobots(async (registry, robots) => {
      await registry.create(robots, robot('base'));
      for (const user of ['one', 'two']) await registry.create(robots, robot(user, { tags: ['base'] }));
      const remove = (name: string) => registry.delete(robots, 'default', name, guarded);
      await assert.rejects(remove('base'), (error) => {
        assert.ok(error instanceof HeddleError);
        assert.equal(error.code, 'Conflict');
        assert.equal(error.message, 'robots.test.heddle.dev "base" is in use by Robot "default/one", Robot "default/two"; delete or change what uses it first');
        assert.deepEqual(error.findings.map(({ message }) => message), ['Robot/default/one', 'Robot/default/two']);
        return true;
      });
      await registry.modify(robots, 'default', 'one', (current: Resource) => ({ ...current, spec: { ...specOf(current), tags: ['other'] } }));
      await remove('two');
      assert.equal((await remove('base')).removed, true);
    }));

  it('counts users that came after the first look, and tells how many more there are', () =>
    withRobots(async (registry, robots) => {
      await registry.create(robots, robot('loose'));
      await registry.delete(robots, 'default', 'loose', guarded);
      await registry.create(robots, robot('base'));
      for (let user = 1; user <= 8; user += 1) await registry.create(robots, robot(`u${user}`, { tags: ['base'] }));
      await assert.rejects(registry.delete(robots, 'default', 'base', guarded), failsWith('Conflict', 'Robot "default/u5" and 3 more;'));
      await assert.rejects(registry.delete(robots, 'default', 'base', { ...guarded, dryRun: true }), failsWith('Conflict'));
    }));

  it('is no matter for who empties a namespace, nor for users that are going themselves', () =>
    withRobots(async (registry, robots) => {
      await registry.create(robots, robot('base'));
      await registry.create(robots, robot('user', { tags: ['base'] }, { finalizers: ['a.b/c'] }));
      await assert.rejects(registry.delete(robots, 'default', 'base', guarded), failsWith('Conflict'));
      await registry.delete(robots, 'default', 'user', guarded);
      assert.equal((await registry.delete(robots, 'default', 'base', guarded)).removed, true);
    }));

  it('agrees with a look at all objects, after any writes', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.subarray([0, 1, 2, 3, 4]), fc.boolean()), { maxLength: 30 }), (steps) =>
        withRobots(async (registry, robots) => {
          for (const [number, tags, goes] of steps) {
            const name = `r${number}`;
            const there = await registry.get(robots, 'default', name).catch(() => undefined);
            const spec = { model: 'm1', tags: tags.filter((tag) => tag !== number).map((tag) => `r${tag}`) };
            if (there === undefined) await registry.create(robots, robot(name, spec));
            else if (!goes) await registry.modify(robots, 'default', name, (current: Resource) => ({ ...current, spec }));
            else {
              const { items } = await registry.list(robots, { namespace: 'default' });
              const inUse = items.some((item) => (specOf(item)['tags'] as string[] | undefined)?.includes(name) === true);
              const removed = await registry.delete(robots, 'default', name, guarded).then(() => true, (error: unknown) => HeddleError.from(error).code !== 'Conflict');
              assert.equal(removed, !inUse);
            }
          }
        }),
      ),
      { numRuns: 30 },
    ));
});

it('every kind that names objects says which must stay while it does', () => {
  const naming = new Set(kinds.filter(({ references }) => references !== undefined).map(({ kind }) => kind));
  for (const kind of ['Switch', 'Connection', 'VPC', 'VPCAttachment', 'VPCPeering', 'External', 'ExternalPeering', 'MappingSlice']) assert.ok(naming.has(kind), kind);
});
