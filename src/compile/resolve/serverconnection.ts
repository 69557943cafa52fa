/** The way of one server into its leaves: a port, a bundle to one leaf, or an Ethernet segment over leaves of one group. */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import { groupScope } from '../../goal/rows.ts';
import { byText } from '../../kit/order.ts';
import type { Mac } from '../../net/brand.ts';
import { warning } from '../finding.ts';
import { clusterRef, macOf, specNamed, specOf } from '../intent.ts';
import { largestServerMtu, overlayMtu } from '../mtu.ts';
import { switchesByGroup } from '../relations.ts';
import type { View } from '../view.ts';
import { chassisAt, listed, switchPort } from './cableports.ts';
import { pathOf, type Cable, type Shape } from './cabling.ts';
import { fabricUnderlay } from './fabric.ts';
import { missing, type PortMedia } from './profile.ts';
import type { Examination } from './resolution.ts';
import { knownSwitch, type Chassis } from './switch.ts';

export interface ServerLink {
  /** Port of the leaf, and its name on the device itself. */
  readonly port: string;
  readonly interface: string;
  /** Both ends as `<device>/<port>`. */
  readonly leafEnd: string;
  readonly serverEnd: string;
  readonly media?: PortMedia;
}

/** All cables to one leaf. */
export interface ServerLeg {
  readonly leaf: Chassis;
  readonly links: readonly ServerLink[];
  /** What an attachment names: the port, or the bundle over all links; of an Ethernet segment the same on every leg. */
  readonly port: string;
}

export interface ServerConnection {
  readonly type: 'unbundled' | 'bundle' | 'multihomed';
  readonly connection: ObjectRef;
  readonly server: ObjectRef;
  /** Of the links, bytes. */
  readonly mtu: number;
  /** One a leaf: one, but 2 to 4 when multihomed. */
  readonly legs: readonly ServerLeg[];
  /** Of a bundle: one port works before the server speaks LACP. */
  readonly fallback?: true;
  /** Scope of the redundancy group of all leaves; multihomed only. */
  readonly group?: string;
  /** Switches of the group that the server is not cabled to: they hold what the group shares as well. */
  readonly others?: readonly Chassis[];
  /** Ethernet segment identifier of type 0 (RFC 7432 §5); multihomed only. */
  readonly esi?: string;
  /** MAC of the server: of the first of its ports that declares one, which is the one a bond takes over. */
  readonly mac?: Mac;
}

/** As many as one group may have, so that a segment's leaves fit into what devices hold of an Ethernet segment. */
const mostLegs = 4;

export const serverConnection = (
  object: Resource, { type, cables }: Shape, seen: Examination, view: View,
): ServerConnection | undefined => {
  const [first] = cables;
  if (first === undefined || (type !== 'unbundled' && type !== 'bundle' && type !== 'multihomed')) return undefined;
  checkFallback(object, type, seen);
  const mac = serverMac(cables, seen, view);
  const chassis = leavesOf(cables, seen, view);
  const [leaf] = chassis?.values() ?? [];
  const mtu = leaf && serverMtu(object, leaf, seen, view);
  if (chassis === undefined || mtu === undefined) return undefined;
  if (type !== 'unbundled') {
    const feature = type === 'bundle' ? 'bundles' : 'multihoming';
    for (const each of chassis.values()) seen.findings.push(...missing(view, each, [[feature, 'spec.links']]));
  }
  const [connection, server] = [refOf(object), clusterRef('Server', first.upper.device)];
  if (type !== 'multihomed') {
    const legs = legsOf(cables, chassis, type === 'bundle' ? bundleName(first.lower.port) : first.lower.port, seen, view);
    // Spelt out: an object that is put together from parts takes twice the room, and there is one for every server port.
    if (mac !== undefined && !isFallback(object)) return { type, connection, server, mtu, legs, mac };
    return { type, connection, server, mtu, legs, ...(isFallback(object) && { fallback: true }), ...(mac && { mac }) };
  }
  const group = groupOf(cables, chassis, seen);
  const number = group === undefined ? undefined : segmentNumber(seen);
  if (group === undefined || number === undefined) return undefined;
  const legs = legsOf(cables, chassis, `es-${number}`, seen, view);
  const fallback = isFallback(object) && ({ fallback: true } as const);
  const others = othersOf(group.name, chassis, view);
  return { type, connection, server, mtu, legs, ...fallback, group: groupScope(group.fabric, group.name), others, esi: esiOf(Number(number)), ...(mac && { mac }) };
};

/** One that waits for its ids has no scope to put anything into yet. */
const othersOf = (group: string, chassis: ReadonlyMap<string, Chassis>, view: View): readonly Chassis[] =>
  view
    .list(switchesByGroup, group)
    .filter((name) => !chassis.has(name))
    .toSorted(byText)
    .flatMap((name) => view.query(knownSwitch, name).value?.chassis ?? [])
    // A group of another fabric may have the same name.
    .filter(({ role, fabric }) => role !== 'spine' && fabric === [...chassis.values()][0]?.fabric);

const isFallback = (object: Resource): boolean => specOf('Connection', object).fallback === true;

const checkFallback = (object: Resource, type: Shape['type'], seen: Examination): void => {
  if (!isFallback(object) || type !== 'unbundled') return;
  seen.error('NotABundle', 'spec.fallback', 'a single cable works before LACP as it is; remove this or cable more ports of the server');
};

