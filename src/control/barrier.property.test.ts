/** Over random lives of objects and devices: what is accepted ends up programmed everywhere, and a restart agrees. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Resource } from '../api/object.ts';
import { attachment, peering, smallFabric, vpc } from '../compile/fixture.ts';
import { HeddleError } from '../kit/error.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, conditionOf, createAll, digests, fresh, tenant, type House } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];

const tenants: readonly Resource[] = [
  vpc('red', { front: '10.1.0.0/24', back: '10.1.1.0/24' }),
  vpc('red', { front: '10.1.0.0/24' }),
  vpc('blue', { front: '10.2.0.0/24' }),
  vpc('blue', { front: '10.1.0.0/24' }),
  attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' }),
  attachment('a1', { vpc: 'blue', subnet: 'front', connection: 'a1--leaf-1' }),
  attachment('a2', { vpc: 'red', subnet: 'back', connection: 'a2--leaf-2' }),
  attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' }),
  attachment('b2', { vpc: 'blue', subnet: 'front', connection: 'a2--leaf-2' }),
  peering('p', [[{ vpc: 'red' }, { vpc: 'blue' }]]),
];

type Step =
  | { readonly type: 'put' | 'delete'; readonly object: Resource }
  | { readonly type: 'connect' | 'disconnect'; readonly device: string }
  | { readonly type: 'pause' };

const anyObject = fc.constantFrom(...tenants);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('put' as const), object: anyObject }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), object: anyObject }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('connect' as const, 'disconnect' as const), device: fc.constantFrom(...devices) }) },
  { weight: 2, arbitrary: fc.constant({ type: 'pause' as const }) },
);

const ignoring = async (codes: readonly string[], action: Promise<unknown>): Promise<void> => {
  try {
    await action;
  } catch (thrown) {
    if (!codes.includes(HeddleError.from(thrown).code)) throw thrown;
  }
};

const put = async ({ client }: House, object: Resource): Promise<void> => {
  try {
    await client.create(fresh(object));
  } catch {
    const current = await client.get(tenant(object.kind, object.metadata.name));
    await ignoring(['Conflict', 'Invalid'], client.update({ ...current, spec: object.spec }));
  }
};

const take = async (house: House, step: Step): Promise<void> => {
  if (step.type === 'put') await put(house, step.object);
  else if (step.type === 'delete') await ignoring(['NotFound'], house.client.delete(tenant(step.object.kind, step.object.metadata.name)));
  else if (step.type === 'connect') house.fleet.connect(step.device);
  else if (step.type === 'disconnect') house.fleet.disconnect(step.device);
  else for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const kindsWithStatus = ['Fabric', 'Switch', 'Connection', 'Server', 'VPC', 'VPCAttachment', 'VPCPeering'];

/** The objects that are not what they should be in the end. */
const unfinished = async ({ client }: House): Promise<string[]> => {
  const lists = await Promise.all(kindsWithStatus.map((kind) => client.list(kind)));
  return lists
    .flatMap(({ items }) => items)
    .filter((object) => {
      const [accepted, programmed] = [conditionOf(object, 'Accepted'), conditionOf(object, 'Programmed')];
      const current = accepted?.observedGeneration === object.metadata.generation;
      const [ready, all] = ((object.status as { ready?: string } | undefined)?.ready ?? '?').split('/');
      const right = accepted?.status === 'True' ? programmed?.status === 'True' && ready === all : programmed?.reason === 'NotAccepted';
      return !current || !right;
    })
    .map((object) => `${object.kind}/${object.metadata.name} ${JSON.stringify(object.status)}`);
};

const claimsAreRight = async ({ client }: House): Promise<boolean> => {
  const { items } = await client.list('Claim');
  return items.every((claim) => (claim.status as { phase?: string } | undefined)?.phase !== 'Quarantined');
};

test('after any edits and absences, once all devices have answered, everything accepted is Programmed on n of n', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60, size: 'max' }), async (steps) => {
      const house = await buildHouse({ devices });
      try {
        await createAll(house.client, smallFabric());
        for (const step of steps) await take(house, step);
        for (const device of devices) house.fleet.connect(device);
        for (let pause = 0; pause < 5; pause++) await take(house, { type: 'pause' });
        let left: string[] = [];
        await until('all is programmed', async () => (left = await unfinished(house)).length === 0, 10_000).catch(() => undefined);
        assert.deepEqual(left, []);
        await until('nothing is left in quarantine', () => claimsAreRight(house));
      } finally {
        await house.stop();
      }
      const again = await buildHouse({ store: house.store, devices });
      await again.stop();
      assert.deepEqual(digests(again.goal), digests(house.goal));
      await house.client.get(cluster('Switch', 'leaf-1'));
    }),
    { numRuns: 50, interruptAfterTimeLimit: 30_000 },
  );
});
