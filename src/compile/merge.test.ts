/** The goal table against the plainest model of it: who said what last, looked through from scratch. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refKey, type ObjectRef } from '../api/object.ts';
import { rowId, type Row, type RowId } from '../goal/rows.ts';
import type { Vni } from '../net/brand.ts';
import { GoalTable, type Contributor, type Merged } from './merge.ts';
import type { ScopedRow } from './view.ts';

const refs: readonly ObjectRef[] = ['a', 'b', 'c', 'd'].map((name) => ({ kind: 'VPC', namespace: '', name }));
const scopes = ['vpc/1', 'vpc/2'];

const scopedRow: fc.Arbitrary<ScopedRow> = fc
  .record({ scope: fc.constantFrom(...scopes), key: fc.constantFrom('k', 'l', 'm'), vni: fc.nat(1), from: fc.subarray([...refs]) })
  .map(({ scope, key, vni, from }) => ({ scope, from, row: { table: 'vrf', key, value: { name: key, vni: vni as Vni, description: '' } } }));

const place = ({ scope, row }: ScopedRow): string => `${scope} ${rowId(row)}`;

interface Step {
  readonly owner: number;
  readonly translator: string;
  readonly age: number;
  readonly rows: readonly ScopedRow[];
  /** How many of the rows before are handed in again, as the very same. */
  readonly kept: number;
  readonly publish: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  owner: fc.nat(refs.length - 1),
  translator: fc.constantFrom('one', 'two'),
  age: fc.nat(1),
  rows: fc.uniqueArray(scopedRow, { maxLength: 4, selector: place }),
  kept: fc.nat(3),
  publish: fc.boolean(),
});

interface Said {
  readonly contributor: Contributor;
  readonly rows: readonly ScopedRow[];
}

interface Claim {
  readonly contributor: Contributor;
  readonly scoped: ScopedRow;
}

/** Who says what, and what follows from it. */
class Model {
  readonly said = new Map<string, Said>();

  take({ owner, translator, age, rows, kept }: Step, table: GoalTable): void {
    const ref = refs[owner];
    assert.ok(ref);
    const before = this.said.get(`${owner} ${translator}`)?.rows ?? [];
    const same = before.slice(0, kept);
    const places = new Set(same.map(place));
    const after = [...same, ...rows.filter((row) => !places.has(place(row)))];
    // Two translators of one object have its age.
    const contributor = { owner: ref, translator, age: `${age} ${ref.name}` };
    for (const [key, each] of this.said) {
      if (each.contributor.owner !== ref || key === `${owner} ${translator}`) continue;
      const aged = { ...each.contributor, age: contributor.age };
      table.replace(aged, each.rows, each.rows);
      this.said.set(key, { ...each, contributor: aged });
    }
    table.replace(contributor, before, after);
    this.said.set(`${owner} ${translator}`, { contributor, rows: after });
  }

  /** By place, the oldest first. */
  claims(): Map<string, Claim[]> {
    const claims = new Map<string, Claim[]>();
    for (const { contributor, rows } of this.said.values()) {
      for (const scoped of rows) claims.set(place(scoped), [...(claims.get(place(scoped)) ?? []), { contributor, scoped }]);
    }
    const order = ({ contributor: { age, translator } }: Claim): string => `${age} ${translator}`;
    for (const each of claims.values()) each.sort((left, right) => (order(left) < order(right) ? -1 : 1));
    return claims;
  }

  published(): Map<string, Row> {
    return new Map([...this.claims()].flatMap(([at, [first]]) => (first === undefined ? [] : [[at, first.scoped.row]])));
  }

  /** Of each object: scopes in which it has a part. */
  parts(): Map<string, string[]> {
    const parts = new Map<string, Set<string>>(refs.map((ref) => [refKey(ref), new Set()]));
    for (const { contributor, rows } of this.said.values()) {
      for (const { scope, from } of rows) for (const ref of [contributor.owner, ...from]) parts.get(refKey(ref))?.add(scope);
    }
    return new Map([...parts].map(([key, names]) => [key, [...names].sort()]));
  }

  /** Places where an object disagrees with the oldest, or is the oldest that is disagreed with. */
  disputes(ref: ObjectRef): string[] {
    return [...this.claims()].flatMap(([at, [first, ...others]]) => {
      const losers = others.filter(({ scoped }) => JSON.stringify(scoped.row) !== JSON.stringify(first?.scoped.row));
      const parties = losers.length === 0 ? [] : [first, ...losers].map((claim) => claim?.contributor.owner);
      return parties.includes(ref) ? [at] : [];
    });
  }
}

