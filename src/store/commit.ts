/**
 * What a commit means, decided once for the stores that plan it themselves: preconditions are checked against the state
 * before it, every write takes the next revision, and a change names the entry it replaced.
 */
import { HeddleError } from '../kit/error.ts';
import { checkKey } from './key.ts';
import type { Change, Entry, Revision, Write } from './store.ts';

/**
 * Throws `BadRequest` when a key cannot be one, or a commit writes it twice: etcd can do neither, and one meaning for
 * all stores is worth more.
 */
export const checkWrites = (writes: readonly Write[]): void => {
  const written = new Set<string>();
  for (const { type, key } of writes) {
    checkKey(key);
    if (type === 'check') continue;
    if (written.has(key)) throw new HeddleError('BadRequest', `a commit writes key "${key}" twice`);
    if (writes.length > 1) written.add(key);
  }
};

/** What is said when an expectation does not hold; 0 means absent. */
export const conflict = (key: string, found: Revision, expected: Revision): HeddleError =>
  new HeddleError('Conflict', `key "${key}" is at revision ${found}, not ${expected}`);

export const absent = (key: string): HeddleError => new HeddleError('NotFound', `key "${key}" does not exist`);

/**
 * Changes that `writes` make on a state read through `current`, numbered from `revision + 1`; throws `Conflict`,
 * `NotFound` or `BadRequest` without effect.
 */
export const planCommit = (
  writes: readonly Write[],
  revision: Revision,
  current: (key: string) => Entry | undefined,
): readonly Change[] => {
  checkWrites(writes);
  const changes: Change[] = [];
  for (const write of writes) changes.push(...changesOf(write, current(write.key), revision + changes.length + 1));
  return changes;
};

/** One change, or none of a check that holds. */
const changesOf = (write: Write, previous: Entry | undefined, revision: Revision): readonly Change[] => {
  const found = previous?.revision ?? 0;
  if (write.type === 'delete' && previous === undefined) throw absent(write.key);
  if (write.expected !== undefined && write.expected !== found) throw conflict(write.key, found, write.expected);
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
