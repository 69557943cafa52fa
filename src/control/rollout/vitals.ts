/** What controller and devices know of the health of a device. */
import type { GoalState, Version } from '../../goal/state.ts';
import type { Barrier } from '../barrier.ts';
import type { Devices } from '../devices.ts';
import type { Sessions } from '../sessions.ts';
import type { Underlay } from '../underlay.ts';
import type { Probing } from './probing.ts';
import type { Vitals } from './health.ts';

export interface VitalSources {
  readonly goal: GoalState;
  readonly barrier: Barrier;
  readonly devices: Devices;
  readonly underlay: Pick<Underlay, 'sessions'>;
  readonly sessions: Pick<Sessions, 'of'>;
  readonly probing: Pick<Probing, 'results'>;
}

export const vitalsOf = (device: string, { goal, barrier, devices, underlay, sessions, probing }: VitalSources): Vitals => {
  const failures = new Map<string, string>();
  for (const scope of goal.subscriptions(device)) {
    for (const { row, message } of barrier.failedRows(device, scope)) failures.set(`${scope} ${row}`, message);
  }
  return { connected: devices.get(device)?.connected === true, failures, sessions: allOf(underlay.sessions(device), sessions.of(device)), probes: probing.results(device) };
};

/** Those with other devices, and those with routers outside. */
const allOf = (...lists: readonly Vitals['sessions'][]): Vitals['sessions'] =>
  lists.every((list) => list === undefined) ? undefined : new Map(lists.flatMap((list) => [...(list ?? [])]));

/** Whether a device runs every scope that it holds as it was at a version of goal state, or later. */
export const hasAcknowledged = (device: string, version: Version, { goal, barrier }: Pick<VitalSources, 'goal' | 'barrier'>): boolean =>
  goal.subscriptions(device).every((scope) => {
    const acknowledged = barrier.acknowledged(device, scope);
    return acknowledged !== undefined && (acknowledged >= version || acknowledged === goal.scope(scope).version);
  });
