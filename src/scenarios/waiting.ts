/** Waiting in tests: for a state, not for a time. */
import assert from 'node:assert/strict';
import { systemClock } from '../kit/clock.ts';

/** Runs `check` until it stops throwing; after the deadline its last error is the test's. */
export const eventually = async (check: () => Promise<void>, deadlineMilliseconds = 30_000): Promise<void> => {
  const end = systemClock.monotonic() + deadlineMilliseconds;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (systemClock.monotonic() > end) throw error;
      assert.ok(error instanceof Error);
      await systemClock.sleep(50);
    }
  }
};
