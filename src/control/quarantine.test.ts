import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClaimSpec, ClaimStatus } from '../api/kinds/claim.ts';
import type { ResourceClient } from '../api/client.ts';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, conditionOf, createAll, fresh, removeAtOnce, tenant, waitFor } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });

const vnis = async (client: ResourceClient): Promise<{ value: string; uid: string; phase: string | undefined }[]> => {
  const { items } = await client.list('Claim');
  return items
    .map((claim) => ({ spec: claim.spec as ClaimSpec, phase: (claim.status as ClaimStatus | undefined)?.phase }))
    .filter(({ spec }) => spec.pool === 'vni')
    .map(({ spec, phase }) => ({ value: spec.value, uid: spec.owner.uid, phase }));
};

const vniOf = async (client: ResourceClient, name: string): Promise<number> => {
  const object = await until(`${name} has a VNI`, async () => {
    const found = await client.get(tenant('VPC', name));
    return (found.status as { vni?: number } | undefined)?.vni === undefined ? undefined : found;
  });
  return (object.status as { vni: number }).vni;
};

test('no VNI is used again before the device that may hold it has acknowledged, over 50 lives of a VPC', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const { client, fleet } = house;
  await createAll(client, [...smallFabric(), red, a1, a2]);
  await waitFor(client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  fleet.disconnect('leaf-2');
  const seen = new Set([await vniOf(client, 'red')]);
  for (let life = 1; life <= 50; life++) {
    for (const { kind, metadata } of [a2, a1, red]) await client.delete(tenant(kind, metadata.name));
    await createAll(client, [red, a1, a2]);
    const vni = await vniOf(client, 'red');
    assert.ok(!seen.has(vni), `VNI ${vni} of life ${life} is new`);
    seen.add(vni);
    await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  }
  const held = await vnis(client);
  assert.equal(held.filter(({ phase }) => phase === 'Quarantined').length, 100);
  fleet.connect('leaf-2');
  await waitFor(client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  await until('only the living VPC holds VNIs', async () => (await vnis(client)).length === 2);
  await createAll(client, [vpc('blue', { front: '10.2.0.0/24' })]);
  assert.ok(seen.has(await vniOf(client, 'blue')), 'what is free again is used again');
});

test('an offline device that never had to do with a VPC does not hold up what it gives back', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const { client, fleet } = house;
  const blue = vpc('blue', { front: '10.2.0.0/24' });
  await createAll(client, [...smallFabric(), red, a1, blue, attachment('b2', { vpc: 'blue', subnet: 'front', connection: 'b2--leaf-2' })]);
  await waitFor(client, tenant('VPCAttachment', 'b2'), 'Programmed', 'True');
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  fleet.disconnect('leaf-2');
  await client.delete(tenant('VPCAttachment', 'b2'));
  await client.delete(tenant('VPCAttachment', 'a1'));
  await client.delete(tenant('VPC', 'red'));
  await until('the VNIs of red are free, those of blue are not', async () => (await vnis(client)).length === 2);
});

test('a device whose Switch was deleted holds up nothing', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const { client, fleet } = house;
  await createAll(client, [...smallFabric(), red, a2]);
  await waitFor(client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  fleet.disconnect('leaf-2');
  await client.delete(tenant('VPCAttachment', 'a2'));
  await client.delete(tenant('VPC', 'red'));
  await until('quarantined', async () => (await vnis(client)).every(({ phase }) => phase === 'Quarantined'));
  assert.equal((await vnis(client)).length, 2);
  await removeAtOnce(client, cluster('Switch', 'leaf-2'));
  await until('all VNIs are free', async () => (await vnis(client)).length === 0);
});

test('a removal that failed on the device keeps the value in quarantine', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const { client, fleet } = house;
  await createAll(client, [...smallFabric(), red, a1]);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  fleet.fail('leaf-1', { table: 'segment', key: '1', code: 'CommandFailed', message: 'busy' });
  await client.delete(tenant('VPCAttachment', 'a1'));
  await client.delete(tenant('VPC', 'red'));
  await until('quarantined', async () => (await vnis(client)).every(({ phase }) => phase === 'Quarantined'));
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await vnis(client)).length, 2);
  fleet.fail('leaf-1');
  fleet.answerAll();
  await until('all VNIs are free', async () => (await vnis(client)).length === 0);
});

test('quarantine outlives a restart, and then waits for every device', async (t) => {
  const first = await buildHouse({ devices });
  const { client, store } = first;
  await createAll(client, [...smallFabric(), red, a1, a2]);
  await waitFor(client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  first.fleet.disconnect('leaf-2');
  for (const { kind, metadata } of [a1, a2, red]) await client.delete(tenant(kind, metadata.name));
  await until('quarantined', async () => (await vnis(client)).every(({ phase }) => phase === 'Quarantined'));
  await first.stop();
  const second = await buildHouse({ store, devices: ['spine-1', 'leaf-1'] });
  t.after(() => second.stop());
  await createAll(second.client, [red]);
  const vni = await vniOf(second.client, 'red');
  const all = await vnis(second.client);
  assert.equal(all.filter(({ phase }) => phase === 'Quarantined').length, 2);
  assert.ok(all.every(({ value, phase }) => phase !== 'Quarantined' || value !== String(vni)));
  second.fleet.connect('leaf-2');
  await until('only the new VPC holds VNIs', async () => (await vnis(second.client)).length === 2);
});

test('an owner deleted while no controller ran is noticed at the next start', async (t) => {
  const first = await buildHouse({ devices });
  const { client, store } = first;
  await createAll(client, [...smallFabric(), red, a1]);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  await first.stop();
  for (const { kind, metadata } of [a1, red]) await client.delete(tenant(kind, metadata.name));
  const second = await buildHouse({ store });
  t.after(() => second.stop());
  await until('quarantined', async () => (await vnis(client)).every(({ phase }) => phase === 'Quarantined'));
  assert.equal((await vnis(client)).length, 2);
  for (const device of devices) second.fleet.connect(device);
  await until('free once every device has spoken', async () => (await vnis(client)).length === 0);
});

test('an exhausted pool is a finding, and the demand is met as soon as a value is free', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const { client } = house;
  const [first, ...others] = smallFabric();
  assert.equal(first?.kind, 'Fabric');
  await createAll(client, [{ ...first, spec: { overlay: { vnis: { from: 7001, to: 7002 } } } }, ...others, red]);
  await waitFor(client, tenant('VPC', 'red'), 'Programmed', 'True');
  await createAll(client, [vpc('blue', { front: '10.2.0.0/24' })]);
  const starved = await waitFor(client, tenant('VPC', 'blue'), 'Accepted', 'False', 'PoolExhausted');
  assert.match(conditionOf(starved, 'Accepted')?.message ?? '', /pool "vni" has no free value left in "7001-7002"/);
  await client.delete(tenant('VPC', 'red'));
  await waitFor(client, tenant('VPC', 'blue'), 'Accepted', 'True');
});

test('an object that becomes faulty for a while keeps its ids', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const { client } = house;
  await createAll(client, [...smallFabric(), red, a1]);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const vni = await vniOf(client, 'red');
  const space = await client.get(cluster('AddressSpace', 'default'));
  await client.delete(cluster('AddressSpace', 'default'));
  await waitFor(client, tenant('VPC', 'red'), 'Accepted', 'False');
  await client.create(fresh(space));
  await waitFor(client, tenant('VPC', 'red'), 'Programmed', 'True');
  assert.equal(await vniOf(client, 'red'), vni);
});
