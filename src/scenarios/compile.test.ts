import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CompileStage } from './compilestage.ts';
import { readScenarios, readWiring, type Expectation, type Scenario } from './scenario.ts';
import { playSteps, withoutPackets, type Stage } from './stage.ts';

describe('scenarios at the compile level', () => {
  for (const scenario of readScenarios()) {
    it(`${scenario.name}: ${scenario.story}`, async () => {
      const compiler = new CompileStage(readWiring(scenario.wiring));
      await playSteps(pureStage(compiler), scenario.steps);
      compareGolden(scenario, compiler.goalText());
    });
  }
});

const pureStage = (compiler: CompileStage): Stage => ({
  ...withoutPackets,
  apply: async (objects) => compiler.apply(objects),
  delete: async (ref) => compiler.delete([ref]),
  refuse: async (object, paths) => {
    const before = compiler.goalText();
    assert.deepEqual(compiler.check(object).map(({ path }) => path).sort(), [...paths].sort());
    assert.equal(compiler.goalText(), before);
  },
  expect: async (expectation) => expectAccepted(compiler, expectation),
  allow: async () => {},
});

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
