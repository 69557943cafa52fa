import { after, before, describe, it } from 'node:test';
import { basename } from 'node:path';
import type { Resource } from '../api/object.ts';
import { labDown } from '../lab/down.ts';
import { testName } from '../lab/testing.ts';
import { labUp, type LabHandle } from '../lab/up.ts';
import { playInLab } from './labplay.ts';
import { byWiring, readCabling, readScenarios, type Scenario } from './scenario.ts';

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
    it(`${scenario.name}: ${scenario.story}`, (t) => playInLab(lab, scenario, (line) => t.diagnostic(line)));
  }
};

for (const [file, scenarios] of byWiring(readScenarios().filter(({ slow }) => !slow))) {
  describe(`scenarios in the lab, on ${basename(file, '.yaml')}`, () => playOn(readCabling(file), scenarios));
}
