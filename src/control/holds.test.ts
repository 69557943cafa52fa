/** What may be committed of a change, and what a held device keeps; without a controller around it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fabricDefaults } from '../api/kinds/fabric.ts';
import type { Row, RowId } from '../goal/rows.ts';
import { GoalState, type ScopeChange } from '../goal/state.ts';
import type { Vni } from '../net/brand.ts';
import { Holds, type Admission, type Hold } from './holds.ts';
import { rowLimit, type SafetyLimits } from './safety.ts';

const rowOf = (id: RowId): Row => {
  const cut = id.indexOf('/');
  const key = id.slice(cut + 1);
  if (id.startsWith('member/')) return { table: 'member', key, value: { scope: key } };
  return { table: 'vrf', key, value: { name: key, vni: 1 as Vni, description: '' } };
};

const rows = (count: number, from = 0): RowId[] => Array.from({ length: count }, (_, number) => `vrf/${from + number}`);

/** Holds over a goal state, and what should be there: scopes with row ids. */
class Bench {
  readonly goal = new GoalState();
  readonly wanted = new Map<string, Set<RowId>>();
  readonly tokens = new Set<string>();
  readonly holds: Holds;
  limits: SafetyLimits = fabricDefaults.safety;
  now = 1_000_000;

  constructor(scopes: Record<string, readonly RowId[]>) {
    this.holds = new Holds({
      goal: this.goal,
      fabricOf: () => ({ name: 'default', limits: this.limits }),
      allLimits: () => [this.limits],
      sizeOf: () => 20,
    });
    this.want(scopes);
  }

  /** Wants scopes to hold just these rows; commits what may be. */
  want(scopes: Record<string, readonly RowId[]>, removed: ReadonlySet<string> = new Set()): Admission {
    const changes = Object.entries(scopes).map(([scope, ids]): ScopeChange => {
      const before = this.wanted.get(scope) ?? new Set();
      const after = new Set(ids);
      this.wanted.set(scope, after);
      return { scope, upserts: [...after].filter((id) => !before.has(id)).map(rowOf), deletes: [...before].filter((id) => !after.has(id)) };
    });
    const all = this.allToken();
    const isAllowed = ({ token }: Hold): boolean => this.tokens.has(token) || this.tokens.has(all);
    const admission = this.holds.admit({ scopes: changes, removed, causesOf: (scope, row) => [`${scope} ${row}`], isAllowed }, this.now);
    this.goal.commit(admission.scopes);
    return admission;
  }

  allToken(): string {
    return [...this.holds.all()].map(({ token }) => token).join(' ') || 'none';
  }

  size(device: string): number {
    return this.goal.subscriptions(device).reduce((sum, scope) => sum + this.goal.scope(scope).rows.size, 0);
  }

  lacks(): string[] {
    return [...this.wanted].flatMap(([scope, ids]) => [...ids].filter((id) => !this.goal.scope(scope).rows.has(id)));
  }

  /** Rows that stay although nobody wants them. */
  withheld(): string[] {
    return [...this.goal.scopes()].flatMap((scope) =>
      [...this.goal.scope(scope).rows.keys()].filter((id) => this.wanted.get(scope)?.has(id) !== true).map((id) => `${scope} ${id}`),
    );
  }
}

test('a deletion of more than the limit stays out of goal state, and what else changes goes on', () => {
  const bench = new Bench({ 'device/a': rows(120), 'device/b': rows(120) });
  const { began } = bench.want({ 'device/a': [...rows(50), 'vrf/new'], 'device/b': rows(110) });
  assert.deepEqual(began.map(({ device, reason, rows: lost, of, limit }) => [device, reason, lost, of, limit]), [['a', 'TooManyRows', 70, 120, 60]]);
  assert.equal(bench.size('a'), 121);
  assert.equal(bench.size('b'), 110);
  assert.deepEqual(bench.lacks(), []);
});

test('while it is held, a small deletion more does not slip through, and is not lost', () => {
  const bench = new Bench({ 'device/a': rows(120) });
  bench.want({ 'device/a': rows(50) });
  bench.now += 120_000;
  bench.want({ 'device/a': rows(49) });
  assert.equal(bench.size('a'), 120);
  const token = bench.holds.get('a')?.token ?? '';
  bench.tokens.add(token);
  assert.deepEqual(bench.want({}).ended.map(({ why }) => why), ['Allowed']);
  assert.equal(bench.size('a'), 49);
});

