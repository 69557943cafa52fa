/**
 * Doors: what frames of one VLAN of a server port, or those without a tag, come in by. A port that carries no tag is a door
 * itself and stands where its frames belong. A port with tags is a trunk: it stays in the underlay and each VLAN has a
 * subinterface, so that what one is attached to can change without the link going down for the others.
 */
import type { PortRow, SegmentRow } from '../../../goal/rows.ts';
import type { FdbCarrier } from '../entries.ts';
import { frrKey, linkKey, portKey, rulesetKey, subinterfaceKey, sysctlKey } from '../model.ts';
import type { ItemKey, Place } from '../model.ts';
import type { Rendering } from './render.ts';

/** Where the frames of one VLAN of a port or bundle belong. */
export interface Way {
  /** Goal row that says so. */
  readonly row: string;
  /** 0: without a tag. */
  readonly vlan: number;
  readonly place: Place;
  /** Bridge; empty: the door is routed. */
  readonly master: string;
  /** What must be in place before the door opens. */
  readonly after: readonly ItemKey[];
}

export interface Door {
  readonly device: string;
  readonly carrier: FdbCarrier;
  readonly key: ItemKey;
  /** The port itself has no carrier. */
  readonly silent: boolean;
}

/** A port that is a part of a bundle, with its neutral name. */
export interface Member {
  readonly key: string;
  readonly row: PortRow;
}

export interface Doors {
  /** By port or bundle. */
  readonly ways: ReadonlyMap<string, readonly Way[]>;
  /** Parts of each bundle, in order. */
  readonly bundles: ReadonlyMap<string, readonly Member[]>;
  /** Undefined when it is not on this device. */
  door(port: string, vlan: number, place: Place): Door | undefined;
  /** Names of the doors that frames may come in by, whichever link of a bundle works; none when the way is routed. */
  devices(port: string, vlan: number, place: Place): readonly string[];
}

/** An Ethernet segment of a group: rows of the group's scope name it on members, too, that have no cable of it. */
export const isEthernetSegment = (port: string): boolean => /^es-\d+$/.test(port);

/** Also refuses rows whose door cannot be on this device, when `refuse` says how. */
export const doorsOf = (rendering: Rendering, refuse: Rendering['refuse'] = () => {}): Doors => {
  const { goal, actual } = rendering;
  const bundles = bundlesOf(goal.port);
  const ways = new Map<string, Way[]>();
  const add = (port: string, way: Way): void => void ways.set(port, [...(ways.get(port) ?? []), way]);
  for (const [key, { port, segment: vni, vlan = 0 }] of goal.attachment) {
    const row = `attachment/${key}`;
    const segment = goal.segment.get(`${vni}`);
    const problem = problemOf(port, rendering, bundles) ?? (segment === undefined ? `segment ${vni} is not on this device` : undefined);
    if (problem !== undefined) refuse(row, 'Conflict', problem);
    else if (segment !== undefined) {
      add(port, { row, vlan, place: segment.vrf, master: `br${segment.vni}`, after: readySegment(rendering, segment) });
    }
  }
  for (const [key, { port, vrf, vlan = 0 }] of goal.vrfPort) {
    const row = `vrfPort/${key}`;
    const problem = problemOf(port, rendering, bundles) ?? (goal.vrf.has(vrf) ? undefined : `VRF "${vrf}" is not on this device`);
    if (problem !== undefined) refuse(row, 'Conflict', problem);
    else add(port, { row, vlan, place: vrf, master: '', after: readyVrf(rendering, vrf) });
  }
  for (const [port, own] of ways) ways.set(port, possible(baseOf(port, rendering, bundles)?.device ?? '', own, rendering, refuse));
  const door = (port: string, vlan: number, place: Place): Door | undefined => {
    const base = baseOf(port, rendering, bundles);
    const own = ways.get(port) ?? [];
    const way = own.find((each) => each.vlan === vlan && each.place === place);
    if (base === undefined || way === undefined) return undefined;
    const silent = actual.silent?.has(base.device) === true || (isEthernetSegment(port) && isCutOff(rendering));
    if (isTrunk(own)) {
      const device = `${base.device}.${vlan}`;
      return { device, carrier: 'subinterface', key: subinterfaceKey(device), silent };
    }
    return { ...base, key: base.carrier === 'port' ? portKey(base.device) : linkKey(place, base.device), silent };
  };
  const devices = (port: string, vlan: number, place: Place): readonly string[] => {
    const own = ways.get(port) ?? [];
    if (!own.some((way) => way.vlan === vlan && way.place === place && way.master !== '')) return [];
    const bases = basesOf(port, rendering, bundles);
    return isTrunk(own) ? bases.map((name) => `${name}.${vlan}`) : bases;
  };
  return { ways, bundles, door, devices };
};

/** Longest name of a Linux interface. */
const longestName = 15;

