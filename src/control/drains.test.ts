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
