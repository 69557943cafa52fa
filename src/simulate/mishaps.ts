/** What befalls devices by chance while a simulation runs: each has its own times, which follow from the seed. */
import type { Faults } from './faults.ts';
import { Random } from './random.ts';

export type Mishap = 'crash' | 'reboot' | 'drift';

export interface MishapsOptions {
  readonly devices: readonly string[];
  readonly faults: Faults;
  readonly seed: number;
  readonly befall: (device: string, mishap: Mishap, random: Random) => void;
}

const mishaps: readonly (readonly [Mishap, (faults: Faults) => number])[] = [
  ['crash', ({ crashSeconds }) => crashSeconds],
  ['reboot', ({ rebootSeconds }) => rebootSeconds],
  ['drift', ({ driftSeconds }) => driftSeconds],
];

/** Begins, and answers how to end. */
export const startMishaps = ({ devices, faults, seed, befall }: MishapsOptions): (() => void) => {
  const timers = new Map<string, NodeJS.Timeout>();
  const next = (device: string, mishap: Mishap, meanSeconds: number, random: Random): void => {
    const timer = setTimeout(() => {
      befall(device, mishap, random);
      next(device, mishap, meanSeconds, random);
    }, random.until(meanSeconds) * 1000);
    timers.set(`${mishap} ${device}`, timer);
  };
  for (const [mishap, meanSeconds] of mishaps) {
    if (meanSeconds(faults) === 0) continue;
    for (const device of devices) next(device, mishap, meanSeconds(faults), Random.named(seed, `${device}/${mishap}`));
  }
  return () => {
    for (const timer of timers.values()) clearTimeout(timer);
  };
};