/** Without ways that need what this device cannot do. */
const possible = (device: string, ways: Way[], { actual }: Rendering, refuse: Rendering['refuse']): Way[] => {
  if (!isTrunk(ways)) return ways;
  const lacks = actual.capabilities.has('vlan-tags') ? undefined : 'the kernel of this switch, or its tc, cannot run the programs for VLAN tags';
  return ways.filter(({ vlan, row }) => {
    if (lacks !== undefined && vlan === 0) return true;
    const name = `${device}.${vlan}`;
    const problem = lacks ?? (name.length > longestName ? `"${name}" is too long for the name of an interface` : undefined);
    if (problem !== undefined) refuse(row, 'Unsupported', `VLAN ${vlan} on "${device}" cannot be: ${problem}`);
    return problem === undefined;
  });
};

export const isTrunk = (ways: readonly Way[]): boolean => ways.some(({ vlan }) => vlan !== 0);

/** Whether this device aggregates links; otherwise one link of a bundle works at a time. */
export const aggregates = ({ actual }: Rendering): boolean => actual.capabilities.has('bond');

/**
 * Number of the part that works where links are not aggregated: the first that is not known to be without carrier. When all
 * are, the last, so that all are up and the first carrier is seen.
 */
export const workingMember = (rendering: Rendering, members: readonly Member[]): number => {
  const found = members.findIndex(({ row: { interface: name } }) => exists(rendering, name) && rendering.actual.silent?.has(name) !== true);
  return found === -1 ? members.length - 1 : found;
};

/** All its links to other switches are without carrier: a server that other leaves share is better off with those. */
export const isCutOff = (rendering: Rendering): boolean => {
  const links = [...rendering.goal.port.values()].filter(({ role }) => role === 'fabric');
  return links.length > 0 && links.every(({ interface: name }) => !exists(rendering, name) || rendering.actual.silent?.has(name) === true);
};

export const exists = ({ actual }: Rendering, name: string): boolean => actual.items.has(portKey(name)) || actual.unclaimed.has(name);

/** Name of the bond of a bundle: after its first member, since bundle names may be longer than interface names. */
export const bondName = (members: readonly Member[]): string =>
  `b-${members.map(({ row }) => row.interface).toSorted()[0] ?? ''}`.slice(0, 15);

const baseOf = (
  port: string, rendering: Rendering, bundles: Doors['bundles'],
): { readonly device: string; readonly carrier: 'port' | 'bond' } | undefined => {
  const direct = rendering.goal.port.get(port);
  if (direct !== undefined) return { device: direct.interface, carrier: 'port' };
  const members = bundles.get(port);
  if (members === undefined) return undefined;
  if (aggregates(rendering)) return { device: bondName(members), carrier: 'bond' };
  const working = members[workingMember(rendering, members)];
  return working && { device: working.row.interface, carrier: 'port' };
};

const basesOf = (port: string, rendering: Rendering, bundles: Doors['bundles']): readonly string[] => {
  const direct = rendering.goal.port.get(port);
  if (direct !== undefined) return [direct.interface];
  const members = bundles.get(port) ?? [];
  return aggregates(rendering) && members.length > 0 ? [bondName(members)] : members.map(({ row }) => row.interface);
};

/** Shorter names first, so that E1/2 comes before E1/10. */
const bundlesOf = (ports: ReadonlyMap<string, PortRow>): ReadonlyMap<string, readonly Member[]> => {
  const members = [...ports].map(([key, row]) => ({ key, row })).filter(({ row }) => row.bundle !== undefined);
  const sorted = members.toSorted((left, right) => left.key.length - right.key.length || (left.key < right.key ? -1 : 1));
  return Map.groupBy(sorted, ({ row }) => row.bundle ?? '');
};

const problemOf = (name: string, { goal }: Rendering, bundles: Doors['bundles']): string | undefined => {
  const row = goal.port.get(name);
  if (row === undefined && !bundles.has(name) && !isEthernetSegment(name)) return `port "${name}" is not cabled on this device`;
  if (row?.role === 'fabric') return `port "${name}" leads to another switch, so nothing can be attached to it`;
  if (row?.bundle !== undefined) return `port "${name}" is part of bundle "${row.bundle}": attach the bundle instead`;
  return undefined;
};

/** What must be in place before a door opens into a segment. */
const readySegment = (rendering: Rendering, { vni, vrf, gateways }: SegmentRow): readonly ItemKey[] => [
  linkKey(vrf, `vx${vni}`),
  ...gateways.map((gateway) => `address/${vrf}/br${vni}/${gateway}`),
  ...readyVrf(rendering, vrf),
];

const readyVrf = ({ goal }: Rendering, vrf: string): readonly ItemKey[] => {
  const bgp = goal.bgp.get('underlay');
  return [
    sysctlKey(vrf),
    rulesetKey(vrf),
    frrKey([`vrf ${vrf}`]),
    ...(bgp === undefined ? [] : [frrKey([`router bgp ${bgp.asn} vrf ${vrf}`, 'address-family l2vpn evpn'])]),
  ];
};
