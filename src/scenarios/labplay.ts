/** Plays a story in a lab that is up, from the first step to the last trace of it. */
import { setUpServers } from '../lab/servers.ts';
import type { LabHandle } from '../lab/up.ts';
import { announce } from './announce.ts';
import { ApiStage } from './apistage.ts';
import { assertNoTenantsLeft, labStage } from './labstage.ts';
import type { Scenario, Step } from './scenario.ts';
import { playSteps } from './stage.ts';
import { eventually } from './waiting.ts';

/** @param tell told what came of pings that went on during steps */
export const playInLab = async (lab: LabHandle, scenario: Scenario, tell: (line: string) => void): Promise<void> => {
  const stage = new ApiStage(lab.kubeconfig);
  try {
    await playSteps(labStage(lab, stage, tell), scenario.steps);
  } finally {
    for (const server of announcing(scenario.steps)) await announce(lab.manifest, server, []);
    await stage.cleanUp();
    stage.close();
  }
  await setUpServers(lab.manifest, [], []);
  await eventually(() => assertNoTenantsLeft(lab));
};

/** Servers that announce something in a story. */
const announcing = (steps: readonly Step[]): ReadonlySet<string> =>
  new Set(steps.flatMap((step) => (step.type === 'announce' ? [step.server] : step.type === 'during' ? [...announcing(step.steps)] : [])));
