import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, createAll, tenant, waitFor } from './testing.ts';

const red = vpc('red', { front: '10.1.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });

/** Throws once, at its next call, whatever is asked of it. */
const failOnce = <Name extends string>(target: Record<Name, (...args: never[]) => unknown>, name: Name): (() => boolean) => {
  const real = target[name];
  let failed = false;
  target[name] = () => {
    failed = true;
    target[name] = real;
    throw new Error('a fault of ours');
  };
  return () => failed;
};

for (const where of ['goal', 'fleet'] as const) {
  test(`what a batch that failed at the ${where} had compiled goes out with the next one`, async (t) => {
    const house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
    t.after(() => house.stop());
    const { client, fleet, goal } = house;
    await createAll(client, [...smallFabric(), red]);
    await waitFor(client, tenant('VPC', 'red'), 'Programmed', 'True');
    const sent = fleet.published.length;
    const hasFailed = where === 'goal' ? failOnce(goal, 'commit') : failOnce(fleet, 'publish');
    await createAll(client, [a1]);
    await until('the batch to fail', hasFailed);
    await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    const scopes = fleet.published.slice(sent).flat().map(({ scope }) => scope);
    assert.ok(scopes.includes('device/leaf-1'), `published: ${scopes.join(' ')}`);
  });
}

test('what a batch that failed was to give back is given back', async (t) => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
  t.after(() => house.stop());
  const { client, goal } = house;
  await createAll(client, [...smallFabric(), red, a1]);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const hasFailed = failOnce(goal, 'commit');
  await client.delete(tenant('VPCAttachment', 'a1'));
  await until('the batch to fail', hasFailed);
  await until('the address is free again', async () => {
    const { items } = await client.list('Claim');
    return items.every(({ spec }) => !(spec as { pool: string }).pool.startsWith('host.'));
  });
  await client.get(cluster('Switch', 'leaf-1'));
});
