/**
 * What a commit means, decided once for all backends: preconditions are checked against the state that earlier writes of
 * the same commit left, every write takes the next revision, and a change names the entry it replaced.
 */
import { HeddleError } from '../kit/error.ts';
import { checkKey } from './key.ts';
import type { Change, Entry, Revision, Write } from './store.ts';

/**
 * Changes that `writes` make on a state read through `current`, numbered from `revision + 1`; throws `Conflict`,
 * `NotFound` or `BadRequest` without effect.
 */
export const planCommit = (
  writes: readonly Write[],
  revision: Revision,
  current: (key: string) => Entry | undefined,
): readonly Change[] => {
  const [only] = writes;
  if (only !== undefined && writes.length === 1) {
    checkKey(only.key);
    return changesOf(only, current(only.key), revision + 1);
  }
  const changes: Change[] = [];
  const touched = new Map<string, Entry | undefined>();
  for (const write of writes) {
    checkKey(write.key);
    const previous = touched.has(write.key) ? touched.get(write.key) : current(write.key);
    for (const change of changesOf(write, previous, revision + changes.length + 1)) {
      touched.set(write.key, change.type === 'put' ? change.entry : undefined);
      changes.push(change);
    }
  }
  return changes;
};

/** One change, or none of a check that holds. */
const changesOf = (write: Write, previous: Entry | undefined, revision: Revision): readonly Change[] => {
  const found = previous?.revision ?? 0;
  if (write.type === 'delete' && previous === undefined) {
    throw new HeddleError('NotFound', `key "${write.key}" does not exist`);
  }
  if (write.expected !== undefined && write.expected !== found) {
    throw new HeddleError('Conflict', `key "${write.key}" is at revision ${found}, not ${write.expected}`);
  }
  if (write.type === 'check') return [];
  const entry: Entry = {
    key: write.key,
    value: write.type === 'put' ? write.value : (previous?.value ?? ''),
    revision,
    createRevision: previous?.createRevision ?? revision,
    ...(write.type === 'put' && write.note !== undefined ? { note: write.note } : {}),
  };
  return [{ type: write.type, entry, ...(previous === undefined ? {} : { previous }) }];
};
