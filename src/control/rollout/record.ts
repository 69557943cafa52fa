/** A rollout as the `Rollout` object tells of it, and what is left of one that another leader began. */
import type { RolloutSpec } from '../../api/kinds/rollout.ts';
import { apiVersion, refKey, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Failure } from './course.ts';
import type { Edit } from './edits.ts';

export const rolloutRef = (fabric: string, revision: number): ObjectRef => ({ kind: 'Rollout', namespace: '', name: `${fabric}-${revision}` });

export interface Beginning {
  readonly fabric: string;
  readonly revision: number;
  readonly edits: ReadonlyMap<string, Edit>;
  readonly waves: readonly (readonly string[])[];
  /** RFC 3339. */
  readonly now: string;
}

export const newRecord = ({ fabric, revision, edits, waves, now }: Beginning): RolloutSpec => ({
  fabric,
  revision,
  changes: [...edits.values()].map(({ ref: { kind, namespace, name }, generation, before, after }) => ({
    kind, namespace, name, generation, before: JSON.stringify(before), after: JSON.stringify(after),
  })),
  phase: 'Progressing',
  wave: 0,
  waves: waves.map((wave) => [...wave]),
  failures: [],
  startTime: now,
  message: 'begins',
});

export const objectOf = (spec: RolloutSpec): object => {
  const { name } = rolloutRef(spec.fabric, spec.revision);
  return { apiVersion, kind: 'Rollout', metadata: { name }, spec };
};

const shownFailures = 20;

export const halted = (record: RolloutSpec, failures: readonly Failure[], rolledBack: boolean, now: string): RolloutSpec => {
  const named = failures.map(({ device, message }) => `${device}: ${message}`).slice(0, 3).join('; ');
  const then = rolledBack ? 'devices went back to what they ran' : 'devices stay as they are';
  return {
    ...record, phase: 'Halted', rolledBack, failures: failures.slice(0, shownFailures).map((failure) => ({ ...failure })), finishTime: now,
    message: `wave ${record.wave} of ${record.waves.length} failed, and ${then}: ${named}`,
  };
};

/** Edits by key of their objects. */
export const editsOf = ({ changes }: RolloutSpec): ReadonlyMap<string, Edit> =>
  new Map(changes.map(({ kind, namespace, name, generation, before, after }): [string, Edit] => {
    const ref = { kind, namespace, name };
    return [refKey(ref), { ref, generation, before: JSON.parse(before) as unknown, after: JSON.parse(after) as unknown }];
  }));

export interface Remains {
  /** Those under way, by fabric. */
  readonly running: ReadonlyMap<string, RolloutSpec>;
  /** The newest that went back, for every object of it that nobody has changed since. */
  readonly reverted: ReadonlyMap<string, { readonly edit: Edit; readonly record: RolloutSpec }>;
  /** Revisions that were given, by fabric. */
  readonly revisions: ReadonlyMap<string, number>;
}

/** @param isCurrent whether the object, by its key, says what it was edited to */
export const remainsOf = (objects: Iterable<Resource>, isCurrent: (key: string, edit: Edit) => boolean): Remains => {
  const running = new Map<string, RolloutSpec>();
  const reverted = new Map<string, { edit: Edit; record: RolloutSpec }>();
  const revisions = new Map<string, number>();
  const records = [...objects].map(({ spec }) => spec as RolloutSpec).sort((left, right) => left.revision - right.revision);
  for (const record of records) {
    revisions.set(record.fabric, record.revision);
    if (record.phase === 'Progressing' || record.phase === 'Paused') running.set(record.fabric, record);
    for (const [key, edit] of editsOf(record)) {
      if (!isCurrent(key, edit) || record.rolledBack !== true) reverted.delete(key);
      else reverted.set(key, { edit, record });
    }
  }
  return { running, reverted, revisions };
};