const check = (table: GoalTable, model: Model): void => {
  const published = model.published();
  for (const scope of scopes) {
    const wanted = [...published].filter(([at]) => at.startsWith(`${scope} `)).map(([, row]) => row);
    assert.deepEqual(table.rows(scope), wanted.sort((left, right) => (left.key < right.key ? -1 : 1)));
  }
  for (const [at, claims] of model.claims()) {
    const [scope = '', id = ''] = at.split(' ');
    const wanted = new Set(claims.flatMap(({ contributor, scoped }) => [contributor.owner, ...scoped.from].map(refKey)));
    assert.deepEqual(table.explain(scope, id).map(refKey), [...wanted].sort());
  }
  for (const [key, wanted] of model.parts()) assert.deepEqual(table.scopesOf({ kind: 'VPC', namespace: '', name: key.slice(4) }), wanted);
  for (const ref of refs) {
    assert.equal(table.conflictsOf(refKey(ref)).length, model.disputes(ref).length);
    const wanted = [...model.claims()].filter(([, claims]) =>
      claims.some(({ contributor, scoped }) => [contributor.owner, ...scoped.from].some((each) => refKey(each) === refKey(ref))));
    assert.deepEqual(table.rowsOf(ref).map(({ scope, row }) => `${scope} ${rowId(row)}`), wanted.map(([at]) => at).sort());
  }
};

/** What was published before, with what is said to be different. */
const mirrored = (mirror: Map<string, Row>, { scopes: deltas, departed }: Merged): void => {
  for (const { scope, upserts, deletes } of deltas) {
    for (const row of upserts) mirror.set(`${scope} ${rowId(row)}`, row);
    for (const id of deletes) {
      assert.ok(mirror.delete(`${scope} ${id}`), `${scope} ${id} was deleted but never there`);
      assert.ok((departed.get(scope)?.get(id)?.length ?? 0) > 0, `nobody contributed to ${scope} ${id}`);
    }
  }
};

/** Every object whose part in something changed is told in which scope. */
const checkNews = (before: ReadonlyMap<string, string[]>, after: ReadonlyMap<string, string[]>, rows: ReadonlySet<string>, model: Model, merged: Merged): void => {
  for (const [key, names] of after) {
    const then = before.get(key) ?? [];
    for (const scope of scopes) {
      if (then.includes(scope) !== names.includes(scope)) assert.ok(merged.contributions.get(key)?.has(scope), `${key} in ${scope}`);
    }
  }
  for (const [at, claims] of model.claims()) {
    if (!rows.has(at)) continue;
    const scope = at.split(' ')[0] ?? '';
    for (const { contributor, scoped } of claims) {
      for (const ref of [contributor.owner, ...scoped.from]) assert.ok(merged.contributions.get(refKey(ref))?.has(scope), `${refKey(ref)} in ${at}`);
    }
  }
};

/** By row: keys of all that contribute to it. */
const partiesOf = (model: Model): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map([...model.claims()].map(([at, claims]) => [at, new Set(claims.flatMap(({ contributor, scoped }) => [contributor.owner, ...scoped.from].map(refKey)))]));

/** Whoever contributed to a row that is another one now, and does not any more, is named. */
const checkDeparted = (
  before: ReadonlyMap<string, ReadonlySet<string>>,
  after: ReadonlyMap<string, ReadonlySet<string>>,
  rows: ReadonlySet<string>,
  { departed }: Merged,
): void => {
  for (const at of rows) {
    const [scope = '', id = ''] = at.split(' ');
    const named = new Set((departed.get(scope)?.get(id) ?? []).map(refKey));
    for (const key of before.get(at) ?? []) assert.ok(after.get(at)?.has(key) === true || named.has(key), `${key} contributed to ${at}`);
  }
};

test('after any sequence of contributions the table says what it would say from scratch, and its deltas add up to it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const table = new GoalTable();
      const model = new Model();
      const mirror = new Map<string, Row>();
      let before = model.parts();
      let former = partiesOf(model);
      for (const each of [...steps, { ...steps[0], owner: 0, translator: 'one', age: 0, rows: [], kept: 0, publish: true }]) {
        model.take(each, table);
        if (!each.publish) continue;
        const merged = table.publish();
        const changed = new Set<RowId>(merged.scopes.flatMap(({ scope, upserts }) => upserts.map((row) => `${scope} ${rowId(row)}`)));
        mirrored(mirror, merged);
        assert.deepEqual(new Map([...mirror].sort()), new Map([...model.published()].sort()));
        check(table, model);
        checkNews(before, model.parts(), changed, model, merged);
        checkDeparted(former, partiesOf(model), changed, merged);
        before = model.parts();
        former = partiesOf(model);
      }
    }),
    { numRuns: 300 },
  );
});
