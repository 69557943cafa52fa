import { after, before, describe, it } from 'node:test';
import { basename } from 'node:path';
import type { Resource } from '../api/object.ts';
import { labDown } from '../lab/down.ts';
import { testName } from '../lab/testing.ts';
import { labUp, type LabHandle } from '../lab/up.ts';
import { ApiStage } from './apistage.ts';
import { assertNoTenantsLeft, labStage } from './labstage.ts';
import { byWiring, readScenarios, readWiring, type Scenario } from './scenario.ts';
import { playSteps } from './stage.ts';
import { eventually } from './waiting.ts';

const playOn = (wiring: readonly Resource[], scenarios: readonly Scenario[]): void => {
  const name = testName();
  let lab: LabHandle;

  before(async () => {
    lab = await labUp({ name, objects: wiring });
  });

  after(async () => {
    lab?.close();
    await labDown({ name });
  });

  for (const scenario of scenarios) {
    it(`${scenario.name}: ${scenario.story}`, async (t) => {
      const stage = new ApiStage(lab.kubeconfig);
      try {
        await playSteps(labStage(lab, stage, (line) => t.diagnostic(line)), scenario.steps);
      } finally {
        await stage.cleanUp();
        stage.close();
      }
      await eventually(() => assertNoTenantsLeft(lab));
    });
  }
};

for (const [file, scenarios] of byWiring(readScenarios().filter(({ slow }) => !slow))) {
  describe(`scenarios in the lab, on ${basename(file, '.yaml')}`, () => playOn(readWiring(file), scenarios));
}
