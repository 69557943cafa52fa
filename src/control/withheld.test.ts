/** Rows that are not committed yet: whatever is withheld, released and undone in any order, nothing is lost and nothing is kept for ever. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { same } from '../compile/same.ts';
import { rowId, type Row, type RowId } from '../goal/rows.ts';
import { GoalState, type ScopeChange } from '../goal/state.ts';
import type { Vni } from '../net/brand.ts';
import { Withheld, type Reason, type Stays } from './withheld.ts';

const rowOf = (key: string, vni: number): Row => ({ table: 'vrf', key, value: { name: key, vni: vni as Vni, description: '' } });

/** A goal state, what is wanted of it, and what is withheld; `owner` of a row is the first letter of its key. */
class Bench {
  readonly goal = new GoalState();
  readonly wanted = new Map<string, Map<RowId, Row>>();
  readonly withheld = new Withheld(this.goal);
  #now = 0;

  /** Wants these rows of a scope to be so, and lets of the candidate stay what `keeps` names. Answers the versions that were made. */
  want(scope: string, rows: readonly (readonly [key: string, vni: number | undefined])[], keeps: (id: RowId, scope: string) => Reason | undefined = () => undefined): ScopeChange[] {
    const wanted = this.wanted.get(scope) ?? new Map<RowId, Row>();
    this.wanted.set(scope, wanted);
    const upserts = rows.flatMap(([key, vni]) => (vni === undefined ? [] : [rowOf(key, vni)]));
    const deletes = rows.flatMap(([key, vni]) => (vni === undefined && wanted.delete(`vrf/${key}`) ? [`vrf/${key}`] : []));
    for (const row of upserts) wanted.set(rowId(row), row);
    return this.publish([{ scope, upserts, deletes }], keeps);
  }

