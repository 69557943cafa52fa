import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fabricDefaults } from '../api/kinds/fabric.ts';
import { deviceScope, type Row, type RowId } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import type { Vni } from '../net/brand.ts';
import { RecentLosses } from './recent.ts';
import { isHit, type SafetyLimits } from './safety.ts';
import { type Outlook, suspectsIn } from './suspects.ts';

const standard: SafetyLimits = fabricDefaults.safety;
const now = 1_000_000;
const vrf = (number: number): Row => ({ table: 'vrf', key: `${number}`, value: { name: 'x', vni: 1 as Vni, description: '' } });
const rows = (count: number): Row[] => Array.from({ length: count }, (_, number) => vrf(number));
const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });
const going = (count: number): ReadonlyMap<RowId, never> =>
  new Map(Array.from({ length: count }, (_, number) => [`vrf/${number}` as RowId, undefined as never]));

/** Counts the devices that are looked at one by one. */
class Watched extends GoalState {
  looks = 0;

  override subscriptions(device: string): readonly string[] {
    this.looks += 1;
    return super.subscriptions(device);
  }
}

const fabricOf = (devices: number, scopes: number, rowsOfScope: number): Watched => {
  const goal = new Watched();
  const shared = Array.from({ length: scopes }, (_, number) => `vpc/${number}`);
  goal.commit([
    ...shared.map((scope) => ({ scope, upserts: rows(rowsOfScope), deletes: [] })),
    ...Array.from({ length: devices }, (_, device) => ({ scope: deviceScope(`d${device}`), upserts: shared.map(member), deletes: [] })),
  ]);
  goal.looks = 0;
  return goal;
};
const outlook = (goal: GoalState, doomed: Outlook['doomed'], recent = new RecentLosses()): Outlook => ({
  goal, recent, doomed, now, limitsOf: () => standard, allLimits: [standard],
});

test('a few rows of a large scope are nothing to look at, however many devices hold it', () => {
  const goal = fabricOf(500, 3, 400);
  assert.deepEqual(suspectsIn(['vpc/1'], outlook(goal, new Map([['vpc/1', going(20)]]))), new Set());
  assert.equal(goal.looks, 0);
});

test('of a small scope devices are looked at, and those are suspects of which it is a good part', () => {
  const goal = fabricOf(5, 1, 20);
  goal.commit([{ scope: 'device/d3', upserts: rows(200), deletes: [] }]);
  const found = suspectsIn(['vpc/0'], outlook(goal, new Map([['vpc/0', going(12)]])));
  assert.deepEqual(found, new Set(['d0', 'd1', 'd2', 'd4']));
});

test('what went lately counts, and what went before the window does not', () => {
  const goal = fabricOf(2, 2, 400);
  const recent = new RecentLosses();
  recent.lost('vpc/0', 100, now - 1000 * standard.windowSeconds - 1);
  const doomed = new Map([['vpc/1', going(1)]]);
  assert.deepEqual(suspectsIn(['vpc/1'], outlook(goal, doomed, recent)), new Set());
  recent.lost('vpc/0', 50, now - 1);
  assert.deepEqual(suspectsIn(['vpc/1'], outlook(goal, doomed, recent)), new Set(['d0', 'd1']));
});

const scopes = ['vpc/0', 'vpc/1', 'vpc/2'];
const devices = ['a', 'b', 'c', 'd'];
const counts = (largest: number): fc.Arbitrary<Record<string, number>> =>
  fc.record(Object.fromEntries(scopes.map((scope) => [scope, fc.nat(largest)])));
const anyLimits = fc
  .record({ minDeletedRows: fc.constantFrom(0, 5, 50), windowSeconds: fc.constantFrom(0, 60) })
  .map((limits) => ({ ...standard, ...limits }));

test('no device is missed that a look at each of them finds', () => {
  const members = fc.record(Object.fromEntries(devices.map((device) => [device, fc.subarray(scopes)])));
  const limits = fc.record(Object.fromEntries(devices.map((device) => [device, anyLimits])));
  fc.assert(
    fc.property(members, limits, counts(300), counts(60), counts(60), fc.subarray(scopes), (held, limitsOf, sizes, doomedOf, lost, changed) => {
      const goal = new GoalState();
      for (const scope of scopes) goal.commit([{ scope, upserts: rows(sizes[scope] ?? 0), deletes: [] }]);
      for (const device of devices) goal.commit([{ scope: deviceScope(device), upserts: (held[device] ?? []).map(member), deletes: [] }]);
      const goingIn = (scope: string): number => Math.min(doomedOf[scope] ?? 0, sizes[scope] ?? 0);
      const doomed = new Map(scopes.filter((scope) => goingIn(scope) > 0).map((scope) => [scope, going(goingIn(scope))]));
      const recent = new RecentLosses();
      for (const scope of scopes) recent.lost(scope, lost[scope] ?? 0, now - 30_000);
      const of = (device: string): SafetyLimits => limitsOf[device] ?? standard;
      const found = suspectsIn(changed, { goal, recent, doomed, now, limitsOf: of, allLimits: devices.map(of) });
      for (const device of devices) {
        const mine = held[device] ?? [];
        if (!mine.some((scope) => changed.includes(scope) && doomed.has(scope))) continue;
        const lately = of(device).windowSeconds === 0 ? 0 : mine.reduce((sum, scope) => sum + (lost[scope] ?? 0), 0);
        const all = lately + mine.reduce((sum, scope) => sum + goingIn(scope), 0);
        const had = lately + goal.subscriptions(device).reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);
        const isNear = all > of(device).minDeletedRows || isHit({ rows: all, of: had, isolated: false });
        if (isNear) assert.ok(found.has(device), `${device} would lose ${all} of ${had}`);
      }
    }),
    { numRuns: 500 },
  );
});
