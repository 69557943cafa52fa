/** A mass deletion as operators and tenants meet it: what stays, what says so, and what lets it go. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { FabricStatus } from '../api/kinds/fabric.ts';
import type { SwitchStatus } from '../api/kinds/switch.ts';
import { refOf, type Resource } from '../api/object.ts';
import { attachment, connection, server, smallFabric, switchOf, vpc } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { allowAnnotation } from './safeguard.ts';
import { buildHouse, cluster, conditionOf, createAll, digests, tenant, waitFor, type House } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24', back: '10.1.1.0/24' });
const ports = Array.from({ length: 40 }, (_, number) => number + 3);
const name = (port: number): string => `p${port}`;
const cabling = ports.flatMap((port) => [server(name(port), port + 10), connection(`${name(port)}--leaf-1`, [[`${name(port)}/eth1`, `leaf-1/E1/${port}`]])]);
const attached = ports.map((port) => attachment(name(port), { vpc: 'red', subnet: 'front', connection: `${name(port)}--leaf-1` }));
const elsewhere = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });

const statusOf = async <Status>({ client }: House, kind: string, device: string): Promise<Status> =>
  ((await client.get(cluster(kind, device))).status ?? {}) as Status;

const held = (house: House): Promise<SwitchStatus['held']> =>
  until('the deletion is held', async () => (await statusOf<SwitchStatus>(house, 'Switch', 'leaf-1')).held);

const annotate = async ({ client }: House, kind: string, object: string, token: string): Promise<void> => {
  const current = await client.get(cluster(kind, object));
  await client.update({ ...current, metadata: { ...current.metadata, annotations: { [allowAnnotation]: token } } });
};

const remove = async ({ client }: House, objects: readonly Resource[]): Promise<void> => {
  for (const object of objects) await client.delete(refOf(object));
};

const rows = ({ goal }: House): number => goal.scope('device/leaf-1').rows.size;
const attachments = ({ goal }: House): number => [...goal.scope('device/leaf-1').rows.keys()].filter((id) => id.startsWith('attachment/')).length;

/** A leaf with 40 attachments that all devices have acknowledged. */
const busyHouse = async (t: TestContext, safety: object = {}): Promise<House> => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const [fabric, ...others] = smallFabric();
  assert.ok(fabric !== undefined);
  await createAll(house.client, [{ ...fabric, spec: { safety } }, ...others, ...cabling, red, ...attached, elsewhere]);
  for (const object of attached) await waitFor(house.client, refOf(object), 'Programmed', 'True');
  return house;
};

test('deleting most of what is on a leaf is held, on it alone, and says what to do', async (t) => {
  const house = await busyHouse(t);
  const before = rows(house);
  await remove(house, [...attached, elsewhere]);
  const { rows: lost = 0, of, limit, reason, token = '' } = (await held(house)) ?? {};
  assert.equal(reason, 'TooManyRows');
  assert.ok(lost > (limit ?? 0) && of !== undefined);
  const leaf = await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Held', 'True', 'TooManyRows');
  assert.match(conditionOf(leaf, 'Held')?.message ?? '', new RegExp(`annotate the Switch with ${allowAnnotation}=${token}`));
  assert.ok(rows(house) > before / 2, 'at most half of it went');
  await until('the other leaf has let go', async () => ![...house.goal.scope('device/leaf-2').rows.keys()].some((id) => id.startsWith('attachment/')));
  await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'False', 'Held');
  await until('the Fabric counts it', async () => (await statusOf<FabricStatus>(house, 'Fabric', 'default')).held?.devices === 1);
  assert.match(await house.metrics.metrics(), /heddle_devices_held 1/);
  await until('an event tells', async () =>
    (await house.client.list('Event')).items.some((event) => (event as { reason?: string }).reason === 'DeletionHeld'),
  );
});