  publish(changes: readonly ScopeChange[], keeps: (id: RowId, scope: string) => Reason | undefined = () => undefined): ScopeChange[] {
    const partiesOf = (_: string, id: RowId) => ({ owners: [id.slice(4, 5)], objects: [id.slice(4, 5)] });
    const candidate = this.withheld.candidate(changes, partiesOf);
    const { going } = this.withheld.settle(candidate, staysOf(candidate, keeps), partiesOf, (this.#now += 1));
    this.goal.commit(going);
    this.withheld.committed();
    return [...going];
  }

  /** Rows that are not as they are wanted. */
  differences(): string[] {
    const found: string[] = [];
    for (const scope of new Set([...this.wanted.keys(), ...this.goal.scopes()])) {
      const { rows } = this.goal.scope(scope);
      const wanted = this.wanted.get(scope) ?? new Map<RowId, Row>();
      for (const id of new Set([...rows.keys(), ...wanted.keys()])) if (!same(rows.get(id), wanted.get(id))) found.push(`${scope} ${id}`);
    }
    return found.toSorted();
  }

  names(): string[] {
    return [...this.withheld.all()].map(({ scope, id }) => `${scope} ${id}`).toSorted();
  }
}

const staysOf = (candidate: readonly ScopeChange[], keeps: (id: RowId, scope: string) => Reason | undefined): Stays => {
  const stays = new Map<string, Map<RowId, Reason>>();
  for (const { scope, upserts, deletes } of candidate) {
    for (const id of [...deletes, ...upserts.map(rowId)]) {
      const reason = keeps(id, scope);
      if (reason !== undefined) stays.set(scope, (stays.get(scope) ?? new Map<RowId, Reason>()).set(id, reason));
    }
  }
  return stays;
};

const unproven = (...ids: string[]) => (id: RowId): Reason | undefined => (ids.includes(id) ? 'Unproven' : undefined);

describe('rows that are withheld', () => {
  test('an upsert and a delete stay, what else changes goes on, and a release commits both as one version', () => {
    const bench = new Bench();
    bench.want('s', [['a1', 1], ['a2', 1], ['b1', 1]]);
    bench.want('s', [['a1', undefined], ['a2', 2], ['b1', 2]], unproven('vrf/a1', 'vrf/a2'));
    assert.deepEqual(bench.names(), ['s vrf/a1', 's vrf/a2']);
    assert.deepEqual(bench.differences(), bench.names());
    const { version } = bench.goal;
    assert.equal(bench.withheld.release(({ owners }) => owners.includes('a')), 2);
    bench.publish([]);
    assert.equal(bench.goal.version, version + 1);
    assert.deepEqual(bench.differences(), []);
    assert.equal(bench.withheld.size, 0);
  });

  test('a change of an object brings all that is unproven of it, as it is wanted now', () => {
    const bench = new Bench();
    bench.want('s', [['a1', 1]], unproven('vrf/a1'));
    bench.want('t', [['a2', 1], ['b1', 1]], unproven('vrf/a1', 'vrf/a2'));
    bench.want('t', [['b2', 1]]);
    assert.deepEqual(bench.names(), ['s vrf/a1', 't vrf/a2'], 'a change of another object brings nothing of it');
    const [first, second] = bench.want('t', [['a2', 7]]);
    assert.deepEqual([first, second].map((change) => change?.scope).toSorted(), ['s', 't']);
    assert.deepEqual(bench.differences(), []);
  });

  test('what is wanted again as it is, is not withheld any more', () => {
    const bench = new Bench();
    bench.want('s', [['a1', 1]]);
    bench.want('s', [['a1', 2]], unproven('vrf/a1'));
    bench.want('s', [['a1', 1]], unproven('vrf/a1'));
    assert.deepEqual(bench.names(), []);
    bench.want('s', [['a2', 1]], unproven('vrf/a2'));
    bench.want('s', [['a2', undefined]], unproven('vrf/a2'));
    assert.deepEqual(bench.names(), []);
  });

  test('since when a row is withheld is kept for as long as the reason is the same', () => {
    const bench = new Bench();
    bench.want('s', [['a1', 1]], unproven('vrf/a1'));
    const since = bench.withheld.get('s', 'vrf/a1')?.since;
    bench.want('s', [['a1', 2]], unproven('vrf/a1'));
    assert.equal(bench.withheld.get('s', 'vrf/a1')?.since, since);
    bench.want('s', [['a1', 2]], () => 'Staged');
    assert.notEqual(bench.withheld.get('s', 'vrf/a1')?.since, since);
  });

  test('staged rows wait for their wave though their object changes', () => {
    const bench = new Bench();
    bench.want('s', [['a1', 1]], () => 'Staged');
    bench.want('t', [['a2', 1]]);
    assert.deepEqual(bench.names(), ['s vrf/a1']);
    bench.withheld.release(({ reason, scope }) => reason === 'Staged' && scope === 's');
    bench.publish([]);
    assert.deepEqual(bench.differences(), []);
  });

  test('rows that are undone are what they were, until they are released or something else is wanted of them', () => {
    const bench = new Bench();
    bench.want('s', [['a1', 1], ['a2', 1], ['a3', 1]]);
    bench.want('s', [['a1', 2], ['a2', undefined], ['a3', 2], ['a4', 2]], (id) => (id === 'vrf/a3' ? 'Staged' : undefined));
    bench.withheld.undo([{ scope: 's', upserts: [rowOf('a1', 1), rowOf('a2', 1), rowOf('a3', 1)], deletes: ['vrf/a4'] }]);
    bench.publish([]);
    assert.deepEqual([...bench.goal.scope('s').rows.values()].map(({ key, value }) => [key, 'vni' in value && value.vni]).toSorted(), [['a1', 1], ['a2', 1], ['a3', 1]]);
    assert.deepEqual([...bench.withheld.all()].map(({ id, reason }) => `${id} ${reason}`).toSorted(), ['vrf/a1 Undone', 'vrf/a2 Undone', 'vrf/a3 Undone', 'vrf/a4 Undone']);
    bench.want('s', [['a1', 3]]);
    assert.deepEqual(bench.names(), ['s vrf/a2', 's vrf/a3', 's vrf/a4']);
    bench.withheld.release(() => true);
    bench.publish([]);
    assert.deepEqual(bench.differences(), []);
  });

  test('an undo that is refused leaves what is wanted', () => {
    const bench = new Bench();
    bench.want('s', [['a1', 1]]);
    bench.want('s', [['a1', 2]]);
    bench.withheld.undo([{ scope: 's', upserts: [rowOf('a1', 1)], deletes: [] }]);
    bench.publish([], () => 'Unproven');
    assert.deepEqual(bench.names(), []);
    assert.deepEqual(bench.differences(), []);
  });
});

const anyKey = fc.constantFrom('a1', 'a2', 'b1', 'b2', 'c1');
const anyScope = fc.constantFrom('s', 't');
const anyReason = fc.constantFrom<Reason | undefined>('Unproven', 'Staged', undefined, undefined);
const anyStep = fc.oneof(
  fc.record({
    type: fc.constant('want' as const),
    scope: anyScope,
    rows: fc.array(fc.tuple(anyKey, fc.constantFrom(1, 2, undefined)), { maxLength: 3 }),
    keeps: fc.array(anyReason, { minLength: 5, maxLength: 5 }),
  }),
  fc.record({ type: fc.constant('release' as const), owner: fc.constantFrom('a', 'b', 'c'), keeps: fc.array(anyReason, { minLength: 5, maxLength: 5 }) }),
  fc.record({ type: fc.constant('undo' as const), scope: anyScope, key: anyKey, vni: fc.constantFrom(1, 2, undefined), keeps: fc.array(anyReason, { minLength: 5, maxLength: 5 }) }),
);

test('goal state differs from what is wanted in just the rows that are withheld, whatever happens, and in none when all are released', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      const bench = new Bench();
      for (const step of steps) {
        const keeps = (id: RowId): Reason | undefined => step.keeps[['vrf/a1', 'vrf/a2', 'vrf/b1', 'vrf/b2', 'vrf/c1'].indexOf(id)];
        if (step.type === 'want') bench.want(step.scope, step.rows, keeps);
        if (step.type === 'release') bench.withheld.release(({ owners }) => owners.includes(step.owner));
        if (step.type === 'undo') {
          const { scope, key, vni } = step;
          bench.withheld.undo([{ scope, upserts: vni === undefined ? [] : [rowOf(key, vni)], deletes: vni === undefined ? [`vrf/${key}`] : [] }]);
        }
        if (step.type !== 'want') bench.publish([], keeps);
        for (const name of bench.differences()) assert.ok(bench.names().includes(name), `${name} differs for no reason`);
        for (const { scope, id, wanted, objects } of bench.withheld.all()) {
          assert.deepEqual(wanted, bench.wanted.get(scope)?.get(id), 'what is wanted now is remembered');
          assert.ok(objects.every((object) => bench.withheld.objectsIn(scope).has(object)));
        }
      }
      bench.withheld.release(() => true);
      bench.publish([]);
      assert.deepEqual(bench.differences(), []);
      assert.equal(bench.withheld.size, 0);
      assert.deepEqual([...bench.withheld.of('a')], []);
    }),
    { numRuns: 300 },
  );
});
