/** How long an office lasts and how often it is renewed. */

export interface LeaseTiming {
  /** How long others wait since they last saw the Lease change. Whole seconds, as Kubernetes has it. */
  readonly leaseSeconds: number;
  /**
   * A leader that could not renew for this long gives up. Must be less than the lease: the difference is what clocks may differ
   * in pace and how long the last write may be under way.
   */
  readonly giveUpMilliseconds: number;
  readonly renewMilliseconds: number;
  /** How often those who do not lead look, but for a fifth by chance. */
  readonly lookMilliseconds: number;
}

/** Several servers on one store: the next one leads 2 to 2.6 s after the last one died. */
export const promptTiming: LeaseTiming = { leaseSeconds: 2, giveUpMilliseconds: 1500, renewMilliseconds: 500, lookMilliseconds: 250 };

/**
 * A store that only one process can have open: that lock is the proof, and the Lease only says so, in a write every 20 s. Nobody
 * waits for it at the next start, since the holder's name is the same.
 */
export const aloneTiming: LeaseTiming = { leaseSeconds: 60, giveUpMilliseconds: 45_000, renewMilliseconds: 20_000, lookMilliseconds: 5000 };

/** As client-go's defaults: for clusters that others share, whose API servers should not be asked four times a second. */
export const patientTiming: LeaseTiming = { leaseSeconds: 15, giveUpMilliseconds: 10_000, renewMilliseconds: 2000, lookMilliseconds: 2000 };

/** The timing of a lease of that many seconds, in the proportions of `promptTiming`. */
export const timingOf = (leaseSeconds: number): LeaseTiming => ({
  leaseSeconds,
  giveUpMilliseconds: leaseSeconds * 750,
  renewMilliseconds: leaseSeconds * 250,
  lookMilliseconds: leaseSeconds * 125,
});
