/**
 * What a write depends on beside the object itself, when others may write to the same store: the office of the controller that
 * writes, the namespace that takes new objects, and that nobody is just deleting what the object refers to. Each is a check in
 * the commit, so that it cannot change between the look and the write. A server that is alone on its store needs none of them.
 */
import { refKey, type ObjectRef, type Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Revision, Store, Write } from '../../store/store.ts';
import type { ServedKind } from '../scheme.ts';
import { awaitEnd, unreserved } from './reservations.ts';
import type { Welcome } from './welcome.ts';

/** Proof of an office: who holds it wrote this key, and the next one writes it again. */
export interface Fence {
  readonly key: string;
  readonly revision: Revision;
  /** Told when a write was refused because it is somebody else's by now. */
  readonly onLost?: () => void;
}

export interface Conditions {
  readonly writes: readonly Write[];
  /** Whether the commit failed for one of them, and may be tried again with new ones. Throws when that would be in vain. */
  failed(): Promise<boolean>;
}

type Check = Extract<Write, { readonly type: 'check' }>;

interface Condition {
  readonly write: Check;
  /** It does not hold: throws, or resolves when it is worth another try. */
  readonly failed: () => void | Promise<void>;
}

export const noConditions: Conditions = { writes: [], failed: () => Promise.resolve(false) };

export const conditionsOf = (store: Store, conditions: readonly Condition[]): Conditions => ({
  writes: conditions.map(({ write }) => write),
  failed: async () => {
    for (const { write, failed } of conditions) {
      const revision = (await store.get(write.key))?.revision ?? 0;
      if (revision === write.expected) continue;
      await failed();
      return true;
    }
    return false;
  },
});

export const fenceCondition = ({ key, revision, onLost }: Fence): Condition => ({
  write: { type: 'check', key, expected: revision },
  failed: () => {
    onLost?.();
    throw new HeddleError('Unavailable', 'another controller has taken office, so this one writes no more');
  },
});

/** The namespace is as it was when it was found to take new objects. Throws what `Welcome.check` throws. */
export const namespaceCondition = async (welcome: Welcome, key: string, namespace: string): Promise<Condition> => ({
  write: { type: 'check', key, expected: await welcome.check(namespace) },
  failed: () => welcome.forget(namespace),
});

/** Nobody is deleting what the object refers to and `before` did not. */
export const referenceConditions = (store: Store, served: ServedKind, object: Resource, before: Resource | undefined): Condition[] =>
  newReferences(served, object, before).map((ref) => {
    const write = unreserved(ref);
    return { write, failed: () => awaitEnd(store, write.key) };
  });

const newReferences = ({ kind: { references } }: ServedKind, object: Resource, before: Resource | undefined): ObjectRef[] => {
  const { generation, deletionTimestamp } = object.metadata;
  // What an object names is in its spec, and the generation counts changes of that.
  if (references === undefined || deletionTimestamp !== undefined || before?.metadata.generation === generation) return [];
  const known = new Set((before === undefined ? [] : references(before)).map(refKey));
  const found = new Map(references(object).map((ref) => [refKey(ref), ref]));
  return [...found].filter(([key]) => !known.has(key)).map(([, ref]) => ref);
};
