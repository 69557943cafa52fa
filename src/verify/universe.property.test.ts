import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createCompiler } from '../compile/compiler.ts';
import { start, step } from '../compile/testing-universe.ts';
import { GoalState } from '../goal/state.ts';
import { createVerifier } from './checker.ts';
import { lookupIn } from './state.ts';
import { textOf } from './testing-follow.ts';

test('whatever collides, comes, goes and loses its ids, a compiler without faults is not found fault with', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const goal = new GoalState();
      const verifier = createVerifier({ goal: lookupIn(goal) });
      const compiler = createCompiler();
      const apply = compiler.apply.bind(compiler);
      compiler.apply = (changes) => {
        const result = apply(changes);
        verifier.observe(changes, result.findings);
        assert.deepEqual(textOf(verifier.check(result.scopes)), []);
        goal.commit(result.scopes);
        verifier.accept();
        return result;
      };
      const { stock } = start(compiler);
      for (const each of steps) stock.run(each, compiler);
      stock.settle(compiler);
      assert.deepEqual(textOf(verifier.checkAll()), []);
    }),
    { numRuns: 100 },
  );
});
