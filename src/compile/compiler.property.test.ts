/** The one property that matters: history leaves no trace. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refOf } from '../api/object.ts';
import { createCompiler } from './compiler.ts';
import * as make from './fixture.ts';
import { everyone, start, step } from './testing-universe.ts';

test('after any sequence of edits the incremental result equals one from scratch, in any order of objects', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer(), fc.boolean(), (steps, seed, oneByOne) => {
      const { compiler, stock } = start();
      for (const each of steps) stock.run(each, compiler);
      stock.settle(compiler);
      const shuffled = shuffle(stock.all(), seed).map(make.put);
      const fresh = createCompiler();
      if (oneByOne) for (const change of shuffled) fresh.apply([change]);
      else fresh.apply(shuffled);
      assert.equal(make.dump(compiler, everyone), make.dump(fresh, everyone));
    }),
    { numRuns: 150 },
  );
});

test('deltas add up to the goal state, and no translator ever fails', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const compiler = createCompiler();
      const mirror = new Map<string, unknown>();
      const apply = compiler.apply.bind(compiler);
      compiler.apply = (changes) => {
        const result = apply(changes);
        for (const { scope, upserts, deletes } of result.scopes) {
          for (const id of deletes) assert.ok(mirror.delete(`${scope} ${id}`), `${scope} ${id} was deleted but never there`);
          for (const row of upserts) mirror.set(`${scope} ${row.table}/${row.key}`, row.value);
        }
        return result;
      };
      const { stock } = start(compiler);
      for (const each of steps) stock.run(each, compiler);
      stock.settle(compiler);
      const held = compiler.scopes().flatMap((scope) => compiler.rows(scope).map((row) => [`${scope} ${row.table}/${row.key}`, row.value] as const));
      assert.deepEqual(new Map([...mirror].sort()), new Map(held.sort()));
      const codes = everyone.flatMap((object) => compiler.findingsOf(refOf(object)).map(({ code }) => code));
      assert.ok(!codes.includes('Internal'), make.dump(compiler, everyone));
    }),
    { numRuns: 100 },
  );
});

test('taking everything away leaves nothing behind', () => {
  const { compiler, stock } = start();
  assert.notEqual(compiler.scopes().length, 0);
  for (const object of stock.all()) compiler.apply([make.remove(object)]);
  assert.equal(make.dump(compiler, everyone), make.dump(createCompiler(), everyone));
});

const shuffle = <Item>(items: readonly Item[], seed: number): Item[] => {
  const shuffled = [...items];
  let state = seed >>> 0;
  for (let position = shuffled.length - 1; position > 0; position--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (position + 1);
    const [left, right] = [shuffled[position], shuffled[other]];
    if (left !== undefined && right !== undefined) [shuffled[position], shuffled[other]] = [right, left];
  }
  return shuffled;
};
