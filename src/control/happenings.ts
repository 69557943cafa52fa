/** Which changes of an object's conditions are worth an event. Pure. */
import type { Condition, Resource } from '../api/object.ts';
import type { Happening } from './events.ts';

export const happenings = (before: Resource, after: Resource): readonly Happening[] => {
  const found = cablingOf(conditionOf(before, 'Cabled'), conditionOf(after, 'Cabled'));
  found.push(...sessionsOf(conditionOf(before, 'Established'), conditionOf(after, 'Established')));
  // What is on its way out is held against nothing any more, which makes it no better.
  if (after.metadata.deletionTimestamp === undefined) found.push(...acceptanceOf(conditionOf(before, 'Accepted'), conditionOf(after, 'Accepted')));
  found.push(...verificationOf(conditionOf(before, 'Verified'), conditionOf(after, 'Verified')));
  const programmed = changed(before, after, 'Programmed');
  if (programmed?.reason === 'Programmed') {
    const message = `generation ${after.metadata.generation ?? 0} runs on ${programmed.message}`;
    found.push({ type: 'Normal', reason: 'Programmed', message });
  }
  const failed = programmed ?? conditionOf(after, 'Programmed');
  const isNews = programmed !== undefined || hasNewCause(conditionOf(before, 'Programmed'), failed);
  if (failed?.reason === 'Failed' && isNews) found.push({ type: 'Warning', reason: 'ProgrammingFailed', message: failed.message });
  return found;
};

/** It makes sense for the first time, or again; further generations that do are no news. */
const acceptanceOf = (before: Condition | undefined, after: Condition | undefined): Happening[] =>
  after?.status === 'True' && before?.status !== 'True' ? [{ type: 'Normal', reason: 'Accepted', message: after.message }] : [];

/** Something is wrong that was not, or was otherwise, or is not any more. That all is well the first time is no news. */
const verificationOf = (before: Condition | undefined, after: Condition | undefined): Happening[] => {
  const isOver = before?.status === 'False' || unchecked.has(before?.reason ?? '');
  if (after?.status === 'True') return isOver ? [{ type: 'Normal', reason: 'Verified', message: after.message }] : [];
  const isWrong = after !== undefined && (after.status === 'False' || unchecked.has(after.reason));
  if (!isWrong || (before?.status === after.status && before.reason === after.reason && before.observedGeneration === after.observedGeneration)) return [];
  return [{ type: 'Warning', reason: 'VerificationFailed', message: after.message }];
};

const unchecked: ReadonlySet<string> = new Set(['BudgetExhausted', 'VerifierFailed']);

/** A cable was found elsewhere than declared, or is found where it was not before. */
const cablingOf = (before: Condition | undefined, after: Condition | undefined): Happening[] => {
  if (after === undefined || after.status === 'Unknown') return [];
  const { status, reason, message } = after;
  if (status === 'False') return before?.status === 'False' && before.message === message ? [] : [{ type: 'Warning', reason, message }];
  return before?.status === 'False' ? [{ type: 'Normal', reason, message }] : [];
};

/** A session with a router outside ended, or is there again. That one comes up the first time takes a moment and is no news. */
const sessionsOf = (before: Condition | undefined, after: Condition | undefined): Happening[] => {
  const wasUp = before?.status === 'True';
  if (after?.status === 'False' && wasUp) return [{ type: 'Warning', reason: after.reason, message: after.message }];
  return after?.status === 'True' && before?.status === 'False' ? [{ type: 'Normal', reason: after.reason, message: after.message }] : [];
};

/** Whether a device or a row fails that did not before; how many devices are done, which stands first, is no cause. */
const hasNewCause = (former: Condition | undefined, latter: Condition | undefined): boolean => {
  const causesOf = (condition: Condition | undefined): readonly string[] => (condition?.message ?? '').split('; ').slice(1);
  const known = new Set(causesOf(former));
  return causesOf(latter).some((cause) => !known.has(cause));
};

/** The object was acceptable, or was faulty in another way, and now it is so. */
export const newFault = (before: Resource, after: Resource): Happening | undefined => {
  const accepted = changed(before, after, 'Accepted');
  return accepted?.status === 'False' ? { type: 'Warning', reason: accepted.reason, message: accepted.message } : undefined;
};

/** Whether the object is faulty in just this way. */
export const isFault = (object: Resource, fault: Happening): boolean => {
  const accepted = conditionOf(object, 'Accepted');
  return accepted?.status === 'False' && accepted.message === fault.message;
};

/** The condition, if its status or reason is another one, or it is about another generation. */
const changed = (before: Resource, after: Resource, type: string): Condition | undefined => {
  const [former, latter] = [conditionOf(before, type), conditionOf(after, type)];
  const equal =
    former?.status === latter?.status &&
    former?.reason === latter?.reason &&
    former?.observedGeneration === latter?.observedGeneration;
  return equal ? undefined : latter;
};

const conditionOf = ({ status }: Resource, type: string): Condition | undefined =>
  (status as { conditions?: readonly Condition[] } | undefined)?.conditions?.find((condition) => condition.type === type);
