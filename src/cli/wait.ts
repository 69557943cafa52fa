/**
 * `heddle wait`: the barrier. A condition counts only when it speaks of the object's present generation, so `Programmed`
 * seen by `wait` means that every device runs exactly what was applied last.
 */
import type { Condition, Resource } from '../api/object.ts';
import { objectOr } from '../kit/json.ts';
import { formatDuration, parseDuration } from '../kit/duration.ts';
import { HeddleError } from '../kit/error.ts';
import { apiVersionOf, findType, objectName, pathOf } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { asObject, changes, itemsOf } from '../client/live.ts';
import { allTargets, fileTargets, type Target } from './objects.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';

export interface WaitOptions extends GlobalOptions {
  /** `condition=Programmed`, `condition=Accepted=False`, `delete`. */
  readonly for: string;
  readonly timeout: string;
  readonly filename?: readonly string[];
  /** Every object of the kinds, of the namespace where they have one. */
  readonly all?: boolean;
}

export type Goal = { readonly type: 'delete' } | { readonly type: 'condition'; readonly condition: string; readonly value: string };

export const wait = (io: Io, refs: readonly string[], options: WaitOptions): Promise<ExitStatus> => {
  const goal = parseGoal(options.for);
  const timeout = parseDuration(options.timeout);
  return withSession<ExitStatus>(io, options, async (session) => {
    const targets = await targetsOf(session, refs, options);
    const end = performance.now() + timeout;
    const outcomes = await Promise.allSettled(
      targets.map((target) => waitFor(session, target, goal, Math.max(0, end - performance.now()))),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') io.note(`${HeddleError.from(outcome.reason).message}\n`);
      else io.out(`${targets[index]?.label} ${goal.type === 'delete' ? 'deleted' : 'condition met'}\n`);
    }
    return outcomes.every((outcome) => outcome.status === 'fulfilled') ? 0 : 1;
  });
};

export const parseGoal = (text: string): Goal => {
  if (text === 'delete') return { type: 'delete' };
  const match = /^condition=([^=]+)(?:=(.+))?$/.exec(text);
  if (match === null) throw new HeddleError('BadRequest', `--for="${text}": use condition=TYPE, condition=TYPE=STATUS or delete`);
  return { type: 'condition', condition: match[1] ?? '', value: match[2] ?? 'True' };
};

/** `KIND/NAME`, or `KIND NAME...`, or everything of kinds or in files. */
const targetsOf = async (session: Session, refs: readonly string[], { filename = [], all = false }: WaitOptions): Promise<Target[]> => {
  if (filename.length > 0) return fileTargets(session, filename);
  if (all && refs.length > 0 && refs.every((ref) => !ref.includes('/'))) return (await Promise.all(refs.map((kind) => allTargets(session, kind)))).flat();
  const [first = ''] = refs;
  const pairs = first.includes('/') ? refs.map((ref) => ref.split('/')) : refs.slice(1).map((name) => [first, name]);
  if (pairs.length === 0) throw new HeddleError('BadRequest', 'say what to wait for: KIND/NAME, KIND NAME, KIND --all or -f FILE');
  const types = await session.types();
  return pairs.map(([word = '', name = '']) => {
    const type = findType(types, word);
    return { type, namespace: type.namespaced ? session.namespace : '', name, label: objectName(type, name) };
  });
};

/** Resolves when the goal is reached; `Timeout` with what is so instead, `NotFound` when the object is not there. */
export const waitFor = async (session: Session, target: Target, goal: Goal, milliseconds: number): Promise<void> => {
  const late = AbortSignal.timeout(Math.ceil(milliseconds));
  const signal = AbortSignal.any([session.io.signal, late]);
  let seen: Resource | undefined;
  try {
    while (!signal.aborted) {
      for await (const state of states(session, target, signal)) {
        if (reached(goal, state, seen, target)) return;
        seen = state;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (session.io.signal.aborted) throw new HeddleError('Timeout', `${target.label}: interrupted`);
  throw new HeddleError('Timeout', `${target.label}: ${goalText(goal)} not reached in ${formatDuration(milliseconds)}${soFar(goal, seen)}`);
};

/** The object now and after every change; undefined when it is not there. */
async function* states(session: Session, target: Target, signal: AbortSignal): AsyncGenerator<Resource | undefined> {
  const selector = encodeURIComponent(`metadata.name=${target.name}`);
  const path = `${pathOf(target.type, target.namespace)}?fieldSelector=${selector}`;
  const { body } = await session.client.call({ path, signal });
  yield itemsOf(body, target.type, apiVersionOf(target.type))[0];
  const revision = String(objectOr(objectOr(body)['metadata'])['resourceVersion']);
  try {
    for await (const { type, object } of changes(session.client, target, revision, signal)) {
      yield type === 'DELETED' ? undefined : asObject(object);
    }
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'Expired') throw error;
  }
}

const reached = (goal: Goal, state: Resource | undefined, before: Resource | undefined, target: Target): boolean => {
  if (goal.type === 'delete') return state === undefined || (before !== undefined && before.metadata.uid !== state.metadata.uid);
  if (state === undefined) throw new HeddleError('NotFound', `${target.label} not found`);
  const condition = conditionOf(state, goal.condition);
  return condition?.status === goal.value && isCurrent(condition, state);
};

const conditionOf = (object: Resource, type: string): Condition | undefined => {
  const conditions: unknown = objectOr(object.status)['conditions'];
  const list: Condition[] = Array.isArray(conditions) ? conditions : [];
  return list.find((condition) => condition.type === type);
};

const isCurrent = (condition: Condition, object: Resource): boolean => {
  const observed = condition.observedGeneration ?? objectOr(object.status)['observedGeneration'];
  return typeof observed !== 'number' || observed >= (object.metadata.generation ?? 0);
};

const goalText = (goal: Goal): string => (goal.type === 'delete' ? 'deletion' : `${goal.condition}=${goal.value}`);

const soFar = (goal: Goal, object: Resource | undefined): string => {
  if (goal.type === 'delete' || object === undefined) return '';
  const condition = conditionOf(object, goal.condition);
  if (condition === undefined) return `: it has no condition ${goal.condition} yet`;
  const stale = isCurrent(condition, object) ? '' : ', of an earlier generation';
  return `: it is ${condition.status} (${condition.reason}: ${condition.message}${stale})`;
};
