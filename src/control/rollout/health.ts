/**
 * Whether a device that got a wave is well: it has acknowledged what it was sent, nothing fails that did not before, and the
 * sessions that it had are up again. Pure.
 */
import type { Health } from './course.ts';

/** What is known of a device at one moment. */
export interface Vitals {
  readonly connected: boolean;
  /** Rows that it cannot do, as `<scope> <table>/<key>`, with what it says. */
  readonly failures: ReadonlyMap<string, string>;
  /** BGP sessions by name, with whether they are up; undefined: it does not tell. */
  readonly sessions?: ReadonlyMap<string, boolean> | undefined;
  /** Leaves that answered it, as `<device> (<VTEP>)`, with whether they do; undefined: it does not probe. */
  readonly probes?: ReadonlyMap<string, boolean> | undefined;
}

export interface Checks {
  readonly sessions: boolean;
  readonly probes: boolean;
}

const healthy: Health = { state: 'healthy' };
const waiting = (what: string): Health => ({ state: 'waiting', what });

/**
 * @param before as it was when the wave was let go
 * @param hasAcknowledged everything it was sent of the wave
 */
export const healthOf = (before: Vitals, now: Vitals, hasAcknowledged: boolean, checks: Checks): Health => {
  for (const [row, message] of now.failures) {
    if (!before.failures.has(row)) return { state: 'failed', reason: 'Refused', message: `${row.slice(row.indexOf(' ') + 1)}: ${message}` };
  }
  // A device that was away before is not away because of it, and is given it when it comes.
  if (!now.connected) return before.connected ? waiting('is not connected') : healthy;
  if (!hasAcknowledged) return waiting('has not acknowledged');
  const session = checks.sessions ? lost(before.sessions, now.sessions) : undefined;
  if (session !== undefined) return waiting(`BGP session ${session} is down`);
  const probe = checks.probes ? lost(before.probes, now.probes) : undefined;
  return probe === undefined ? healthy : waiting(`the VTEP of ${probe} does not answer`);
};

/** What was there and is not; what is gone altogether is not asked for any more. */
const lost = (before: Vitals['sessions'], now: Vitals['sessions']): string | undefined => {
  for (const [name, isUp] of before ?? []) if (isUp && now?.get(name) === false) return name;
  return undefined;
};
