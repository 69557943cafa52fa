/**
 * Time as an argument: what waits or measures takes a `Clock`, so that a test decides how late it is.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since 1970, may jump. */
  now(): number;
  /** Milliseconds since some start, never goes back: for measuring. */
  monotonic(): number;
  /** Resolves after that many milliseconds; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
};

export interface ManualClock extends Clock {
  /** Moves time on and wakes, in order of their time, everything that slept until then. */
  advance(milliseconds: number): Promise<void>;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock for tests; time stands still until `advance`. */
export const manualClock = (start = 0): ManualClock => {
  let time = start;
  let sleepers: Sleeper[] = [];
  const earliest = (until: number): Sleeper | undefined =>
    sleepers.filter((sleeper) => sleeper.due <= until).sort((a, b) => a.due - b.due)[0];
  return {
    now: () => time,
    monotonic: () => time - start,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const sleeper: Sleeper = { due: time + milliseconds, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal.reason);
        });
      }),
    advance: async (milliseconds) => {
      const end = time + milliseconds;
      for (let next = earliest(end); next !== undefined; next = earliest(end)) {
        const woken = next;
        sleepers = sleepers.filter((other) => other !== woken);
        time = woken.due;
        woken.wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
      time = end;
    },
  };
};
