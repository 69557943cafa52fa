/**
 * What is left of an object without the members whose structure is wrong, so that rules can be asked about the rest: who has
 * made five faults should not hear of them in two rounds.
 */
import type { TSchema } from 'typebox';
import type { Finding } from '../kit/error.ts';
import { isJsonObject } from '../kit/json.ts';
import { memberPath } from './findings.ts';
import { structureFindings } from './structure.ts';

export interface SoundPart {
  readonly value: unknown;
  /** Paths of the members that are left out. */
  readonly without: readonly string[];
}

/** Deeper than any object is. */
const mostRounds = 16;

/** Undefined when nothing of `spec` is left. `findings` are those of the structure of `value`. */
export const soundPart = (schema: TSchema, value: unknown, findings: readonly Finding[]): SoundPart | undefined => {
  const without = new Set<string>();
  let [part, faults] = [value, findings];
  for (let round = 0; round < mostRounds && faults.length > 0; round += 1) {
    for (const { path } of faults) {
      // What is wrong because it is missing is taken out with what it belongs to.
      const pruned = removeAt(part, without.has(path) || !isThere(part, path) ? parentOf(part, path) : path);
      if (pruned === undefined) return undefined;
      part = pruned.value;
      without.add(pruned.path);
    }
    faults = structureFindings(schema, part);
  }
  return faults.length > 0 ? undefined : { value: part, without: [...without] };
};

/** Whether a finding speaks of a member that was left out, or of what it was left out of. */
export const isAbout = (path: string, { without }: SoundPart): boolean =>
  without.some((other) => path === other || isWithin(path, other) || isWithin(other, path));

const isWithin = (inner: string, outer: string): boolean =>
  outer === '' || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);

interface Removed {
  readonly value: unknown;
  /** Of what was removed: an element of a list takes the list with it, for the others would change their places. */
  readonly path: string;
}

/** Undefined for the root and for what an object cannot do without: `spec` and the like. */
const removeAt = (root: unknown, path: string): Removed | undefined => {
  const steps = stepsTo(root, path);
  const at = steps.findIndex(({ holder }) => Array.isArray(holder));
  const step = steps[at === -1 ? steps.length - 1 : at - 1];
  if (step === undefined || steps.length < 2 || step === steps[0]) return undefined;
  return { value: rebuilt(root, steps.slice(0, steps.indexOf(step) + 1)), path: step.path };
};

interface Step {
  readonly holder: unknown;
  readonly member: string;
  readonly path: string;
}

/** The members on the way to a path, as far as they are there. */
const stepsTo = (root: unknown, path: string): Step[] => {
  const steps: Step[] = [];
  let [holder, at] = [root, ''];
  while (at !== path) {
    const next = membersOf(holder)
      .map((member) => ({ member, path: memberPath(at, Array.isArray(holder) ? Number(member) : member) }))
      .find((each) => each.path === path || isWithin(path, each.path));
    if (next === undefined) break;
    steps.push({ holder, ...next });
    holder = Reflect.get(holder as object, next.member);
    at = next.path;
  }
  return steps;
};

const membersOf = (holder: unknown): string[] => (Array.isArray(holder) || isJsonObject(holder) ? Object.keys(holder) : []);

const isThere = (root: unknown, path: string): boolean => stepsTo(root, path).at(-1)?.path === path;

const parentOf = (root: unknown, path: string): string => {
  const steps = stepsTo(root, path);
  return (steps.at(-1)?.path === path ? steps.at(-2) : steps.at(-1))?.path ?? '';
};

/** A copy of the root without the last of these members; no list is on the way. */
const rebuilt = (root: unknown, [step, ...rest]: readonly Step[]): unknown => {
  if (step === undefined || !isJsonObject(root)) return root;
  const { [step.member]: inner, ...others } = root;
  return rest.length === 0 ? others : { ...root, [step.member]: rebuilt(inner, rest) };
};
