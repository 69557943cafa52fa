import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClaimSpec } from '../api/kinds/claim.ts';
import type { ResourceClient } from '../api/client.ts';
import { attachment, smallFabric, switchOf, vpc } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { createMemoryStore } from '../store/memory.ts';
import { buildHouse, createAll, removeAtOnce, tenant, waitFor } from './testing.ts';

const red = vpc('red', { front: '10.1.0.0/24' });
const blue = vpc('blue', { front: '10.2.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });

const vnis = async (client: ResourceClient): Promise<string[]> => {
  const { items } = await client.list('Claim');
  return items.map(({ spec }) => spec as ClaimSpec).flatMap(({ pool, value }) => (pool === 'vni' ? [value] : []));
};

test('what was taken from a device in a former life is not given to others before the device has spoken', async (t) => {
  const store = createMemoryStore();
  const former = await buildHouse({ store, devices: ['spine-1', 'leaf-1', 'leaf-2'] });
  await createAll(former.client, [...smallFabric(), red, a1, a2]);
  await waitFor(former.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  former.fleet.disconnect('leaf-2');
  await former.client.delete(tenant('VPCAttachment', 'a2'));
  await waitFor(former.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  await former.stop();

  const house = await buildHouse({ store, devices: ['spine-1', 'leaf-1'] });
  t.after(() => house.stop());
  const { client, fleet } = house;
  const held = await vnis(client);
  assert.equal(held.length, 2);
  await client.delete(tenant('VPCAttachment', 'a1'));
  await client.delete(tenant('VPC', 'red'));
  await createAll(client, [blue, attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' })]);
  await waitFor(client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
  assert.equal((await vnis(client)).length, 4, 'red’s are kept, and blue has others');
  fleet.connect('leaf-2');
  await until('red’s are free', async () => (await vnis(client)).length === 2);
});

test('a device that is declared again holds up what is given back until it has spoken', async (t) => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
  t.after(() => house.stop());
  const { client, fleet } = house;
  await createAll(client, [...smallFabric(), red, a1, a2]);
  await waitFor(client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  fleet.disconnect('leaf-2');
  await removeAtOnce(client, { kind: 'Switch', namespace: '', name: 'leaf-2' });
  await client.delete(tenant('VPCAttachment', 'a2'));
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  await createAll(client, [switchOf('leaf-2', 'leaf')]);
  await waitFor(client, { kind: 'Switch', namespace: '', name: 'leaf-2' }, 'Programmed', 'False');
  await client.delete(tenant('VPCAttachment', 'a1'));
  await client.delete(tenant('VPC', 'red'));
  await createAll(client, [blue, attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' })]);
  await waitFor(client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
  assert.equal((await vnis(client)).length, 4);
  fleet.connect('leaf-2');
  await until('red’s are free', async () => (await vnis(client)).length === 2);
});
