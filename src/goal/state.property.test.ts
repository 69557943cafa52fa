/** The goal state against the plainest model of it: a map of rows a scope, and every version remembered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { encodeRow } from './codec.ts';
import { type Digest, digestPlus, emptyDigest, rowDigest } from './digest.ts';
import { type Row, type RowId, deviceScope, rowId } from './rows.ts';
import { GoalState, type ScopeChange } from './state.ts';
import { anyRow } from './testing.ts';

const scopes = ['vpc/1', 'vpc/2', 'device/x', 'device/y'];

const member = fc.record({ key: fc.constantFrom('a', 'b', 'c'), scope: fc.constantFrom('vpc/1', 'vpc/2') });
const memberRow: fc.Arbitrary<Row> = member.map(({ key, scope }) => ({ table: 'member', key, value: { scope } }));
const row = fc.oneof({ weight: 3, arbitrary: anyRow }, { weight: 1, arbitrary: memberRow });

const change: fc.Arbitrary<ScopeChange> = fc.record({
  scope: fc.constantFrom(...scopes),
  upserts: fc.array(row, { maxLength: 4 }),
  deletes: fc.array(row.map(rowId), { maxLength: 4 }),
});
const commits = fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 15 });

type Model = Map<RowId, Row>;

const applied = (before: Model, { upserts, deletes }: ScopeChange): Model => {
  const kept = new Set(upserts.map(rowId));
  const after = new Map([...before].filter(([id]) => !deletes.includes(id) || kept.has(id)));
  for (const each of upserts) after.set(rowId(each), each);
  return after;
};

const digestOf = (rows: Iterable<Row>): Digest => [...rows].reduce((sum, each) => digestPlus(sum, rowDigest(encodeRow(each))), emptyDigest);

/** Commits to a goal state and to the model; calls back after each commit. */
const replay = (goal: GoalState, history: readonly (readonly ScopeChange[])[], look: (models: ReadonlyMap<string, Model>) => void): void => {
  const models = new Map<string, Model>(scopes.map((name) => [name, new Map()]));
  look(models);
  for (const changes of history) {
    goal.commit(changes);
    for (const each of changes) models.set(each.scope, applied(models.get(each.scope) ?? new Map(), each));
    look(models);
  }
};

test('after any commits a scope holds what it would hold from scratch, and its digest does not depend on the way', () => {
  fc.assert(
    fc.property(commits, (history) => {
      const goal = new GoalState();
      replay(goal, history, (models) => {
        for (const [name, model] of models) {
          const { rows, digest } = goal.scope(name);
          assert.deepEqual(new Map(rows), model);
          assert.equal(rows.size, model.size);
          assert.equal(digest, digestOf(model.values()));
        }
      });
      const scratch = new GoalState();
      for (const name of [...goal.scopes()].toReversed()) scratch.replace(name, [...goal.scope(name).rows.values()].toReversed());
      for (const name of scopes) assert.equal(scratch.scope(name).digest, goal.scope(name).digest);
    }),
  );
});

test('from any version a delta leads to the scope as it is now, and names each row once', () => {
  fc.assert(
    fc.property(commits, fc.integer({ min: 1, max: 12 }), (history, logRows) => {
      const goal = new GoalState({ logRows });
      /** By scope: what it held at each of its versions. */
      const past = new Map(scopes.map((name) => [name, new Map<number, Model>()]));
      replay(goal, history, (models) => {
        for (const [name, model] of models) past.get(name)?.set(goal.scope(name).version, model);
      });
      for (const [name, versions] of past) {
        for (const [version, before] of versions) {
          const { full, upserts, deletes, digest, to } = goal.delta(name, version);
          assert.equal(to, goal.scope(name).version);
          const after = applied(full ? new Map() : before, { scope: name, upserts, deletes });
          assert.deepEqual(after, new Map(goal.scope(name).rows));
          assert.equal(digest, digestOf(after.values()));
          assert.equal(new Set([...upserts.map(rowId), ...deletes]).size, upserts.length + deletes.length);
          const known = goal.digestAt(name, version);
          assert.equal(known === undefined, full);
          if (known !== undefined) assert.equal(known, digestOf(before.values()));
        }
      }
    }),
  );
});

test('who holds what is what the member rows say, sorted, and asking twice makes no second list', () => {
  fc.assert(
    fc.property(commits, (history) => {
      const goal = new GoalState();
      replay(goal, history, (models) => {
        const named = (device: string): string[] => {
          const rows = [...(models.get(deviceScope(device))?.values() ?? [])];
          return [...new Set(rows.flatMap((each) => (each.table === 'member' ? [each.value.scope] : [])))].sort();
        };
        for (const device of ['x', 'y']) {
          assert.deepEqual(goal.subscriptions(device), [...named(device), deviceScope(device)]);
          assert.equal(goal.subscriptions(device), goal.subscriptions(device));
        }
        for (const scope of ['vpc/1', 'vpc/2']) {
          assert.deepEqual(goal.devicesOf(scope), ['x', 'y'].filter((device) => named(device).includes(scope)));
          assert.equal(goal.devicesOf(scope), goal.devicesOf(scope));
        }
      });
    }),
  );
});
