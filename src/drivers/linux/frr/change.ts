/** From one context's lines to another's, as commands one would type into vtysh. */
import type { FrrState } from '../model.ts';

/** bfdd knows no `no` for its timers: they go back by being set to their defaults. */
const bfdDefaults: ReadonlyMap<string, number> = new Map([['transmit-interval', 300], ['receive-interval', 300], ['detect-multiplier', 3]]);

const negate = (line: string): string => {
  const [word = ''] = line.split(' ');
  const usual = bfdDefaults.get(word);
  if (usual !== undefined) return `${word} ${usual}`;
  return line.startsWith('no ') ? line.slice(3) : `no ${line}`;
};

/** Lines that are too many go first, in reverse, since later lines may depend on earlier ones. */
export const lineCommands = (from: readonly string[], to: readonly string[]): readonly string[] => [
  ...from.filter((line) => !to.includes(line)).toReversed().map(negate),
  ...to.filter((line) => !from.includes(line)),
];

const list = /^(ip prefix-list|ipv6 prefix-list|bgp community-list standard|mac access-list) /;

/**
 * What one would type to make a context, or to lead it from some lines to others. An entry of a list is typed with its list;
 * what comes is typed first, since a list without entries is no list, and then what refuses by it refuses nothing.
 */
export const contextCommands = (path: readonly string[], from: readonly string[], to: readonly string[]): readonly string[] => {
  const [top = ''] = path;
  if (!list.test(top)) return [...path, ...lineCommands(from, to)];
  return [
    ...to.filter((line) => !from.includes(line)).map((line) => `${top} ${line}`),
    ...from.filter((line) => !to.includes(line)).map((line) => `no ${top} ${line}`),
  ];
};

/** A VRF itself goes with its namespace; what is removed here is its VNI. */
export const removalCommands = ({ path, lines }: FrrState): readonly string[] => {
  const parents = path.slice(0, -1);
  const last = path.at(-1) ?? '';
  if (last.startsWith('address-family ')) return [...path, ...lineCommands(lines, [])];
  if (last.startsWith('vrf ')) return [last, ...lineCommands(lines, [])];
  return [...parents, `no ${last}`];
};
