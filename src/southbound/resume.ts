/** From which version a returning device can go on. */
import type { ScopeState } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { GoalState, Version } from '../goal/state.ts';
import { fromNothing } from './updates.ts';

/**
 * A version counts only within its lineage and together with the digest it had. Otherwise the digest alone decides: equal to
 * the scope's of now, the device holds the right rows and only learns the version; else it needs the whole scope.
 */
export const resumeFrom = (goal: GoalState, sameLineage: boolean, held: ScopeState): Version => {
  const version = Number(held.version);
  if (sameLineage && goal.digestAt(held.scope, version) === held.digest) return version;
  const now = goal.scope(held.scope);
  return now.digest === held.digest ? now.version : fromNothing;
};
