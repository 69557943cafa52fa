/** A controller on an API server that stores whatever comes: nothing there is believed before it was judged. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { apiVersion, type Resource } from '../api/object.ts';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, conditionOf, createAll, tenant, waitFor, type House } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const shop = vpc('shop', { default: '10.1.0.0/24' });
const a1 = attachment('a1', { vpc: 'shop', connection: 'a1--leaf-1' });

const open = async (t: TestContext): Promise<House> => {
  const house = await buildHouse({ devices, lax: true });
  t.after(() => house.stop());
  return house;
};
const rowsOf = (house: House, device: string): number => house.goal.scope(`device/${device}`).rows.size;
const withSpec = (kind: string, name: string, spec: unknown, namespace?: string): Resource =>
  ({ apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, spec });

test('an object that our server would have refused is told what is wrong with it, and others go on', async (t) => {
  const house = await open(t);
  await createAll(house.client, smallFabric());
  await house.client.create(withSpec('VPC', 'wrong', { subnets: { front: { cidr: '10.9.0.1/24' } } }, 'default'));
  await house.client.create(withSpec('VPC', 'odd', { subnets: 'many' }, 'default'));
  await house.client.create(withSpec('VPC', 'empty', null, 'default'));
  await createAll(house.client, [shop, a1]);
  const wrong = await waitFor(house.client, tenant('VPC', 'wrong'), 'Accepted', 'False', 'HostBitsSet');
  assert.match(conditionOf(wrong, 'Accepted')?.message ?? '', /^spec\.subnets\.front\.cidr: "10\.9\.0\.1\/24"/);
  assert.equal(conditionOf(wrong, 'Programmed')?.reason, 'NotAccepted');
  await waitFor(house.client, tenant('VPC', 'odd'), 'Accepted', 'False', 'WrongType');
  await waitFor(house.client, tenant('VPC', 'empty'), 'Accepted', 'False', 'MissingField');
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True', 'Programmed');
});

test('an edit that does not stand changes nothing on devices until it is put right', async (t) => {
  const house = await open(t);
  await createAll(house.client, [...smallFabric(), shop, a1]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True', 'Programmed');
  const before = rowsOf(house, 'leaf-1');
  const published = house.fleet.published.length;
  await house.client.patch(tenant('VPC', 'shop'), { spec: { subnets: { default: { cidr: '10.1.0.7/24' } } } });
  await waitFor(house.client, tenant('VPC', 'shop'), 'Accepted', 'False', 'HostBitsSet');
  assert.equal(rowsOf(house, 'leaf-1'), before);
  assert.deepEqual(house.fleet.published.slice(published).flat(), []);
  await house.client.patch(tenant('VPC', 'shop'), { spec: { subnets: { default: { cidr: '10.1.8.0/24' } } } });
  await waitFor(house.client, tenant('VPC', 'shop'), 'Programmed', 'True', 'Programmed');
  await house.client.delete(tenant('VPCAttachment', 'a1'));
  await until('the attachment is gone', () => rowsOf(house, 'leaf-1') < before);
});

test('what was wrong from the start is compiled once it is right, and forgotten once it is gone', async (t) => {
  const house = await open(t);
  await createAll(house.client, [...smallFabric(), a1]);
  await house.client.create(withSpec('VPC', 'shop', { subnets: {} }, 'default'));
  await waitFor(house.client, tenant('VPC', 'shop'), 'Accepted', 'False', 'TooFew');
  await house.client.patch(tenant('VPC', 'shop'), { spec: shop.spec });
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True', 'Programmed');
  await house.client.create(withSpec('VPC', 'brief', {}, 'default'));
  await waitFor(house.client, tenant('VPC', 'brief'), 'Accepted', 'False', 'MissingField');
  await house.client.delete(tenant('VPC', 'brief'));
});

test('text that is not canonical means what it says, and unknown members nothing', async (t) => {
  const house = await open(t);
  await createAll(house.client, smallFabric());
  await house.client.create(withSpec('VPC', 'shop', { subnets: { default: { cidr: '10.1.0.0/24', dhcp: { dnsServers: ['FD00:0::53'] } } }, future: true }, 'default'));
  await house.client.create(withSpec('VPCAttachment', 'a1', { vpc: 'shop', connection: 'a1--leaf-1' }, 'default'));
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True', 'Programmed');
  assert.match(JSON.stringify([...house.goal.scope('device/leaf-1').rows.values()], (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)), /fd00::53/);
});

test('a device whose Switch has a fault is still one of ours', async (t) => {
  const house = await open(t);
  await createAll(house.client, smallFabric());
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
  await house.client.create(withSpec('Switch', 'leaf-9', { role: 'leaf', routerID: 'none' }));
  await waitFor(house.client, cluster('Switch', 'leaf-9'), 'Accepted', 'False', 'InvalidAddress');
  await house.client.patch(cluster('Switch', 'leaf-1'), { metadata: { labels: { seen: 'yes' } } });
  await until('leaf-9 is not isolated', () => house.fleet.declared?.has('leaf-9'));
});

test('a status that is none is written anew', async (t) => {
  const house = await open(t);
  await createAll(house.client, [...smallFabric(), shop, a1]);
  await waitFor(house.client, tenant('VPC', 'shop'), 'Programmed', 'True');
  await house.client.patchStatus(tenant('VPC', 'shop'), { ready: null });
  await house.client.patch(tenant('VPC', 'shop'), { metadata: { labels: { seen: 'yes' } } });
  await until('the status is whole again', async () => (await house.client.get(tenant('VPC', 'shop'))).status !== undefined
    && ((await house.client.get(tenant('VPC', 'shop'))).status as { ready?: string }).ready !== undefined);
});
