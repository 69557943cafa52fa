/**
 * How much may be deleted at once. A mistake in intent, such as a file with too little in it applied with pruning, looks
 * like any other change; what gives it away is how much it takes away. Limits are of the Fabric (`spec.safety`), and what
 * exceeds them is held until somebody says that it is meant. Pure; what is held is kept by holds.ts.
 *
 * Small numbers are never held, however large a share they are: a leaf with one tenant loses most of its rows when that
 * tenant goes. The default floor of 50 rows is what a VPC with about twenty ports on one leaf comes to, and 10 devices are
 * a fabric that one person still looks after by name.
 */
import type { DefaultedFabricSpec } from '../api/kinds/fabric.ts';

export type SafetyLimits = DefaultedFabricSpec['safety'];

/** What a device would lose, together with what it lost within the window before. */
export interface Loss {
  readonly device: string;
  readonly rows: number;
  /** Rows it had before. */
  readonly of: number;
  /** Nothing of its own goal state would be left, though it is declared. */
  readonly emptied: boolean;
  /** Its Switch is gone: it takes tenants' ports out of service. */
  readonly isolated: boolean;
}

export type HoldReason = 'TooManyRows' | 'TooManyDevices' | 'EmptyGoal';

export interface Situation {
  readonly limits: SafetyLimits;
  /** Declared devices of the fabric, those that are being removed included. */
  readonly devices: () => number;
  /** Devices that were hit within the window before. */
  readonly hit: ReadonlySet<string>;
}

/** A device that loses at least this share of its rows, and so many, counts as hit by a change; so does one that is isolated. */
const hitPercent = 10;
const hitRows = 10;

/** Rows that a device which has `of` may lose within the window. */
export const rowLimit = (of: number, { maxDeletedPercent, minDeletedRows }: SafetyLimits): number =>
  Math.max(minDeletedRows, Math.floor((of * maxDeletedPercent) / 100));

/** Devices of a fabric that may be hit within the window. */
export const deviceLimit = (devices: number, { maxDevicesPercent, minDevices }: SafetyLimits): number =>
  Math.max(minDevices, Math.floor((devices * maxDevicesPercent) / 100));

export const isHit = ({ isolated, rows, of }: Pick<Loss, 'isolated' | 'rows' | 'of'>): boolean => isolated || (rows >= hitRows && rows * 100 >= of * hitPercent);

/**
 * What is wrong with one device's loss taken alone. Whoever deletes a Switch has named the device, so that is judged only by
 * how many devices are hit. An empty goal is never meant: a Switch with a fault, or a Fabric that is gone, leads there.
 */
export const judgeDevice = (loss: Loss, limits: SafetyLimits): HoldReason | undefined => {
  if (loss.isolated) return undefined;
  if (loss.emptied) return 'EmptyGoal';
  return loss.rows > rowLimit(loss.of, limits) ? 'TooManyRows' : undefined;
};

/** Devices of one fabric whose losses are to be held, with the reason. */
export const judge = (losses: readonly Loss[], { limits, devices, hit }: Situation): ReadonlyMap<string, HoldReason> => {
  const held = new Map<string, HoldReason>();
  for (const loss of losses) {
    const reason = judgeDevice(loss, limits);
    if (reason !== undefined) held.set(loss.device, reason);
  }
  const hits = losses.filter((loss) => isHit(loss) && !hit.has(loss.device));
  const all = hit.size + hits.length;
  if (all <= limits.minDevices || all <= deviceLimit(devices(), limits)) return held;
  for (const { device } of hits) if (!held.has(device)) held.set(device, 'TooManyDevices');
  return held;
};