/** By name, in the order in which the cables name them. */
const leavesOf = (cables: readonly Cable[], seen: Examination, view: View): ReadonlyMap<string, Chassis> | undefined => {
  const firsts = new Map(cables.toReversed().map(({ lower }) => [lower.device, lower]));
  const names = [...new Set(cables.map(({ lower }) => lower.device))];
  const found = names.flatMap((name) => {
    const end = firsts.get(name);
    const chassis = end && chassisAt(end, seen, view);
    return chassis === undefined ? [] : [[name, chassis] as const];
  });
  return found.length < names.length ? undefined : new Map(found);
};

const legsOf = (
  cables: readonly Cable[], chassis: ReadonlyMap<string, Chassis>, port: string, seen: Examination, view: View,
): readonly ServerLeg[] =>
  [...chassis].map(([device, leaf]) => {
    const links = cables
      .filter(({ lower }) => lower.device === device)
      .flatMap(({ upper, lower }): ServerLink[] => {
        const found = switchPort(lower, leaf, seen, view);
        if (found === undefined) return [];
        const { port: name, interface: device, media } = found;
        const link = { port: name, interface: device, leafEnd: lower.text, serverEnd: upper.text };
        return [media === undefined ? link : { ...link, media }];
      });
    // A copy has no room to grow, which forty thousand lists of one link would keep for ever.
    return { leaf, links: [...links], port };
  });

/** All leaves of an Ethernet segment are of one group, which is also what they must be told as one. */
const groupOf = (cables: readonly Cable[], chassis: ReadonlyMap<string, Chassis>, seen: Examination): { readonly fabric: string; readonly name: string } | undefined => {
  const [first, ...others] = chassis.values();
  if (first === undefined) return undefined;
  const firstEnd = (leaf: string): string => cables.filter(({ lower }) => lower.device === leaf).map(({ lower }) => pathOf(lower))[0] ?? 'spec.links';
  for (const { name, group } of chassis.values()) {
    if (group !== undefined) continue;
    seen.error('NoGroup', firstEnd(name), `Switch "${name}" is in no redundancy group; give all leaves of the server the same spec.group`);
  }
  for (const { name, group, fabric } of others) {
    if (fabric !== first.fabric) {
      seen.error('FabricMismatch', firstEnd(name), `the switches are of two fabrics, "${first.fabric}" and "${fabric}"; cable within one`);
    } else if (group !== undefined && first.group !== undefined && group !== first.group) {
      const message = `Switch "${name}" is in group "${group}" but Switch "${first.name}" in "${first.group}"; cable the server to leaves of one group`;
      seen.error('GroupMismatch', firstEnd(name), message);
    }
  }
  if (chassis.size > mostLegs) {
    seen.error('TooManyLeaves', 'spec.links', `the server is cabled to ${chassis.size} leaves; at most ${mostLegs} can share it`);
  }
  const counts = [...chassis.keys()].map((name) => cables.filter(({ lower }) => lower.device === name).length);
  if (new Set(counts).size > 1) {
    const told = [...chassis.keys()].map((name, index) => `${counts[index]} to "${name}"`).join(', ');
    seen.findings.push(warning('UnevenLegs', 'spec.links', `not as many cables to each leaf: ${told}; traffic is shared by leaf, so one cable carries more`));
  }
  return seen.failed || first.group === undefined ? undefined : { fabric: first.fabric, name: first.group };
};

const segmentNumber = (seen: Examination): string | undefined =>
  seen.claim({ pool: 'es', purpose: 'self', owner: seen.owner, candidates: { type: 'numbers', from: 1, to: 0xff_ffff }, path: 'spec.links' });

/** The middle is "HDL", so that it is known for ours among those of other origin. */
const esiOf = (number: number): string => {
  const octets = [0, 0x48, 0x44, 0x4c, 0, 0, 0, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
};

/** Of the first cabled port that declares one; a port that the server does not have is a fault. */
const serverMac = (cables: readonly Cable[], seen: Examination, view: View): Mac | undefined => {
  const server = cables[0]?.upper.device ?? '';
  const ports = specNamed(view, 'Server', server)?.ports ?? {};
  for (const { upper } of cables) {
    if (Object.hasOwn(ports, upper.port)) continue;
    seen.error('UnknownPort', pathOf(upper), `Server "${server}" has no port "${upper.port}"; it has ${listed(Object.keys(ports))}`);
  }
  const mac = cables.map(({ upper }) => ports[upper.port]?.mac).find((text) => text !== undefined);
  return mac === undefined ? undefined : macOf(mac);
};

/** Bytes. Left out it is what segments carry, and attached servers learn it by DHCP (option 26, RFC 2132 §5.1). */
const serverMtu = (object: Resource, leaf: Chassis, seen: Examination, view: View): number | undefined => {
  const underlay = view.query(fabricUnderlay, leaf.fabric);
  if (underlay === undefined) return undefined;
  const { mtu } = specOf('Connection', object);
  const most = largestServerMtu(underlay.mtu);
  if (mtu !== undefined && mtu > most) {
    seen.error('MTUTooLarge', 'spec.mtu', `MTU "${mtu}" does not fit into the fabric; at most ${most} with fabric MTU ${underlay.mtu}`);
  }
  return mtu ?? overlayMtu(underlay.mtu);
};

/** Named after its first port, at most 15 characters for any port name that switches have. */
const bundleName = (port: string): string => `bond-${port.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}`;
