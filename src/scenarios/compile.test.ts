import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CompileStage } from './compilestage.ts';
import { readScenarios, readWiring, type Expectation, type Scenario, type Step } from './scenario.ts';

describe('scenarios at the compile level', () => {
  for (const scenario of readScenarios()) {
    it(`${scenario.name}: ${scenario.story}`, () => {
      const stage = new CompileStage(readWiring());
      for (const step of scenario.steps) play(stage, step);
      compareGolden(scenario, stage.goalText());
    });
  }
});

const play = (stage: CompileStage, step: Step): void => {
  if (step.type === 'apply') stage.apply(step.objects);
  else if (step.type === 'delete') stage.delete(step.refs);
  else if (step.type === 'expect') step.conditions.forEach((expectation) => expectAccepted(stage, expectation));
  else if (step.type === 'refuse') {
    const before = stage.goalText();
    assert.deepEqual(stage.check(step.object).map(({ path }) => path).sort(), [...step.paths].sort());
    assert.equal(stage.goalText(), before);
  }
};

/** Only what the compiler can know: whether an object is accepted, and why not. */
const expectAccepted = (stage: CompileStage, { ref, condition, wanted }: Expectation): void => {
  const errors = stage.findings(ref).filter(({ severity }) => severity === 'error');
  if (condition !== 'Accepted') assert.deepEqual(errors, []);
  else if (wanted === 'Accepted' || wanted === 'True') assert.deepEqual(errors, []);
  else assert.equal(errors[0]?.code, wanted);
};

const compareGolden = ({ folder }: Scenario, actual: string): void => {
  const file = `${folder}/goal.txt`;
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(file, actual);
  assert.equal(actual, readFileSync(file, 'utf8'), `goal state differs from ${file}`);
};
