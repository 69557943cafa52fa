import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainFinalizer } from '../api/drain.ts';
import { connection, smallFabric } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, createAll, waitFor } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const second = connection('second', [['spine-1/E1/9', 'leaf-1/E1/50']]);
const ref = cluster('Connection', 'second');

const peerRow = (house: Awaited<ReturnType<typeof buildHouse>>, device: string, port: string) =>
  house.goal.scope(`device/${device}`).rows.get(`bgpPeer/${port}`)?.value as { drained?: boolean } | undefined;

const held = async (house: Awaited<ReturnType<typeof buildHouse>>): Promise<void> => {
  await waitFor(house.client, ref, 'Programmed', 'True');
  await until('the link is held for its drain', async () => (await house.client.get(ref)).metadata.finalizers?.includes(drainFinalizer));
};

test('a link between switches is drained at both ends, and gone only when both have said so', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), second]);
  await held(house);
  house.fleet.answering = false;
  await house.client.delete(ref);
  await until('it is drained', () => peerRow(house, 'leaf-1', 'E1/50')?.drained);
  assert.equal(peerRow(house, 'spine-1', 'E1/9')?.drained, true);
  assert.deepEqual(peerRow(house, 'leaf-1', 'E1/49')?.drained, undefined);
  await until('its status says so', async () => ((await house.client.get(ref)).status as { draining?: boolean }).draining);
  house.fleet.answer('leaf-1');
  assert.ok(house.goal.scope('device/leaf-1').rows.has('port/E1/50'));
  house.fleet.answering = true;
  house.fleet.answerAll();
  await until('it is gone', async () => house.client.get(ref).then(() => undefined, () => true));
  await until('so are its rows', () => !house.goal.scope('device/leaf-1').rows.has('port/E1/50') || undefined);
});

test('a link that was being drained when the controller ended is let go by the next one', async (t) => {
  const house = await buildHouse({ devices });
  await createAll(house.client, [...smallFabric(), second]);
  await held(house);
  house.fleet.answering = false;
  await house.client.delete(ref);
  await until('it is drained', () => peerRow(house, 'leaf-1', 'E1/50')?.drained);
  await house.stop();
  const next = await buildHouse({ devices, store: house.store });
  t.after(() => next.stop());
  await until('it is gone', async () => next.client.get(ref).then(() => undefined, () => true));
});

test('a connection of a server is gone at once', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, smallFabric());
  const server = cluster('Connection', 'a1--leaf-1');
  const object = await waitFor(house.client, server, 'Programmed', 'True');
  assert.equal(object.metadata.finalizers, undefined);
  await house.client.delete(server);
  await assert.rejects(house.client.get(server), /not found/);
});

const parallel = connection('second', [['spine-1/E1/9', 'leaf-1/E1/50'], ['spine-1/E1/10', 'leaf-1/E1/51']]);
const change = async (house: Awaited<ReturnType<typeof buildHouse>>, links: typeof parallel): Promise<void> => {
  await house.client.update({ ...(await house.client.get(ref)), spec: links.spec });
};

test('a cable that is taken out of a connection is drained at both ends first, and the others are left alone', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), parallel]);
  await held(house);
  house.fleet.answering = false;
  await change(house, connection('second', [['spine-1/E1/9', 'leaf-1/E1/50']]));
  await until('it is drained', () => peerRow(house, 'leaf-1', 'E1/51')?.drained);
  assert.equal(peerRow(house, 'spine-1', 'E1/10')?.drained, true);
  assert.equal(peerRow(house, 'leaf-1', 'E1/50')?.drained, undefined);
  const waiting = await waitFor(house.client, ref, 'Programmed', 'False');
  const message = (waiting.status as { conditions: { type: string; message: string }[] }).conditions.find(({ type }) => type === 'Programmed')?.message;
  assert.match(message ?? '', /"spine-1\/E1\/10--leaf-1\/E1\/51", which was taken out/);
  house.fleet.answering = true;
  house.fleet.answerAll();
  await until('it is gone', () => !house.goal.scope('device/leaf-1').rows.has('port/E1/51') || undefined);
  assert.ok(house.goal.scope('device/leaf-1').rows.has('port/E1/50'));
  await waitFor(house.client, ref, 'Programmed', 'True');
});

