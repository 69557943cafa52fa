/**
 * Which devices may lose too much by a change, seen from the scopes that lose rows. Nearly every deletion is small, and of a
 * scope that thousands of devices share: a few sums show that none of them comes near a limit, and only those of whom they do
 * not show it are looked at one by one (holds.ts). It may name a device too many, never one too few.
 */
import { deviceScope } from '../goal/rows.ts';
import type { GoalState } from '../goal/state.ts';
import type { RecentLosses } from './recent.ts';
import { isHit, type SafetyLimits } from './safety.ts';

export interface Outlook {
  readonly goal: GoalState;
  readonly recent: RecentLosses;
  readonly limitsOf: (device: string) => SafetyLimits;
  /** Of every fabric. */
  readonly allLimits: readonly SafetyLimits[];
  /** How many rows are to go, by scope. */
  readonly doomed: ReadonlyMap<string, { readonly size: number }>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Of the devices that hold one of these scopes, those that may lose too much, or so much that it counts as a hit. */
export const suspectsIn = (scopes: Iterable<string>, outlook: Outlook): Set<string> => {
  const { goal, doomed, allLimits, now } = outlook;
  const suspects = new Set<string>();
  const near = new Set<string>();
  const since = now - 1000 * Math.max(0, ...allLimits.map(({ windowSeconds }) => windowSeconds));
  const losses = lossesIn(outlook, since);
  let total = 0;
  for (const rows of losses.values()) total += rows;
  const isSmall = total <= Math.min(...allLimits.map(({ minDeletedRows }) => minDeletedRows));
  for (const scope of scopes) {
    if (!doomed.has(scope)) continue;
    // Its `member` rows may take whole scopes with them, and none may be left.
    if (scope.startsWith(devicePrefix)) suspects.add(scope.slice(devicePrefix.length));
    else if (!isSmall || mayHit(total, left(scope, outlook))) for (const device of goal.devicesOf(scope)) near.add(device);
  }
  // What was lost anywhere is more than what one device lost.
  if (isSmall) for (const device of near) if (!mayBeHit(device, total, outlook)) near.delete(device);
  if (near.size > 0) for (const device of nearest(near, losses, outlook)) suspects.add(device);
  return suspects;
};

/** By scope: rows that are to go, and those that went lately. */
const lossesIn = ({ doomed, recent }: Outlook, since: number): Map<string, number> => {
  const losses = recent.counts(since);
  for (const [scope, { size }] of doomed) losses.set(scope, (losses.get(scope) ?? 0) + size);
  return losses;
};

/** Rows of a scope that certainly stay. */
const left = (scope: string, { goal, doomed }: Outlook): number => goal.scope(scope).rows.size - (doomed.get(scope)?.size ?? 0);

const mayHit = (rows: number, of: number): boolean => isHit({ rows, of, isolated: false });

/** Those among the devices whose own sums do not show that they are far from any limit. */
function* nearest(devices: ReadonlySet<string>, losses: ReadonlyMap<string, number>, outlook: Outlook): Generator<string> {
  const { goal, limitsOf } = outlook;
  const rowsOf = new Map<string, number>();
  for (const [scope, rows] of losses) {
    for (const device of goal.devicesOf(scope)) if (devices.has(device)) rowsOf.set(device, (rowsOf.get(device) ?? 0) + rows);
  }
  for (const [device, rows] of rowsOf) if (rows > limitsOf(device).minDeletedRows || mayBeHit(device, rows, outlook)) yield device;
}

/** Adds up what the device has only until it is enough. */
const mayBeHit = (device: string, rows: number, outlook: Outlook): boolean => {
  let of = 0;
  for (const scope of outlook.goal.subscriptions(device)) {
    of += left(scope, outlook);
    if (!mayHit(rows, of)) return false;
  }
  return true;
};

const devicePrefix = deviceScope('');
