/**
 * Several API servers on one store: while one of them finds out that nobody refers to an object, and deletes it, no other may
 * let somebody begin to. A key beside the objects says that this is under way. Who would refer to the object writes only while that
 * key is absent, in the same commit; what was written before the key is seen by who holds it. So the guard is exact at the
 * price of one small write a deletion and one comparison a reference, and objects that are used are never touched for it.
 *
 * A server that died meanwhile leaves its key behind. Who waits for it long enough takes it away, and whoever made it cannot
 * delete any more, as his commit names the key too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { refKey, type ObjectRef } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Revision, Store, Write } from '../../store/store.ts';

export interface Reservation {
  /** Everything that was written before it has a lower one. */
  readonly revision: Revision;
  /** Ends it; to be committed with what it was made for. */
  readonly end: Write;
  /** `end` was committed. */
  ended(): void;
  /** Ends it without that; nothing happens when it has ended. */
  release(): Promise<void>;
}

const lookMilliseconds = 20;
/** By this process's clock since it first saw it; a reservation is of two writes and what is between them. */
const patienceMilliseconds = 1000;

export const reservationKey = (ref: ObjectRef): string => `/heddle/reserved/${refKey(ref)}`;

/** Holds while nobody has reserved the object. */
export const unreserved = (ref: ObjectRef): Extract<Write, { readonly type: 'check' }> => ({ type: 'check', key: reservationKey(ref), expected: 0 });

/** Waits for others. @throws HeddleError what the store says */
export const reserve = async (store: Store, ref: ObjectRef): Promise<Reservation> => {
  const key = reservationKey(ref);
  for (;;) {
    try {
      const [change] = await store.commit([{ type: 'put', key, value: '{}', expected: 0 }]);
      return reservationOf(store, key, change?.entry.revision ?? 0);
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'Conflict') throw thrown;
      await awaitEnd(store, key);
    }
  }
};

const reservationOf = (store: Store, key: string, revision: Revision): Reservation => {
  const end = { type: 'delete', key, expected: revision } as const;
  let hasEnded = false;
  return {
    revision,
    end,
    ended: () => (hasEnded = true),
    release: async () => {
      if (!hasEnded) await store.commit([end]).catch(ignoreLost);
    },
  };
};

/** Resolves when the key is gone, which it is after a while at the latest. */
export const awaitEnd = async (store: Store, key: string): Promise<void> => {
  const began = performance.now();
  let first: Revision | undefined;
  for (;;) {
    const revision = (await store.get(key))?.revision;
    first ??= revision;
    if (revision === undefined || revision !== first) return;
    if (performance.now() - began > patienceMilliseconds) {
      await store.commit([{ type: 'delete', key, expected: revision }]).catch(ignoreLost);
      return;
    }
    await sleep(lookMilliseconds);
  }
};

const ignoreLost = (thrown: unknown): void => {
  const { code } = HeddleError.from(thrown);
  if (code !== 'Conflict' && code !== 'NotFound') throw thrown;
};
