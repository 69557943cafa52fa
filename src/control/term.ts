/**
 * The leader's term: a number that grows with every control plane that takes office, kept where all of them can see it.
 * Devices refuse writes of an older term than they have seen, so one that was replaced without knowing can do no harm.
 */
import { HeddleError } from '../kit/error.ts';
import type { Store } from '../store/store.ts';

/** Outside of what the resource API serves. */
const key = '/heddle/term';

/** Takes the next term, 1 for the first, durable before it resolves; whoever loses a race takes the one after. */
export const takeTerm = async (store: Store): Promise<number> => {
  for (;;) {
    const before = await store.get(key);
    const term = Number(before?.value ?? 0) + 1;
    try {
      await store.commit([{ type: 'put', key, value: String(term), expected: before?.revision ?? 0 }]);
      return term;
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'Conflict') throw thrown;
    }
  }
};