for (const where of ['Switch', 'Fabric'] as const) {
  test(`the token on the ${where} lets it go, and what was deleted is free again only then`, async (t) => {
    const house = await busyHouse(t);
    await remove(house, [...attached, red]);
    await held(house);
    const claims = (await house.client.list('Claim')).items.filter(({ metadata }) => metadata.name.startsWith('vni-'));
    assert.ok(claims.length > 0, 'ids that the leaf still uses are not free');
    await annotate(house, where, where === 'Switch' ? 'leaf-1' : 'default', 'not-the-token');
    const token = where === 'Switch' ? (await held(house))?.token : (await statusOf<FabricStatus>(house, 'Fabric', 'default')).held?.token;
    await annotate(house, where, where === 'Switch' ? 'leaf-1' : 'default', token ?? '');
    await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Held', 'False', 'NothingHeld');
    await until('all rows are gone', async () => attachments(house) === 0);
    await until('and with them the ids', async () =>
      (await house.client.list('Claim')).items.every(({ metadata }) => !metadata.name.startsWith('vni-')),
    );
    assert.equal((await statusOf<SwitchStatus>(house, 'Switch', 'leaf-1')).held, undefined);
    assert.equal((await statusOf<FabricStatus>(house, 'Fabric', 'default')).held, undefined);
    const again = await buildHouse({ store: house.store, devices });
    await again.stop();
    assert.deepEqual(digests(house.goal), digests(again.goal));
  });
}

test('what is added to a held leaf goes on, and taking the deletion back ends it', async (t) => {
  const house = await busyHouse(t);
  await remove(house, attached);
  await held(house);
  await createAll(house.client, [attachment('b1', { vpc: 'red', subnet: 'back', connection: 'b1--leaf-1' })]);
  await waitFor(house.client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
  await createAll(house.client, attached);
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Held', 'False');
  for (const object of attached) await waitFor(house.client, refOf(object), 'Programmed', 'True');
  assert.equal(attachments(house), 41);
});

test('raising the limit lets it go', async (t) => {
  const house = await busyHouse(t);
  await remove(house, attached);
  await held(house);
  const fabric = await house.client.get(cluster('Fabric', 'default'));
  await house.client.update({ ...fabric, spec: { safety: { maxDeletedPercent: 100 } } });
  await until('all rows are gone', async () => attachments(house) === 0);
});

test('a Fabric that permits everything holds nothing but an empty goal', async (t) => {
  const house = await busyHouse(t, { maxDeletedPercent: 100 });
  await remove(house, attached);
  await until('all rows are gone', async () => attachments(house) === 0);
  await house.client.delete(cluster('SwitchProfile', 'linux-soft'));
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Held', 'True', 'EmptyGoal');
  assert.ok(rows(house) > 0);
});

test('of many Switches that are deleted one after the other the last ones stay in service, and the Fabric says so', async (t) => {
  const house = await buildHouse();
  t.after(() => house.stop());
  const names = Array.from({ length: 14 }, (_, number) => `extra-${number}`);
  for (const device of names) house.fleet.connect(device);
  const extra = names.map((device) => switchOf(device, 'leaf'));
  await createAll(house.client, [...smallFabric(), ...extra]);
  for (const device of names) await waitFor(house.client, cluster('Switch', device), 'Programmed', 'True');
  await remove(house, extra);
  const kept = (): string[] => names.filter((device) => house.fleet.declared?.has(device));
  const { devices: count = 0, token = '' } = await until('some are held', async () => {
    const { held: found } = await statusOf<FabricStatus>(house, 'Fabric', 'default');
    return found !== undefined && found.devices === kept().length ? found : undefined;
  });
  assert.ok(count >= 4, 'no more than ten went');
  for (const device of kept()) assert.ok(house.goal.scope(`device/${device}`).rows.size > 0);
  const fabric = await waitFor(house.client, cluster('Fabric', 'default'), 'Held', 'True', 'DeletionsHeld');
  assert.match(conditionOf(fabric, 'Held')?.message ?? '', /switches .* annotate the Fabric with heddle\.dev\/allow-deletions=/);
  await annotate(house, 'Fabric', 'default', token);
  await until('all are gone', async () => kept().length === 0);
});
