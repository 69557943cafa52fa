import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Resource } from '../api/object.ts';
import { smallFabric } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, conditionOf, createAll, waitFor, type House } from './testing.ts';

const spine = cluster('Switch', 'spine-1');

const build = async (t: TestContext): Promise<House> => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
  t.after(() => house.stop());
  await createAll(house.client, smallFabric());
  await waitFor(house.client, spine, 'Programmed', 'True', 'Programmed');
  return house;
};

const said = async ({ client }: House): Promise<string> => {
  const object = await client.get(spine);
  const condition = conditionOf(object, 'Underlay');
  return `${(object.status as { sessions?: string }).sessions} ${condition?.status} ${condition?.reason}: ${condition?.message}`;
};
const becomes = (house: House, expected: RegExp): Promise<unknown> =>
  until(`${expected}`, async () => {
    const now = await said(house);
    return expected.test(now) ? now : undefined;
  });
const eventsOf = async ({ client }: House): Promise<string[]> => {
  const { items } = await client.list('Event');
  return items.map((item) => item as Resource & { readonly reason: string; readonly message: string }).filter(({ reason }) => reason.startsWith('Session'))
    .map(({ reason, message }) => `${reason}: ${message}`);
};

describe('sessions between devices', () => {
  test('are counted in the status, one that is down is named there, and its fall and return are events', async (t) => {
    const house = await build(t);
    house.fleet.tellSessions('spine-1', { 'E1/1': false, 'E1/2': true });
    await becomes(house, /^1\/2 False SessionDown: 1 of 2 sessions down: E1\/1 \(leaf-1\/E1\/49\)$/);
    house.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/2': true });
    await becomes(house, /^2\/2 True Established: all 2 sessions are established$/);
    assert.deepEqual(await eventsOf(house), [], 'that a session comes up the first time is no news');
    house.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/2': false });
    await becomes(house, /^1\/2 False SessionDown: 1 of 2 sessions down: E1\/2 \(leaf-2\/E1\/49\)$/);
    await until('it is an event', async () => (await eventsOf(house)).length === 1);
    house.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/2': true });
    await until('and its return', async () => (await eventsOf(house)).length === 2);
    assert.deepEqual(new Set(await eventsOf(house)), new Set([
      'SessionDown: the BGP session over E1/2 (leaf-2/E1/49) is down', 'SessionUp: the BGP session over E1/2 (leaf-2/E1/49) is established',
    ]));
  });

  test('that fall and are back within a moment are no news, and a device that says the same again neither', async (t) => {
    const house = await build(t);
    house.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/2': true });
    await becomes(house, /^2\/2 True/);
    const written = t.mock.method(house.client, 'patchStatus');
    house.fleet.tellSessions('spine-1', { 'E1/1': false, 'E1/2': true });
    house.fleet.tellSessions('spine-1', { 'E1/2': true, 'E1/1': true });
    house.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/2': true });
    house.fleet.tellSessions('leaf-1', { 'E1/49': true });
    await until('another is told', async () => (await house.client.get(cluster('Switch', 'leaf-1')).then(({ status }) => (status as { sessions?: string }).sessions)) === '1/1');
    assert.deepEqual(written.mock.calls.map(({ arguments: [{ name }] }) => name).filter((name) => name === 'spine-1'), []);
    assert.deepEqual(await eventsOf(house), []);
  });

  test('are unknown while nobody can tell, are not said of a device that never told, and count only where goal state has them', async (t) => {
    const house = await build(t);
    assert.match(await said(house), /^undefined undefined undefined/);
    house.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/7': false });
    await becomes(house, /^1\/1 True Established: the session is established$/);
    house.fleet.disconnect('spine-1');
    await becomes(house, /Unknown NotConnected/);
    house.fleet.connect('spine-1');
    await becomes(house, /^1\/1 True Established/);
  });

  test('are not doubted because a controller has just started', async (t) => {
    const first = await build(t);
    first.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/2': true });
    await becomes(first, /^2\/2 True/);
    await first.stop();
    const second = await buildHouse({ store: first.store, devices: ['spine-1'], patienceMilliseconds: 60_000 });
    t.after(() => second.stop());
    const written = t.mock.method(second.client, 'patchStatus');
    second.fleet.tellSessions('spine-1', { 'E1/1': true, 'E1/2': false });
    await becomes(second, /^1\/2 False SessionDown/);
    const said = written.mock.calls.filter(({ arguments: [{ name }] }) => name === 'spine-1').map(({ arguments: [, patch] }) => JSON.stringify(patch));
    assert.deepEqual(said.filter((patch) => patch.includes('NotHeard')), []);
  });
});
