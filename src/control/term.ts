/**
 * The leader's term: a number that grows with every control plane that takes office, kept where all of them can see it.
 * Devices refuse writes of an older term than they have seen, so one that was replaced without knowing can do no harm.
 */
import { HeddleError } from '../kit/error.ts';
import type { Store } from '../store/store.ts';

/** Outside of what the resource API serves. */
const key = '/heddle/term';

/**
 * Takes the next term, durable before it resolves; whoever loses a race takes the one after. Terms follow the clock where it
 * is ahead of them, so that a store that was lost or restored from a backup does not begin below what devices have seen.
 *
 * @param now seconds since 1970
 */
export const takeTerm = async (store: Store, now: number): Promise<number> => {
  for (;;) {
    const before = await store.get(key);
    const term = Math.max(Number(before?.value ?? 0) + 1, Math.floor(now));
    try {
      await store.commit([{ type: 'put', key, value: String(term), expected: before?.revision ?? 0 }]);
      return term;
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'Conflict') throw thrown;
    }
  }
};
