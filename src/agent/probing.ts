/** Which VTEPs answer the device, asked by the server while a change goes from device to device. */
import { create } from '@bufbuild/protobuf';
import type { Driver } from '../drivers/driver.ts';
import { type ProbeAnswers, ProbeAnswersSchema, type ProbeRequest } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { probeTargets } from '../goal/probes.ts';
import { HeddleError } from '../kit/error.ts';

const longestMilliseconds = 5000;

/** Never rejects. */
export const answersTo = async (request: ProbeRequest, driver: Pick<Driver<never>, 'name' | 'reach'>): Promise<ProbeAnswers> => {
  const { id, milliseconds } = request;
  if (driver.reach === undefined) return create(ProbeAnswersSchema, { id, failure: `devices of driver "${driver.name}" do not probe` });
  try {
    const reached = await driver.reach(probeTargets(request), Math.min(milliseconds, longestMilliseconds));
    return create(ProbeAnswersSchema, { id, answers: [...reached].map(([target, answered]) => ({ target, answered })) });
  } catch (thrown) {
    return create(ProbeAnswersSchema, { id, failure: HeddleError.from(thrown).message });
  }
};
