/** What a lab says while it works: one event when a step begins and one when it ended, with the time it took. */
import { systemClock } from '../kit/clock.ts';

export interface ProgressEvent {
  readonly step: string;
  readonly phase: 'begin' | 'end';
  /** Of this step; 0 when it begins. */
  readonly elapsedMilliseconds: number;
  /** What came out, for people. */
  readonly detail?: string;
}

export type Progress = (event: ProgressEvent) => void;

/** Runs a step and tells when it begins and ends; a step that fails ends nothing. A returned string is its detail. */
export const stepper =
  (progress: Progress = () => {}) =>
  async <Result>(step: string, work: () => Promise<Result>): Promise<Result> => {
    const began = systemClock.monotonic();
    progress({ step, phase: 'begin', elapsedMilliseconds: 0 });
    const result = await work();
    const detail = typeof result === 'string' ? { detail: result } : {};
    progress({ step, phase: 'end', elapsedMilliseconds: systemClock.monotonic() - began, ...detail });
    return result;
  };

/** Waits for all to end, also when one fails, and only then fails with the first fault: nothing goes on behind the caller. */
export const together = async <Result>(work: readonly Promise<Result>[]): Promise<Result[]> => {
  const settled = await Promise.allSettled(work);
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
};

/** Runs `work` on every item, at most `width` at a time; no further item is begun after a fault. */
export const spread = async <Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>): Promise<void> => {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await work(item);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  await together(Array.from({ length: width }, worker));
};
