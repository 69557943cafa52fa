import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Graph, type NodeId, type NodeKind } from './graph.ts';

/** A graph with sources `s0` … and, on every level above, computations made by `compute` when they are asked for. */
const world = (levels: number, compute: (ask: (level: number, key: string) => unknown, level: number, key: string) => unknown) => {
  const graph = new Graph();
  const runs: string[] = [];
  const tables = Array.from({ length: levels + 1 }, () => new Map<string, NodeId>());
  const kinds = tables.map(
    (nodes, level): NodeKind => ({
      name: `level ${level}`,
      level,
      ...(level === 0 ? {} : { compute: (key) => (runs.push(`${level} ${key}`), compute(ask, level, key)) }),
      onUnread: (key, node) => {
        if (level === 0) return;
        nodes.delete(key);
        graph.drop(node);
      },
    }),
  );
  const nodeAt = (level: number, key: string): NodeId => {
    const known = tables[level]?.get(key);
    const kind = kinds[level];
    if (known !== undefined || kind === undefined) return known ?? 0;
    const made = graph.add(kind, key);
    tables[level]?.set(key, made);
    return made;
  };
  const ask = (level: number, key: string): unknown => graph.read(nodeAt(level, key));
  const set = (key: string, value: unknown): void => {
    graph.set(nodeAt(0, key), value);
    graph.wake(nodeAt(0, key));
  };
  return { graph, runs, ask, set, nodeAt };
};

const double = (ask: (level: number, key: string) => unknown, level: number, key: string): unknown =>
  level === 1 ? Math.min(10, Number(ask(0, key)) * 2) : Number(ask(level - 1, key)) + 1;

test('a computation runs again only when what it read is different', () => {
  const { graph, runs, set, nodeAt } = world(3, double);
  set('a', 4);
  graph.keep(nodeAt(3, 'a'));
  graph.sweep();
  assert.deepEqual([graph.peek(nodeAt(3, 'a')), runs.splice(0)], [10, ['3 a', '2 a', '1 a']]);
  set('a', 5);
  graph.sweep();
  assert.deepEqual([graph.peek(nodeAt(3, 'a')), runs.splice(0)], [12, ['1 a', '2 a', '3 a']]);
  set('a', 6);
  graph.sweep();
  assert.deepEqual([runs, graph.unchanged], [['1 a'], 1]);
});

test('what nobody reads any more is gone, and made anew when it is asked for again', () => {
  const { graph, runs, set, nodeAt } = world(2, (ask, level, key) => (level === 1 ? ask(0, key) : ask(1, String(ask(0, 'switch')))));
  set('switch', 'a');
  set('a', 1);
  set('b', 2);
  graph.keep(nodeAt(2, 'x'));
  graph.sweep();
  set('switch', 'b');
  graph.sweep();
  assert.deepEqual([graph.peek(nodeAt(2, 'x')), graph.computations], [2, 2]);
  runs.length = 0;
  set('a', 3);
  graph.sweep();
  assert.deepEqual(runs, []);
  graph.release(nodeAt(2, 'x'));
  assert.equal(graph.computations, 0);
});

test('what a computation throws is thrown at those who read it, until it answers again', () => {
  const { graph, set, nodeAt } = world(2, (ask, level, key) => {
    if (level === 2) return ask(1, key);
    if (ask(0, key) === 'bad') throw new Error('no good');
    return 'fine';
  });
  set('a', 'bad');
  graph.keep(nodeAt(2, 'a'));
  graph.sweep();
  assert.throws(() => graph.read(nodeAt(2, 'a')), /no good/);
  set('a', 'good');
  graph.sweep();
  assert.equal(graph.read(nodeAt(2, 'a')), 'fine');
});

test('nothing may be read that stands on the same level or above', () => {
  const { graph, set, nodeAt } = world(2, (ask, level, key) => (key === 'below' ? 1 : ask(level, key === 'a' ? 'b' : 'a')));
  set('a', 1);
  graph.keep(nodeAt(1, 'a'));
  graph.sweep();
  assert.throws(() => graph.read(nodeAt(1, 'a')), /level 1 of a reads level 1 of b, which does not stand below it/);
});

/**
 * A computation adds up what it reads, and what it reads depends on the values that it finds: the first it reads says how
 * many others, and on which level.
 */
const wander = (ask: (level: number, key: string) => unknown, level: number, key: string): number => {
  const first = Number(ask(0, key));
  let sum = first % 5;
  for (let step = 0; step < first % 3; step++) sum += Number(ask((first + step) % level, `s${(first * 7 + step * 3) % 6}`));
  return sum;
};

const fromScratch = (values: readonly number[], level: number, key: string): number => {
  const ask = (below: number, other: string): number => (below === 0 ? (values[Number(other.slice(1))] ?? 0) : fromScratch(values, below, other));
  return wander(ask, level, key);
};

test('after any changes, with any dependencies, every node holds what a computation from scratch would', () => {
  const change = fc.tuple(fc.nat(5), fc.nat(30), fc.boolean());
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const { graph, set, nodeAt } = world(4, wander);
      const values = [1, 2, 3, 4, 5, 6];
      for (const [position, value] of values.entries()) set(`s${position}`, value);
      for (const position of values.keys()) graph.keep(nodeAt(4, `s${position}`));
      for (const [position, value, sweeps] of changes) {
        values[position] = value;
        set(`s${position}`, value);
        if (sweeps) graph.sweep();
      }
      graph.sweep();
      for (const position of values.keys()) {
        assert.equal(graph.peek(nodeAt(4, `s${position}`)), fromScratch(values, 4, `s${position}`));
      }
      for (const position of values.keys()) graph.release(nodeAt(4, `s${position}`));
      assert.equal(graph.computations, 0, 'all that was made for others is gone with them');
    }),
    { numRuns: 200 },
  );
});
