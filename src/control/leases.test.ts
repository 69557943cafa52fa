import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import type { DhcpLeaseSpec } from '../api/kinds/dhcplease.ts';
import type { Resource } from '../api/object.ts';
import type { Lease } from '../goal/observation.ts';
import { until } from '../kit/testing.ts';
import type { Address, Mac, Vni } from '../net/brand.ts';
import { createMemoryStore } from '../store/memory.ts';
import { leaseName } from './leases.ts';
import { buildHouse, cluster, createAll, type House, removeAtOnce, tenant, waitFor } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });

const macOf = (number: number): Mac => `02:00:00:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}` as Mac;

const lease = (segment: Vni, address: string, mac = macOf(1), hostname = 'guest'): Lease => ({ segment, mac, address: address as Address, hostname });

const raise = async (store = createMemoryStore()): Promise<{ readonly house: House; readonly segment: Vni }> => {
  const house = await buildHouse({ devices, store });
  if ((await house.client.list('VPC')).items.length === 0) await createAll(house.client, [...smallFabric(), red, a1, a2]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  await waitFor(house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  const rows = [...house.goal.scope('device/leaf-1').rows.keys()];
  const segment = Number(rows.find((id) => id.startsWith('segment/'))?.slice('segment/'.length)) as Vni;
  return { house, segment };
};

const leases = async ({ client }: House): Promise<Resource[]> => [...(await client.list('DHCPLease')).items];
const addresses = async (house: House): Promise<string[]> => (await leases(house)).map(({ spec }) => (spec as DhcpLeaseSpec).address).toSorted();
const tell = ({ controller }: House, device: string, ...told: Lease[]): void => controller.events.onObservation?.(device, { leases: told });

test('a lease is an object in the namespace of the tenant, and gone when the device no longer names it', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  tell(house, 'leaf-1', lease(segment, '10.1.0.200'));
  const object = await until('written', async () => (await leases(house))[0]);
  assert.equal(object.metadata.namespace, 'default');
  assert.equal(object.metadata.name, 'red.front.10-1-0-200');
  assert.deepEqual(object.spec, {
    vpc: 'red', subnet: 'front', address: '10.1.0.200', mac: macOf(1), hostname: 'guest', switch: 'leaf-1', type: 'Dynamic',
  });
  tell(house, 'leaf-1');
  await until('gone', async () => (await leases(house)).length === 0);
});

test('the lease of an attached server is Reserved', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  const { status } = await house.client.get(tenant('VPCAttachment', 'a1'));
  const [address = ''] = ((status as { address?: string }).address ?? '').split('/');
  tell(house, 'leaf-1', lease(segment, address));
  const object = await until('written', async () => (await leases(house))[0]);
  assert.equal((object.spec as DhcpLeaseSpec).type, 'Reserved');
});

test('a thousand leases at once are a thousand writes, and saying them again is none', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  const told = Array.from({ length: 1000 }, (_, index) => lease(segment, `10.1.${4 + (index >> 8)}.${index & 255}`, macOf(index)));
  tell(house, 'leaf-1', ...told);
  await until('written', async () => (await leases(house)).length === 1000);
  const versions = (await leases(house)).map(({ metadata }) => metadata.resourceVersion).toSorted();
  tell(house, 'leaf-1', ...told.toReversed());
  tell(house, 'leaf-2', lease(segment, '10.1.9.9'));
  await until('the other leaf is heard', async () => (await leases(house)).length === 1001);
  const after = (await leases(house)).filter(({ spec }) => (spec as DhcpLeaseSpec).switch === 'leaf-1');
  assert.deepEqual(after.map(({ metadata }) => metadata.resourceVersion).toSorted(), versions);
  assert.ok(after.every(({ metadata }) => metadata.generation === 1));
});

test('an address that passes to another host is written once more', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  tell(house, 'leaf-1', lease(segment, '10.1.0.200'));
  await until('written', async () => (await leases(house)).length === 1);
  tell(house, 'leaf-1', lease(segment, '10.1.0.200', macOf(2)));
  const object = await until('passed on', async () => (await leases(house)).find(({ spec }) => (spec as DhcpLeaseSpec).mac === macOf(2)));
  assert.equal(object.metadata.generation, 2);
});

