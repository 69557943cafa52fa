/**
 * From what is known of an object to the conditions its status shows. Pure: what time it is comes in as text. Messages speak
 * of the object itself and of devices, never of other objects than the findings name.
 */
import type { Condition } from '../api/object.ts';
import type { CompileFinding } from '../compile/finding.ts';
import { formatFinding } from '../kit/error.ts';
import type { Tally } from './barrier.ts';
import type { Failure } from './failures.ts';
import type { Reason } from './withheld.ts';

export interface Knowledge extends Tally {
  /** Generation that was compiled. */
  readonly generation: number;
  readonly findings: readonly CompileFinding[];
  /** What holds although everything is as it was asked for. */
  readonly notes?: readonly string[];
  /** Rows that are not published, and why. */
  /** Devices run what the object said before, and why. */
  readonly rolledBack?: string;
  readonly unpublished?: { readonly reason: Reason; readonly rows: number };
}

export type Statement = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

const shownNames = 3;
const longestMessage = 1024;

/** `Accepted` and `Programmed`. */
export const statements = (known: Knowledge): readonly Statement[] => [accepted(known), programmed(known)];

/** `n/m` devices. */
export const ready = (known: Knowledge): string => `${known.devices - unready(known)}/${known.devices}`;

const unready = ({ late, failures }: Knowledge): number =>
  failures.length === 0 ? late.length : new Set([...late, ...failures.map(({ device }) => device)]).size;

const accepted = ({ findings }: Knowledge): Statement => {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first !== undefined) return { type: 'Accepted', status: 'False', reason: first.code, message: sentences(errors) };
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  const message = warnings.length === 0 ? 'accepted' : `accepted, but ${sentences(warnings)}`;
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message };
};

const programmed = (known: Knowledge): Statement => {
  const { findings, late, failures, devices } = known;
  const not = (reason: string, message: string): Statement => ({ type: 'Programmed', status: 'False', reason, message });
  const count = `${devices - unready(known)} of ${devices} devices`;
  if (findings.some(({ severity }) => severity === 'error')) return not('NotAccepted', 'not accepted, see condition Accepted');
  const waiting = findings.filter(({ severity }) => severity === 'pending');
  if (waiting.length > 0) return not('Pending', sentences(waiting));
  if (known.rolledBack !== undefined) return not('RolledBack', clip(known.rolledBack));
  if (failures.length > 0) return not('Failed', clip(`${count}; ${causesFirst(failures).slice(0, shownNames).map(formatFailure).join('; ')}`));
  if (known.unpublished !== undefined) return not(known.unpublished.reason, `${count}; ${unpublishedText[known.unpublished.reason](known.unpublished.rows)}`);
  if (known.withheld) return not('Held', `${count}; ${heldText(names(late))}`);
  if (late.length > 0) return not('Pending', `${count}; waiting for ${names(late)}`);
  // Nothing has to happen anywhere, so nothing is left to wait for: the barrier is open.
  if (devices === 0) return { type: 'Programmed', status: 'True', reason: 'NoDevices', message: 'no device is affected' };
  return { type: 'Programmed', status: 'True', reason: 'Programmed', message: [count, ...(known.notes ?? [])].join('; ') };
};

/** What failed itself before what only waits for it. */
const causesFirst = (failures: readonly Failure[]): readonly Failure[] =>
  [true, false].flatMap((isCause) => failures.filter(({ code }) => (code !== 'Blocked') === isCause));

const formatFailure = ({ device, row, code, message }: Failure): string =>
  row === '' ? `${device}: ${code}: ${message}` : `${device}: ${row}: ${code}: ${message}`;

const rowsText = (rows: number): string => `${rows} ${rows === 1 ? 'row of goal state is' : 'rows of goal state are'}`;

const unpublishedText: { readonly [Why in Reason]: (rows: number) => string } = {
  Unproven: (rows) => `${rowsText(rows)} withheld because what is wanted is not proven, see condition Verified of the objects concerned`,
  Staged: (rows) => `${rowsText(rows)} waiting for a later wave of the rollout`,
  Undone: (rows) => `${rowsText(rows)} as before, because the change was undone`,
};

/** Tenants read this too: they can do no more than ask. */
const heldText = (devices: string): string =>
  `what it had on ${devices} is not deleted before the fabric's operator allows it, because so much at once may be a mistake`;

/** Of devices that are sorted. */
const names = (devices: readonly string[]): string => {
  const shown = devices.slice(0, shownNames).join(', ');
  const rest = devices.length - shownNames;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
};

const sentences = (findings: readonly CompileFinding[]): string => clip(findings.map(formatFinding).join('; '));

const clip = (text: string): string => (text.length <= longestMessage ? text : `${text.slice(0, longestMessage - 1)}…`);

/**
 * The conditions with their times: a transition time moves only when the status does, conditions of other types stay.
 * `now` in RFC 3339, whole seconds.
 */
export const conditionsAfter = (
  before: readonly Condition[],
  wanted: readonly Statement[],
  generation: number,
  now: string,
): readonly Condition[] => {
  const others = before.filter(({ type }) => !wanted.some((statement) => statement.type === type));
  const ours = wanted.map(({ type, status, reason, message }): Condition => {
    const former = before.find((condition) => condition.type === type);
    const lastTransitionTime = former?.status === status ? former.lastTransitionTime : now;
    return { type, status, reason, message, lastTransitionTime, observedGeneration: generation };
  });
  return [...ours, ...others];
};
