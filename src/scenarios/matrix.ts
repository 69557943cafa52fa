/**
 * The words of a `reach` step: which party reaches which, with what. Pure.
 *
 *   a -> b                 everything, in every address family that both have
 *   a <-> b                both ways
 *   a b c                  each reaches each other
 *   a -> b: tcp/443 icmp6  only this; `tcp`, `udp` and `icmp` alone stand for all ports, `v4` and `v6` for a whole family
 *
 * A party is a server that has one attachment (`a1`), one attachment of a server (`a1/eth1`, `a1/eth1.100`), an External
 * (`internet`) or an address that a server announces (`a1@10.1.1.100`). What no line says must not connect.
 */
import { HeddleError } from '../kit/error.ts';
import type { CheckedPair } from '../lab/checkplan.ts';
import { formatService, usualPorts, type Family, type Protocol, type Service } from '../lab/service.ts';


/** What a line allows; what it leaves out is any. */
export interface Allowed {
  readonly family?: Family;
  readonly proto?: Protocol;
  readonly port?: number;
}

/** By `from -> to`, what passes. */
export type Reach = ReadonlyMap<string, readonly Allowed[]>;

export const pairKey = (from: string, to: string): string => `${from} -> ${to}`;

export const parseReach = (lines: readonly (string | { readonly [pair: string]: string })[]): Reach => {
  const reach = new Map<string, Allowed[]>();
  for (const line of lines) {
    const [pairs, services] = typeof line === 'string' ? splitLine(line) : (Object.entries(line)[0] ?? ['', '']);
    const allowed = services === '' ? [{}] : services.split(/[\s,]+/).map(parseAllowed);
    for (const pair of parsePairs(pairs)) reach.set(pair, [...(reach.get(pair) ?? []), ...allowed]);
  }
  return reach;
};

const splitLine = (line: string): [string, string] => {
  const [pairs = '', services = ''] = line.split(/:\s+/);
  return [pairs, services];
};

const parsePairs = (text: string): string[] => {
  const arrow = /^(\S+) (<?->) (\S+)$/.exec(text.trim());
  if (arrow !== null) {
    const [, from = '', sign, to = ''] = arrow;
    return sign === '->' ? [pairKey(from, to)] : [pairKey(from, to), pairKey(to, from)];
  }
  const parties = text.trim().split(/\s+/);
  if (parties.length < 2 || parties.some((party) => party.includes('>'))) {
    throw new HeddleError('Invalid', `"${text}" is not a line of a reach step: write "a -> b", "a <-> b" or "a b c"`);
  }
  return parties.flatMap((from) => parties.flatMap((to) => (from === to ? [] : [pairKey(from, to)])));
};

const parseAllowed = (text: string): Allowed => {
  const found = /^(?:v([46])|(icmp|tcp|udp)([46])?(?:\/(\d+))?)$/.exec(text);
  if (found === null) throw new HeddleError('Invalid', `"${text}" is no service of a reach step: write icmp, tcp/443, udp6/53 or v4`);
  const [, whole, proto, family = whole, port] = found;
  return {
    ...(family !== undefined && { family: family === '4' ? 4 : 6 }),
    ...(proto !== undefined && { proto: proto as Protocol }),
    ...(port !== undefined && { port: Number(port) }),
  };
};

export const isAllowed = (reach: Reach, from: string, to: string, { family, proto, port }: Service): boolean =>
  (reach.get(pairKey(from, to)) ?? []).some(
    (allowed) =>
      (allowed.family ?? family) === family && (allowed.proto ?? proto) === proto && (allowed.port ?? port) === port,
  );

/** Ports that a line names: worth trying between all. */
export const portsOf = (reach: Reach | undefined): { readonly tcp: readonly number[]; readonly udp: readonly number[] } => {
  const named = [...(reach?.values() ?? [])].flat();
  const of = (wanted: Protocol): number[] => [...new Set(named.flatMap(({ proto, port }) => (proto === wanted && port !== undefined ? port : [])))];
  return { tcp: of('tcp'), udp: of('udp') };
};

/** What was checked and is not as the story says: listed and does not pass, or passes and is not listed. */
export const surprises = (reach: Reach, pairs: readonly CheckedPair[]): CheckedPair[] =>
  pairs.filter(({ from, to, proto, family = 4 as const, port, actual }) => {
    const usual = proto === 'icmp' ? undefined : usualPorts[proto];
    const at = port ?? usual;
    return isAllowed(reach, from, to, { family, proto, ...(at !== undefined && { port: at }) }) !== (actual === 'allow');
  });

/** A line about pairs that are not as they must be: the first of them. */
export const describePairs = (what: string, pairs: readonly CheckedPair[]): string => {
  const shown = pairs.slice(0, 6).map(({ from, to, proto, family = 4 as const, port, expected, actual, note }) => {
    const service = formatService({ family, proto, ...(port !== undefined && { port }) });
    return `${from} -> ${to} ${service}: ${actual}, intent says ${expected}${note === undefined ? '' : ` (${note})`}`;
  });
  return `${pairs.length} ${what}: ${shown.join('; ')}${pairs.length > shown.length ? '; …' : ''}`;
};
