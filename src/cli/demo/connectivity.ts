/** What a check of the lab says, in the words of the main job. */
import type { CheckResult, CheckedPair } from '../../lab/check.ts';

export interface Tally {
  readonly right: number;
  readonly all: number;
  /** `web-1 -> lab-1: must not connect, but does (icmp)`, one an ordered pair that is not as intended. */
  readonly wrong: readonly string[];
}

/** Counts ordered pairs; one is right when every protocol is. */
export const tallyOf = ({ pairs }: CheckResult): Tally => {
  const byPair = [...Map.groupBy(pairs, ({ from, to }) => `${from} -> ${to}`)];
  const wrong = byPair.flatMap(([pair, probes]) => {
    const bad = probes.filter(({ expected, actual }) => expected !== actual);
    return bad.length === 0 ? [] : [`${pair}: ${complaint(bad)}`];
  });
  return { right: byPair.length - wrong.length, all: byPair.length, wrong };
};

const complaint = (bad: readonly CheckedPair[]): string => {
  const [first] = bad;
  const what = first?.expected === 'allow' ? 'must connect, but does not' : 'must not connect, but does';
  return `${what} (${bad.map(({ proto, note }) => (note === undefined ? proto : `${proto}: ${note}`)).join(', ')})`;
};

/** Whether packets pass from one server to another, by every protocol tried. */
export const passes = ({ pairs }: CheckResult, from: string, to: string): boolean => {
  const probes = pairs.filter((pair) => pair.from === from && pair.to === to);
  return probes.length > 0 && probes.every(({ actual }) => actual === 'allow');
};
