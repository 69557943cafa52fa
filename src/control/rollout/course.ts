/**
 * The course of a rollout as a function: from where it is and what devices say to what happens next. A wave is let go, waits until
 * its devices have acknowledged and are healthy, is watched for the time of soaking, and then the next one goes. Pure: times are
 * milliseconds of one monotonic clock.
 */

/** What a device says of the change. */
export type Health =
  | { readonly state: 'healthy' }
  /** It has not answered yet, or is not up again. */
  | { readonly state: 'waiting'; readonly what: string }
  /** It refused, or cannot do it. */
  | { readonly state: 'failed'; readonly reason: string; readonly message: string };

export interface Failure {
  readonly device: string;
  readonly reason: string;
  readonly message: string;
}

export interface Course {
  readonly waves: readonly (readonly string[])[];
  /** Waves that were let go. */
  readonly released: number;
  /** When the last of them was. */
  readonly since: number;
  /** Since when all its devices are healthy. */
  readonly healthySince?: number;
}

export interface Pace {
  readonly soakMilliseconds: number;
  readonly deadlineMilliseconds: number;
  readonly paused: boolean;
}

export type Step =
  | { readonly next: 'release' }
  /** Nothing before this time, unless devices say something. */
  | { readonly next: 'wait'; readonly until: number; readonly course: Course; readonly message: string }
  | { readonly next: 'halt'; readonly failures: readonly Failure[] }
  | { readonly next: 'complete' };

/** @param healthOf what a device of a released wave says now */
export const stepOf = (course: Course, pace: Pace, healthOf: (device: string) => Health, now: number): Step => {
  const released = course.waves.slice(0, course.released);
  const failures: Failure[] = [];
  const late: Failure[] = [];
  for (const device of released.flat()) {
    const health = healthOf(device);
    if (health.state === 'failed') failures.push({ device, reason: health.reason, message: health.message });
    if (health.state === 'waiting') late.push({ device, reason: 'DeadlineExceeded', message: health.what });
  }
  if (failures.length > 0) return { next: 'halt', failures };
  if (late.length > 0) return waitFor(course, pace, late, now);
  return soak(course, pace, now);
};

/** A device that was healthy and is not any more has as long as one that just got the change. */
const waitFor = ({ healthySince, ...course }: Course, { deadlineMilliseconds }: Pace, late: readonly Failure[], now: number): Step => {
  const since = healthySince === undefined ? course.since : now;
  const until = since + deadlineMilliseconds;
  if (now >= until) return { next: 'halt', failures: late };
  const [first] = late;
  const others = late.length > 1 ? ` and ${late.length - 1} more` : '';
  return { next: 'wait', until, course: { ...course, since }, message: `wave ${course.released} of ${course.waves.length}: waits for ${first?.device ?? ''}${others}: ${first?.message ?? ''}` };
};

const soak = (course: Course, { soakMilliseconds, paused }: Pace, now: number): Step => {
  const { released, waves } = course;
  if (released === 0) return paused ? waitPaused(course) : { next: 'release' };
  const healthySince = course.healthySince ?? now;
  const until = healthySince + soakMilliseconds;
  if (now < until) return { next: 'wait', until, course: { ...course, healthySince }, message: `wave ${released} of ${waves.length}: is healthy and watched for a while` };
  if (released >= waves.length) return { next: 'complete' };
  return paused ? waitPaused({ ...course, healthySince }) : { next: 'release' };
};

const waitPaused = (course: Course): Step => ({
  next: 'wait', until: Number.POSITIVE_INFINITY, course, message: `wave ${course.released} of ${course.waves.length}: paused by spec.rollout.paused of the Fabric`,
});
