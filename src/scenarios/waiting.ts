/** Waiting for what a test asserts, where a fault may still heal. */
import { until } from '../kit/testing.ts';

/** Runs `check` until it stops throwing; after the deadline its last error is the test's. */
export const eventually = async (check: () => Promise<void>, milliseconds = 30_000): Promise<void> => {
  let last: unknown;
  const holds = async (): Promise<boolean> => {
    try {
      await check();
      return true;
    } catch (error) {
      last = error;
      return false;
    }
  };
  await until('the check', holds, milliseconds).catch((error: unknown) => {
    throw last ?? error;
  });
};