test('an annotation that was left behind allows nothing of what comes next, not even the same again', () => {
  const bench = new Bench({ 'device/a': rows(120) });
  bench.want({ 'device/a': rows(50) });
  bench.tokens.add(bench.holds.get('a')?.token ?? '');
  bench.want({});
  bench.want({ 'device/a': rows(120) });
  bench.now += 1000;
  bench.want({ 'device/a': rows(50) });
  assert.equal(bench.size('a'), 120);
  bench.want({});
  assert.equal(bench.size('a'), 120);
});

test('more deletions than were seen are not allowed by the token that was seen', () => {
  const bench = new Bench({ 'device/a': rows(320) });
  bench.want({ 'device/a': rows(120) });
  bench.tokens.add(bench.holds.get('a')?.token ?? '');
  bench.want({ 'device/a': rows(10) });
  assert.equal(bench.size('a'), 320);
});

test('it ends when it is taken back, in part or as a whole, and when the limit is raised', () => {
  const bench = new Bench({ 'device/a': rows(120) });
  bench.want({ 'device/a': rows(50) });
  assert.deepEqual(bench.want({ 'device/a': rows(70) }).ended.map(({ why }) => why), ['WithinLimits']);
  assert.equal(bench.size('a'), 70);
  bench.want({ 'device/a': rows(120) });
  bench.want({ 'device/a': rows(30) });
  assert.equal(bench.size('a'), 120);
  bench.limits = { ...bench.limits, maxDeletedPercent: 90 };
  bench.want({});
  assert.equal(bench.size('a'), 30);
});

test('it ends when nothing is left of it, whatever went shortly before it', () => {
  const bench = new Bench({ 'device/a': rows(120) });
  bench.want({ 'device/a': rows(65) });
  bench.want({ 'device/a': rows(55) });
  assert.equal(bench.size('a'), 65);
  bench.want({ 'device/a': rows(65) });
  assert.equal(bench.holds.size, 0);
});

test('many small deletions within the window count as one, and waiting does not end what is held', () => {
  const bench = new Bench({ 'device/a': rows(120) });
  for (let left = 119; left >= 0; left--) {
    bench.now += 100;
    bench.want({ 'device/a': rows(left) });
  }
  assert.equal(bench.size('a'), 60);
  bench.now += 3_600_000;
  bench.want({ 'device/b': rows(1) });
  assert.equal(bench.size('a'), 60);
});

test('deletions that are far apart are no mass deletion, nor is what is made anew again and again', () => {
  const bench = new Bench({ 'device/a': rows(120) });
  for (let left = 119; left >= 10; left--) {
    bench.now += 30_000;
    bench.want({ 'device/a': rows(left) });
  }
  assert.equal(bench.size('a'), 10);
  for (let life = 0; life < 100; life++) {
    bench.want({ 'device/a': [...rows(10), ...rows(20, 100 * life + 1000), `member/vpc/${life}`], [`vpc/${life}`]: rows(5) });
    bench.want({ 'device/a': rows(10), [`vpc/${life}`]: [] });
  }
  assert.equal(bench.size('a'), 10);
});

test('a device that is to leave a large scope loses all of it', () => {
  const bench = new Bench({ 'device/a': [...rows(10), 'member/vpc/1'], 'vpc/1': rows(100) });
  bench.want({ 'device/a': rows(10) });
  assert.deepEqual(bench.goal.devicesOf('vpc/1'), ['a']);
  assert.equal(bench.holds.get('a')?.rows, 101);
});

test('of a scope that a held device shares nobody loses rows, and others get theirs back by nobody', () => {
  const shared = { 'vpc/1': rows(100), 'device/a': [...rows(9), 'member/vpc/1'], 'device/b': [...rows(900), 'member/vpc/1'] };
  const bench = new Bench(shared);
  bench.want({ 'vpc/1': rows(10) });
  assert.equal(bench.holds.get('b'), undefined);
  assert.equal(bench.goal.scope('vpc/1').rows.size, 100);
  bench.tokens.add(bench.allToken());
  bench.want({});
  assert.equal(bench.goal.scope('vpc/1').rows.size, 10);
});

