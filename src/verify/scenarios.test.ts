import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CompileStage } from '../scenarios/compilestage.ts';
import { readScenarios, readWiring } from '../scenarios/scenario.ts';
import { playSteps, withoutPackets, type Stage } from '../scenarios/stage.ts';
import { Follower, textOf } from './testing-follow.ts';

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

describe('scenarios with the verifier on', () => {
  for (const scenario of readScenarios()) {
    it(`${scenario.name}: no step is found fault with, neither as it comes nor from scratch`, async () => {
      const compiler = new CompileStage(readWiring(scenario.wiring));
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