test('a cable is not drained whose port is given to another meanwhile, nor one that comes back', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), parallel]);
  await held(house);
  house.fleet.answering = false;
  await change(house, connection('second', [['spine-1/E1/9', 'leaf-1/E1/50'], ['spine-1/E1/11', 'leaf-1/E1/51']]));
  await until('the other cable is there', () => peerRow(house, 'spine-1', 'E1/11'));
  assert.equal(peerRow(house, 'leaf-1', 'E1/51')?.drained, undefined);
  await change(house, connection('second', [['spine-1/E1/11', 'leaf-1/E1/51']]));
  await until('it is drained', () => peerRow(house, 'leaf-1', 'E1/50')?.drained);
  await change(house, connection('second', [['spine-1/E1/11', 'leaf-1/E1/51'], ['leaf-1/E1/50', 'spine-1/E1/9']]));
  await until('it is in use again', () => peerRow(house, 'leaf-1', 'E1/50')?.drained === undefined || undefined);
  house.fleet.answering = true;
  house.fleet.answerAll();
  await waitFor(house.client, ref, 'Programmed', 'True');
});

test('a cable that was being drained when the controller ended is drained on, and let go, by the next one', async (t) => {
  const house = await buildHouse({ devices });
  await createAll(house.client, [...smallFabric(), parallel]);
  await held(house);
  house.fleet.answering = false;
  await change(house, connection('second', [['spine-1/E1/9', 'leaf-1/E1/50']]));
  await until('it is drained', () => peerRow(house, 'leaf-1', 'E1/51')?.drained);
  await house.stop();
  const next = await buildHouse({ store: house.store });
  t.after(() => next.stop());
  assert.equal(peerRow(next, 'leaf-1', 'E1/51')?.drained, true);
  assert.equal(peerRow(next, 'leaf-1', 'E1/50')?.drained, undefined);
  for (const device of devices) next.fleet.connect(device);
  await until('it is gone', () => !next.goal.scope('device/leaf-1').rows.has('port/E1/51') || undefined);
  await until('and no more in use', async () => ((await next.client.get(ref)).status as { cables: unknown[] }).cables.length === 1);
});

test('a cable that is taken out while no controller runs is drained by the next one', async (t) => {
  const house = await buildHouse({ devices });
  await createAll(house.client, [...smallFabric(), parallel]);
  await held(house);
  await house.stop();
  await change(house, connection('second', [['spine-1/E1/10', 'leaf-1/E1/51']]));
  const next = await buildHouse({ store: house.store });
  t.after(() => next.stop());
  assert.equal(peerRow(next, 'leaf-1', 'E1/50')?.drained, true);
  assert.equal(peerRow(next, 'spine-1', 'E1/9')?.drained, true);
});

const linksTo = async ({ client }: Awaited<ReturnType<typeof buildHouse>>, device: string) =>
  (await client.list('Connection')).items.filter(({ spec }) => JSON.stringify(spec).includes(`"${device}/`));

const guarded = async (house: Awaited<ReturnType<typeof buildHouse>>, device: string): Promise<unknown> =>
  until('the device is held', async () => (await house.client.get(cluster('Switch', device))).metadata.finalizers?.includes(drainFinalizer));

test('a switch that is deleted with its links stays until they are drained, and says for which it waits', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), second]);
  await held(house);
  await guarded(house, 'leaf-1');
  house.fleet.answering = false;
  for (const { metadata } of await linksTo(house, 'leaf-1')) await house.client.delete(cluster('Connection', metadata.name));
  await house.client.delete(cluster('Switch', 'leaf-1'));
  await until('its links are drained', () => peerRow(house, 'spine-1', 'E1/9')?.drained);
  assert.equal(peerRow(house, 'leaf-1', 'E1/50')?.drained, true);
  const waiting = await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Draining', 'True');
  const { conditions } = waiting.status as { conditions: { type: string; message: string }[] };
  assert.match(conditions.find(({ type }) => type === 'Draining')?.message ?? '', /^it goes when these Connections have gone: .*"second"/);
  house.fleet.answering = true;
  house.fleet.answerAll();
  await until('it is gone', async () => house.client.get(cluster('Switch', 'leaf-1')).then(() => undefined, () => true));
  await assert.rejects(house.client.get(ref), /not found/);
});

test('a switch that no link leads to is gone at once', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), second]);
  await held(house);
  await guarded(house, 'leaf-1');
  for (const { metadata } of await linksTo(house, 'leaf-1')) await house.client.delete(cluster('Connection', metadata.name));
  await until('its links are gone', async () => (await linksTo(house, 'leaf-1')).length === 0);
  await house.client.delete(cluster('Switch', 'leaf-1'));
  await until('it is gone', async () => house.client.get(cluster('Switch', 'leaf-1')).then(() => undefined, () => true));
});
