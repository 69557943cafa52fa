/** Who reaches whom with what: between subnets and networks outside, by classes of hosts and of ports. Pure. */
import { roundTrip } from './evaluate.ts';
import { neighbourhoodOf, type HostClass, type Neighbourhood, type Party } from './neighbourhood.ts';
import type { Packet, Protocol } from './packet.ts';
import { vrfIn, type GoalReader, type VrfAt } from './surroundings.ts';

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What passes; ranges of ports in order, none touching the next. */
export interface Services {
  readonly icmp: boolean;
  readonly tcp: readonly Range[];
  readonly udp: readonly Range[];
}

/** One pair of subnets, or of a subnet and a prefix outside, in one address family; what passes for nobody has no cell. */
export interface Cell {
  readonly from: string;
  readonly to: string;
  readonly family: 4 | 6;
  /** Between all hosts. */
  readonly all: Services;
  /** Between some of them at least. */
  readonly some: Services;
}

const none: Services = { icmp: false, tcp: [], udp: [] };

/** VRFs of VPCs, by scope in order. */
export const vpcsOf = (goal: GoalReader & { scopes(): Iterable<string> }): VrfAt[] =>
  [...goal.scopes()].filter((scope) => scope.startsWith('vpc/')).sort().flatMap((scope) => {
    const row = [...goal.scope(scope).rows.in('vrf')][0];
    const vrf = vrfIn(goal, scope);
    return vrf === undefined || row?.table !== 'vrf' || row.value.external !== undefined ? [] : [vrf];
  });

/**
 * Cells of one VPC with itself and its neighbours.
 * @param direction `from`: only what its own subnets send, and networks outside to it: cells of all VPCs then tell each pair once
 */
export const matrixOf = (goal: GoalReader, vrf: VrfAt, direction: 'both' | 'from' = 'both'): Cell[] => {
  const around = neighbourhoodOf(goal, vrf);
  const isOwn = ({ network, isOutside }: Party): boolean => !isOutside && network === around.name;
  const isMeant = (from: Party, to: Party): boolean => {
    if (isOwn(from)) return true;
    return isOwn(to) && (from.isOutside || direction === 'both');
  };
  return around.parties.flatMap((from) =>
    around.parties.flatMap((to) => (from.family === to.family && isMeant(from, to) ? (cellOf(around, from, to) ?? []) : [])));
};

const cellOf = (around: Neighbourhood, from: Party, to: Party): Cell | undefined => {
  const pairs = from.classes.flatMap((source) => to.classes.flatMap((destination) => hostsOf(source, destination, from === to)));
  if (pairs.length === 0) return undefined;
  const passed = pairs.map((pair) => servicesOf(around, pair));
  const some = passed.reduce(union, none);
  if (isNone(some)) return undefined;
  return { from: from.name, to: to.name, family: from.family, all: passed.reduce(intersection), some };
};

type Host = HostClass['hosts'][number];
type Pair = readonly [Host, Host];

/** From the first of one class to the last of the other, which is behind another device if there is one; never to itself. */
const hostsOf = ({ hosts: [first] }: HostClass, { hosts }: HostClass, isWithin: boolean): Pair[] => {
  const other = hosts.findLast((host) => !isWithin || host.address !== first?.address);
  return first === undefined || other === undefined ? [] : [[first, other]];
};

const servicesOf = ({ network, cuts }: Neighbourhood, [{ address: source, places }, { address: destination }]: Pair): Services => {
  const passes = (protocol: Protocol, port?: number): boolean => {
    const packet: Packet = { source, destination, protocol, ...(port !== undefined && { port }) };
    return places.every((place) => roundTrip(network, place, packet).result === 'allow');
  };
  const ranges = (protocol: 'tcp' | 'udp'): Range[] =>
    merged(cuts[protocol].map((from, index): Range & { passes: boolean } => ({ from, to: (cuts[protocol][index + 1] ?? 65_536) - 1, passes: passes(protocol, from) })).filter((each) => each.passes));
  return { icmp: passes('icmp'), tcp: ranges('tcp'), udp: ranges('udp') };
};

/** Sorted ranges, those that touch made one. */
const merged = (ranges: readonly Range[]): Range[] => {
  const out: { from: number; to: number }[] = [];
  for (const { from, to } of ranges) {
    const last = out.at(-1);
    if (last !== undefined && last.to + 1 >= from) last.to = Math.max(last.to, to);
    else out.push({ from, to });
  }
  return out;
};

const isNone = ({ icmp, tcp, udp }: Services): boolean => !icmp && tcp.length === 0 && udp.length === 0;

const union = (left: Services, right: Services): Services => ({
  icmp: left.icmp || right.icmp, tcp: joined(left.tcp, right.tcp), udp: joined(left.udp, right.udp),
});
const joined = (left: readonly Range[], right: readonly Range[]): Range[] => merged([...left, ...right].sort((one, other) => one.from - other.from));

const without = (left: readonly Range[], right: readonly Range[]): Range[] =>
  right.reduce<Range[]>((rest, { from, to }) => rest.flatMap((range) => {
    if (to < range.from || from > range.to) return [range];
    return [...(range.from < from ? [{ from: range.from, to: from - 1 }] : []), ...(range.to > to ? [{ from: to + 1, to: range.to }] : [])];
  }), [...left]);

const minus = (left: Services, right: Services): Services => ({ icmp: left.icmp && !right.icmp, tcp: without(left.tcp, right.tcp), udp: without(left.udp, right.udp) });
const intersection = (left: Services, right: Services): Services => minus(left, minus(left, right));

/** What passes after a change and did not before, or the other way round. */
export interface Change {
  readonly from: string;
  readonly to: string;
  readonly family: 4 | 6;
  readonly services: Services;
  /** Not between all hosts. */
  readonly isPartial: boolean;
}

export interface Difference {
  readonly allows: readonly Change[];
  readonly denies: readonly Change[];
}

export const differenceOf = (before: readonly Cell[], after: readonly Cell[]): Difference => ({ allows: gained(before, after), denies: gained(after, before) });

/** New between some hosts, and else new between all. */
const gained = (before: readonly Cell[], after: readonly Cell[]): Change[] => {
  const former = new Map(before.map((cell) => [keyOf(cell), cell]));
  return after.flatMap((cell) => {
    const { all = none, some = none } = former.get(keyOf(cell)) ?? {};
    const { from, to, family } = cell;
    const fresh = minus(cell.some, some);
    if (!isNone(fresh)) return [{ from, to, family, services: fresh, isPartial: !isNone(minus(fresh, cell.all)) }];
    const wider = minus(cell.all, all);
    return isNone(wider) ? [] : [{ from, to, family, services: wider, isPartial: true }];
  });
};

const keyOf = ({ from, to, family }: Cell): string => `${from} ${to} ${family}`;

/** `everything`, or such as `icmp tcp/22 tcp/8000-8080 udp`. */
export const formatServices = (services: Services): string => {
  const { icmp, tcp, udp } = services;
  const isAll = (ranges: readonly Range[]): boolean => ranges.length === 1 && ranges[0]?.from === 1 && ranges[0].to === 65_535;
  if (icmp && isAll(tcp) && isAll(udp)) return 'everything';
  if (isNone(services)) return 'nothing';
  const words = (protocol: string, ranges: readonly Range[]): string[] =>
    isAll(ranges) ? [protocol] : ranges.map(({ from, to }) => `${protocol}/${from}${to === from ? '' : `-${to}`}`);
  return [...(icmp ? ['icmp'] : []), ...words('tcp', tcp), ...words('udp', udp)].join(' ');
};
