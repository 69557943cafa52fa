/** Which devices get a change when: canaries first, then the rest in waves of about the same size. Pure. */
import type { Selector } from '../../api/kinds/selector.ts';
import { matches, type Labelled } from '../../compile/selection.ts';
import { byText } from '../../kit/order.ts';

export interface WaveOrder {
  /** Left out: the first device by name. */
  readonly canary?: Selector | undefined;
  /** Devices of a wave after the canaries, percent of all that are concerned; at least one. */
  readonly wavePercent: number;
}

export interface Member extends Labelled {
  /** Redundancy group. */
  readonly group?: string | undefined;
}

/**
 * Waves of device names, none of them empty. Devices of one redundancy group are spread over waves as far as that goes, so that
 * one of them is left when a wave fails.
 */
export const wavesOf = (devices: readonly Member[], { canary, wavePercent }: WaveOrder): readonly (readonly string[])[] => {
  const ordered = devices.toSorted((left, right) => byText(left.name, right.name));
  const chosen = canary === undefined ? ordered.slice(0, 1) : ordered.filter((device) => matches(canary, device));
  // A selector that meets none of the devices concerned must not let the change go to all of them untried.
  const canaries = chosen.length === 0 ? ordered.slice(0, 1) : chosen;
  const rest = spread(ordered.filter((device) => !canaries.includes(device)));
  const size = Math.max(1, Math.ceil((devices.length * wavePercent) / 100));
  const waves = [canaries];
  for (let from = 0; from < rest.length; from += size) waves.push(rest.slice(from, from + size));
  return waves.filter(({ length }) => length > 0).map((wave) => wave.map(({ name }) => name));
};

/** First members of every group, then second ones, and so on. */
const spread = (devices: readonly Member[]): readonly Member[] => {
  const seen = new Map<string, number>();
  const turns = devices.map((device) => {
    const turn = device.group === undefined ? 0 : (seen.get(device.group) ?? 0);
    if (device.group !== undefined) seen.set(device.group, turn + 1);
    return { device, turn };
  });
  return turns.toSorted((left, right) => left.turn - right.turn).map(({ device }) => device);
};