test('the last row never goes by itself, however much is permitted', () => {
  const bench = new Bench({ 'device/a': rows(3) });
  bench.limits = { ...bench.limits, maxDeletedPercent: 100 };
  bench.want({ 'device/a': [] });
  assert.equal(bench.holds.get('a')?.reason, 'EmptyGoal');
  assert.equal(bench.size('a'), 3);
  bench.tokens.add(bench.holds.get('a')?.token ?? '');
  bench.want({});
  assert.equal(bench.size('a'), 0);
});

test('too many Switches that are deleted stay, and go when that is allowed', () => {
  const names = Array.from({ length: 11 }, (_, number) => `s${number}`);
  const bench = new Bench(Object.fromEntries(names.map((name) => [`device/${name}`, rows(60)])));
  const none = Object.fromEntries(names.map((name) => [`device/${name}`, []]));
  assert.equal(bench.want(none, new Set(names)).kept.size, 11);
  assert.equal(bench.size('s3'), 60);
  bench.tokens.add(bench.allToken());
  assert.equal(bench.want({}, new Set(names)).kept.size, 0);
  assert.equal(bench.size('s3'), 0);
});

test('Switches that are deleted one by one count together', () => {
  const names = Array.from({ length: 15 }, (_, number) => `s${number}`);
  const bench = new Bench(Object.fromEntries(names.map((name) => [`device/${name}`, rows(60)])));
  const kept = new Set<string>();
  for (const name of names) {
    bench.now += 1000;
    for (const device of bench.want({ [`device/${name}`]: [] }, new Set([...kept, name])).kept) kept.add(device);
  }
  assert.equal(kept.size, 5);
});

const scopes = ['device/a', 'device/b', 'device/c', 'vpc/1', 'vpc/2'];
const someRows = (scope: string): fc.Arbitrary<RowId[]> => {
  const size = fc.constantFrom(0, 1, 5, 20, 40, 100).map((count) => rows(count));
  const members = scope.startsWith('device/') ? fc.subarray(['member/vpc/1', 'member/vpc/2']) : fc.constant([]);
  return fc.tuple(size, members).map(([plain, shared]) => [...plain, ...shared]);
};
const anyWish = fc.record(Object.fromEntries(scopes.map((scope) => [scope, someRows(scope)])), { requiredKeys: [] });
const anyStep = fc.record({ wish: anyWish, wait: fc.constantFrom(0, 10_000, 100_000), allow: fc.constantFrom('a', 'b', 'c', undefined) });

test('a device never loses more at once than it may, a held one loses nothing, and in the end all is as wanted', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      const bench = new Bench({});
      /** Devices on which something was allowed: from then on that need not count. */
      const free = new Set<string>();
      for (const { wish, wait, allow } of steps) {
        bench.now += wait;
        const token = allow === undefined ? undefined : bench.holds.get(allow)?.token;
        if (token !== undefined) bench.tokens.add(token);
        const before = new Map(['a', 'b', 'c'].map((device) => [device, idsOf(bench, device)]));
        const { ended } = bench.want(wish as Record<string, RowId[]>);
        for (const { hold, why } of ended) if (why === 'Allowed') free.add(hold.device);
        for (const [device, ids] of before) {
          const after = new Set(idsOf(bench, device));
          const lost = ids.filter((id) => !after.has(id)).length;
          if (bench.holds.get(device) !== undefined) assert.equal(lost, 0);
          else if (free.size === 0) assert.ok(lost <= rowLimit(ids.length, bench.limits), `${device} lost ${lost} of ${ids.length}`);
        }
        assert.deepEqual(bench.lacks(), []);
        if (bench.holds.size === 0) assert.deepEqual(bench.withheld(), []);
      }
      for (let round = 0; bench.holds.size > 0; round++) {
        assert.ok(round < 10, 'what is allowed goes');
        for (const { token } of bench.holds.all()) bench.tokens.add(token);
        bench.want({});
      }
      assert.deepEqual(bench.withheld(), []);
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  );
});

const idsOf = ({ goal }: Bench, device: string): string[] =>
  goal.subscriptions(device).flatMap((scope) => [...goal.scope(scope).rows.keys()].map((id) => `${scope} ${id}`));
