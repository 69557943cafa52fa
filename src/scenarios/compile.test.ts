import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CompileStage } from './compilestage.ts';
import { pureStage } from './purestage.ts';
import { readScenarios, readWiring, type Scenario } from './scenario.ts';
import { playSteps } from './stage.ts';

describe('scenarios at the pure level', () => {
  for (const scenario of readScenarios()) {
    it(`${scenario.name}: ${scenario.story}`, async () => {
      const compiler = new CompileStage(readWiring(scenario.wiring));
      await playSteps(pureStage(compiler), scenario.steps);
      compareGolden(scenario, compiler.goalText());
    });
  }
});

const compareGolden = ({ folder }: Scenario, actual: string): void => {
  const file = `${folder}/goal.txt`;
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(file, actual);
  assert.equal(actual, readFileSync(file, 'utf8'), `goal state differs from ${file}`);
};
