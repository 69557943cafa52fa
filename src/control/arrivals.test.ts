import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabricDefaults } from '../api/kinds/fabric.ts';
import { smallFabric } from '../compile/fixture.ts';
import { deviceScope } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import { until } from '../kit/testing.ts';
import { Arrivals, type Review } from './arrivals.ts';
import type { SafetyLimits } from './safety.ts';
import { buildHouse, cluster, createAll, waitFor } from './testing.ts';

const standard: SafetyLimits = fabricDefaults.safety;

/** Devices are named `<fabric>-<number>`; of each fabric there are twenty, and none is declared yet. */
const arrivalsOf = (limits: Record<string, SafetyLimits> = {}): Arrivals =>
  new Arrivals({
    goal: new GoalState(),
    fabricOf: (device) => {
      const name = device.slice(0, device.indexOf('-'));
      return { name, limits: limits[name] ?? standard };
    },
    sizeOf: () => 20,
  });

const comeFrom = (arrivals: Arrivals, fabric: string, numbers: readonly number[], now: number): Review => {
  for (const number of numbers) arrivals.came(`${fabric}-${number}`, 100);
  return arrivals.review({ devices: new Set(), isAllowed: () => false, now });
};

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

test('a device that gets its first goal state later than it came is held before anything is sent to it', async (t) => {
  const house = await buildHouse();
  t.after(() => house.stop());
  const { client, fleet, goal } = house;
  const objects = smallFabric();
  await createAll(client, objects.filter(({ kind }) => kind !== 'SwitchProfile'));
  await until('the Switch is declared', async () => fleet.declared?.has('leaf-1'));
  assert.equal(goal.scope('device/leaf-1').version, 0);
  fleet.connect('leaf-1', 'boot-1', 500);
  let held: boolean | undefined;
  const { publish } = fleet;
  fleet.publish = (changed) => {
    if (changed.some(({ scope }) => scope === 'device/leaf-1')) held ??= fleet.held.has('leaf-1');
    publish.call(fleet, changed);
  };
  await createAll(client, objects.filter(({ kind }) => kind === 'SwitchProfile'));
  await waitFor(client, cluster('Switch', 'leaf-1'), 'Held', 'True', 'TooManyRows');
  assert.equal(held, true);
});

test('what devices of one fabric lose is nothing to those of another', () => {
  const arrivals = arrivalsOf();
  assert.deepEqual(comeFrom(arrivals, 'east', numbers(0, 10), 1000).began, []);
  assert.deepEqual(comeFrom(arrivals, 'west', numbers(0, 10), 2000).began, []);
  assert.equal(comeFrom(arrivals, 'west', [10], 3000).began.length, 1);
});

test('a fabric with a short window does not shorten that of another', () => {
  const arrivals = arrivalsOf({ east: { ...standard, windowSeconds: 600 }, west: { ...standard, windowSeconds: 1 } });
  comeFrom(arrivals, 'east', numbers(0, 10), 1000);
  comeFrom(arrivals, 'west', [0], 60_000);
  assert.equal(comeFrom(arrivals, 'east', [10], 61_000).began.length, 1);
});

test('a device that was held and comes back with nothing is held no more', () => {
  const goal = new GoalState();
  goal.commit([{ scope: deviceScope('leaf-1'), upserts: [{ table: 'member', key: 'vpc/1', value: { scope: 'vpc/1' } }], deletes: [] }]);
  const arrivals = new Arrivals({ goal, fabricOf: () => ({ name: 'default', limits: standard }), sizeOf: () => 1 });
  const review = (): Review => arrivals.review({ devices: new Set(['leaf-1']), isAllowed: () => false, now: 1000 });
  arrivals.came('leaf-1', 500);
  assert.deepEqual(review().began.map(({ reason }) => reason), ['TooManyRows']);
  arrivals.came('leaf-1', 0);
  assert.deepEqual(review().ended.map(({ why }) => why), ['WithinLimits']);
  assert.deepEqual(arrivals.devices(), new Set());
});
