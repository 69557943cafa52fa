import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CompileResult } from '../compile/engine.ts';
import { GoalState } from '../goal/state.ts';
import { CompileStage } from '../scenarios/compilestage.ts';
import { readScenarios, readWiring } from '../scenarios/scenario.ts';
import { playSteps, withoutPackets, type Stage } from '../scenarios/stage.ts';
import { createVerifier } from './checker.ts';
import { lookupIn } from './state.ts';
import { Follower, textOf } from './testing-follow.ts';
import type { ObjectChange } from './verifier.ts';

/** Every step of a story, with a look at the verdict after it. */
const verifiedStage = (compiler: CompileStage, look: () => void): Stage => ({
  ...withoutPackets,
  apply: async (objects) => {
    compiler.apply(objects);
    look();
  },
  delete: async (ref) => {
    compiler.delete([ref]);
    look();
  },
  refuse: async () => {},
  expect: async () => {},
  allow: async () => {},
});

/** Every batch that the compiler is handed, between the first ids and the last. */
const everyBatch = () => {
  const goal = new GoalState();
  const verifier = createVerifier({ goal: lookupIn(goal) });
  return (changes: readonly ObjectChange[], { scopes, findings }: CompileResult): void => {
    verifier.observe(changes, findings);
    assert.deepEqual(textOf(verifier.check(scopes)), []);
    goal.commit(scopes);
    verifier.accept();
  };
};

describe('scenarios with the verifier on', () => {
  for (const scenario of readScenarios()) {
    it(`${scenario.name}: no batch and no step is found fault with, neither as it comes nor from scratch`, async () => {
      const compiler = new CompileStage(readWiring(scenario.wiring), everyBatch());
      const follower = new Follower(compiler);
      const look = (): void => {
        assert.deepEqual(textOf(follower.step()), []);
      };
      look();
      await playSteps(verifiedStage(compiler, look), scenario.steps);
      assert.deepEqual(textOf(follower.fromScratch()), []);
    });
  }
});
