/**
 * The leader's term: a number that grows with every control plane that takes office, kept where all of them can see it.
 * Devices refuse writes of an older term than they have seen, so one that was replaced without knowing can do no harm there; and
 * the store refuses its writes, because each of them names the revision at which its term was taken.
 */
import { HeddleError } from '../kit/error.ts';
import type { Revision, Store, Write } from '../store/store.ts';

/** Outside of what the resource API serves. */
export const termKey = '/heddle/term';

export interface Term {
  readonly term: number;
  /** At which `termKey` has it: another one, and somebody else is in office. */
  readonly revision: Revision;
}

/**
 * Takes the next term, durable before it resolves; whoever loses a race takes the one after. Terms follow the clock where it
 * is ahead of them, so that a store that was lost or restored from a backup does not begin below what devices have seen.
 *
 * @param least of the term, such as the seconds since 1970
 * @param lease holds while the caller is in office: asked anew for every attempt, as holders renew it
 * @throws HeddleError `Conflict` when the office is somebody else's
 */
export const takeTerm = async (store: Store, least: number, lease?: () => Extract<Write, { readonly type: 'check' }>): Promise<Term> => {
  for (;;) {
    const before = await store.get(termKey);
    const term = Math.max(Number(before?.value ?? 0) + 1, Math.floor(least));
    const check = lease?.();
    try {
      const put = { type: 'put', key: termKey, value: String(term), expected: before?.revision ?? 0 } as const;
      const [change] = await store.commit([...(check === undefined ? [] : [check]), put]);
      return { term, revision: change?.entry.revision ?? 0 };
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'Conflict') throw thrown;
      const isSame = check?.expected === lease?.().expected && (await store.get(termKey))?.revision === before?.revision;
      if (isSame) throw thrown;
    }
  }
};
