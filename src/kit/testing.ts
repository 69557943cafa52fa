/** Waiting in tests: for a state, not for a time. */
import { systemClock } from './clock.ts';

const longestPauseMilliseconds = 50;

/**
 * Asks until the answer is neither false nor undefined, and answers it; fails in the end, saying what was waited for. It
 * looks often at first and less often later, so that neither the quick nor the costly look is slowed down.
 */
export const until = async <Answer>(
  what: string,
  ask: () => Answer | false | undefined | Promise<Answer | false | undefined>,
  milliseconds = 10_000,
): Promise<Answer> => {
  const deadline = systemClock.monotonic() + milliseconds;
  for (let pause = 1; ; pause = Math.min(2 * pause, longestPauseMilliseconds)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (systemClock.monotonic() > deadline) throw new Error(`waited in vain: ${what}`);
    await systemClock.sleep(pause);
  }
};
