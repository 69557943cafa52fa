import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Graph } from './graph.ts';
import { RelationTable } from './relation.ts';
import type { Entry } from './view.ts';

const entry: fc.Arbitrary<Entry<unknown>> = fc.record({
  key: fc.constantFrom('k', 'l'),
  value: fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.record({ n: fc.nat(2) })),
});
/** What one of three objects contributes from now on. */
const step = fc.tuple(fc.nat(2), fc.array(entry, { maxLength: 4 }));

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

test('a key holds each value once as long as any object contributes it, and those who listen hear of each coming and going', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new RelationTable('t', new Graph(), 0);
      const heard = new Map<string, number>();
      table.listen((key, value, by) => heard.set(`${key} ${textOf(value)}`, (heard.get(`${key} ${textOf(value)}`) ?? 0) + by));
      const contributed: (readonly Entry<unknown>[])[] = [[], [], []];
      for (const [object, entries] of steps) {
        table.replace(contributed[object] ?? [], entries);
        contributed[object] = entries;
        for (const key of ['k', 'l']) {
          const expected = new Set(contributed.flat().flatMap((each) => (each.key === key ? [textOf(each.value)] : [])));
          assert.deepEqual(table.list(key).map(textOf), [...expected].sort());
          assert.equal(table.count(key), expected.size);
          const sum = [...heard].filter(([text, count]) => text.startsWith(`${key} `) && count === 1).map(([text]) => text.slice(2));
          assert.deepEqual(new Set(sum), expected);
        }
        assert.ok([...heard.values()].every((count) => count === 0 || count === 1));
      }
    }),
    { numRuns: 200 },
  );
});

const readers = (): { readonly graph: Graph; readonly table: RelationTable; readonly runs: () => number } => {
  const graph = new Graph();
  const table = new RelationTable('t', graph, 0);
  let runs = 0;
  const kind = { name: 'reader', level: 1, compute: () => ((runs += 1), [...table.list('k')]), onUnread: () => {} };
  graph.keep(graph.add(kind, 'r'));
  graph.sweep();
  return { graph, table, runs: () => runs };
};

test('a reader of a key runs when its values are others, and not when one is merely said again or by somebody else', () => {
  const { graph, table, runs } = readers();
  const swept = (before: readonly Entry<unknown>[], after: readonly Entry<unknown>[]): number => {
    const began = runs();
    table.replace(before, after);
    graph.sweep();
    return runs() - began;
  };
  const [a, b, other] = ['a', 'b', 'a'].map((value, place) => ({ key: place === 2 ? 'l' : 'k', value }));
  assert.ok(a && b && other);
  assert.equal(swept([], [a]), 1);
  assert.equal(swept([], [a]), 0, 'a second object says the same');
  assert.equal(swept([], [other]), 0, 'another key');
  assert.equal(swept([a], []), 0, 'one of two is left');
  assert.equal(swept([a], [b]), 1);
  assert.equal(swept([b], [structuredClone(b)]), 0);
  assert.equal(swept([b], []), 1);
});