test('what was told before the start was over is understood after it, and silent devices keep their leases', async (t) => {
  const store = createMemoryStore();
  const before = await raise(store);
  tell(before.house, 'leaf-1', lease(before.segment, '10.1.0.200'), lease(before.segment, '10.1.0.201', macOf(2)));
  tell(before.house, 'leaf-2', lease(before.segment, '10.1.0.210', macOf(3)));
  await until('written', async () => (await leases(before.house)).length === 3);
  await before.house.stop();
  const { house, segment } = await raise(store);
  t.after(() => house.stop());
  tell(house, 'leaf-1', lease(segment, '10.1.0.201', macOf(2)));
  await until('one is over', async () => (await addresses(house)).join(' ') === '10.1.0.201 10.1.0.210');
});

test('a lease becomes Reserved when its address is given to its host for good, and Dynamic when it is not any more', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  tell(house, 'leaf-1', lease(segment, '10.1.0.200'), lease(segment, '10.1.0.201', macOf(2)));
  const typeOf = async (address: string) => (await leases(house)).map(({ spec }) => spec as DhcpLeaseSpec).find((spec) => spec.address === address)?.type;
  await until('written', async () => (await typeOf('10.1.0.200')) === 'Dynamic' && (await typeOf('10.1.0.201')) === 'Dynamic');
  const say = async (reservations: object): Promise<void> => {
    const object = await house.client.get(tenant('VPC', 'red'));
    await house.client.update({ ...object, spec: { subnets: { front: { cidr: '10.1.0.0/24', dhcp: { reservations } } } } });
  };
  await say({ [macOf(1)]: { address: '10.1.0.200' } });
  await until('it is reserved', async () => (await typeOf('10.1.0.200')) === 'Reserved');
  assert.equal(await typeOf('10.1.0.201'), 'Dynamic');
  await say({});
  await until('it is not any more', async () => (await typeOf('10.1.0.200')) === 'Dynamic');
});

test('one lease that comes to a thousand is one that is looked at', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  const told = Array.from({ length: 1000 }, (_, index) => lease(segment, `10.1.${4 + (index >> 8)}.${index & 255}`, macOf(index)));
  tell(house, 'leaf-1', ...told);
  await until('written', async () => (await leases(house)).length === 1000);
  const asked = t.mock.method(house.goal, 'subscriptions');
  tell(house, 'leaf-1', ...told.slice(1), lease(segment, '10.1.9.9', macOf(2000)));
  assert.equal(asked.mock.callCount(), 1);
  await until('written', async () => (await addresses(house)).includes('10.1.9.9') && !(await addresses(house)).includes('10.1.4.0'));
});

test('leases end with their segment, and with their Switch', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  tell(house, 'leaf-1', lease(segment, '10.1.0.200'));
  tell(house, 'leaf-2', lease(segment, '10.1.0.210', macOf(3)));
  await until('written', async () => (await leases(house)).length === 2);
  await house.client.delete(tenant('VPCAttachment', 'a1'));
  await until('leaf-1 has no such segment', async () => (await addresses(house)).join(' ') === '10.1.0.210');
  await removeAtOnce(house.client, cluster('Switch', 'leaf-2'));
  await until('leaf-2 is gone', async () => (await leases(house)).length === 0);
});

test('segments that are no tenant\'s and host names that are none do no harm', async (t) => {
  const { house, segment } = await raise();
  t.after(() => house.stop());
  tell(house, 'leaf-1', lease(9999 as Vni, '10.9.0.1'), lease(segment, '10.1.0.200', macOf(1), 'not a name!'), lease(segment, 'fd00::c8', macOf(1)));
  await until('written', async () => (await leases(house)).length === 2);
  for (const { spec } of await leases(house)) assert.notEqual((spec as DhcpLeaseSpec).hostname, 'not a name!');
});

test('names of leases are names, also of IPv6 addresses with groups of zeros', () => {
  assert.equal(leaseName('red', 'front', '10.1.0.200' as Address), 'red.front.10-1-0-200');
  assert.equal(leaseName('red', 'front', 'fd00::c8' as Address), 'red.front.fd00-0000-0000-0000-0000-0000-0000-00c8');
});
