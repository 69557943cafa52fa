/** Plays a story in a lab that is up, from the first step to the last trace of it. */
import type { LabHandle } from '../lab/up.ts';
import { ApiStage } from './apistage.ts';
import { assertNoTenantsLeft, labStage } from './labstage.ts';
import type { Scenario } from './scenario.ts';
import { playSteps } from './stage.ts';
import { eventually } from './waiting.ts';

/** @param tell told what came of pings that went on during steps */
export const playInLab = async (lab: LabHandle, scenario: Scenario, tell: (line: string) => void): Promise<void> => {
  const stage = new ApiStage(lab.kubeconfig);
  try {
    await playSteps(labStage(lab, stage, tell), scenario.steps);
  } finally {
    await stage.cleanUp();
    stage.close();
  }
  await eventually(() => assertNoTenantsLeft(lab));
};
