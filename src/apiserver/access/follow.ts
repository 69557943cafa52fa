/**
 * Keeps something in memory equal to the objects of a kind, by list and watch: right also when another server on the same
 * store writes them. A watch that was cut off begins again with a list.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Registry } from '../registry/registry.ts';

export interface Follower {
  /** All objects there are, whatever was told before. */
  reset(items: readonly Resource[]): void;
  put(object: Resource): void;
  remove(object: Resource): void;
}

const retryMilliseconds = 500;

/** Resolves after the first `reset`; goes on until the signal aborts. `onError` hears of what it tries again after. */
export const follow = async (
  registry: Registry,
  kind: string,
  follower: Follower,
  signal: AbortSignal,
  onError: (error: HeddleError) => void,
): Promise<void> => {
  const served = registry.scheme.byKind(kind);
  const relist = async (): Promise<number> => {
    const { items, revision } = await registry.list(served);
    follower.reset(items);
    return revision;
  };
  const watchFrom = async (after: number): Promise<void> => {
    for await (const { type, object } of registry.watch(served, { after, signal, buffer: 100_000 })) {
      if (type === 'DELETED') follower.remove(object);
      else follower.put(object);
    }
  };
  const goOn = async (first: number): Promise<void> => {
    for (let after: number | undefined = first; !signal.aborted; ) {
      try {
        after ??= await relist();
        await watchFrom(after);
      } catch (thrown) {
        if (signal.aborted) return;
        const error = HeddleError.from(thrown);
        if (error.code !== 'Expired') {
          onError(error);
          await sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);
        }
      }
      after = undefined;
    }
  };
  void goOn(await relist());
};
