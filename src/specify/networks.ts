/**
 * VPCs and Externals as they are in force: ids, prefixes, gateways. Of a part that waits for an id it is said that it may come,
 * for then it is permitted but not promised. Pure.
 */
import { limitsOf } from '../api/kinds/vpc.ts';
import { familyOf, parseAddress } from '../net/address.ts';
import { width } from '../net/bits.ts';
import type { Address, InterfaceAddress, Mac, Prefix, Vni } from '../net/brand.ts';
import { interfaceAddress } from '../net/interfaceaddress.ts';
import { parseMac } from '../net/mac.ts';
import { contains, firstHost, overlaps, parsePrefix } from '../net/prefix.ts';
import type { Claims } from './claims.ts';
import type { Held, Objects, Specs } from './objects.ts';
import type { References } from './references.ts';
import { at, isError, isWithin, type Refusal, type RefusalBook } from './refusals.ts';
import type { Device, Wiring } from './wiring.ts';

/** `VPC/<namespace>/<name>` or `External/<name>`: also its `refKey`. */
export type NetworkKey = string;

/** Prefixes inside `prefix` of these lengths, both included. */
export interface Announceable {
  readonly prefix: Prefix;
  readonly minLength: number;
  readonly maxLength: number;
}

export interface Subnet {
  readonly name: string;
  /** `<namespace>/<vpc>/<subnet>`. */
  readonly key: string;
  /** L2VNI; absent while it waits for one. */
  readonly vni?: Vni;
  readonly gateways: readonly InterfaceAddress[];
  /** Of each family that it has. */
  readonly prefixes: readonly Prefix[];
  readonly prefix: Prefix;
  readonly prefix6?: Prefix;
  /** Present where hosts may speak BGP. */
  readonly announceable?: readonly Announceable[];
  /** What its hosts have or may announce. */
  readonly reach: readonly Prefix[];
  readonly isolated: boolean;
  readonly restricted: boolean;
  readonly reservations: ReadonlyMap<Mac, Address>;
  readonly spec: Specs['VPC']['subnets'][string];
}

export interface Vpc {
  readonly network: NetworkKey;
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  readonly space: string;
  /** L3VNI. */
  readonly vni: Vni;
  readonly mode: 'l2' | 'l3';
  /** Bytes. */
  readonly mtu: number;
  readonly subnets: ReadonlyMap<string, Subnet>;
  readonly spec: Specs['VPC'];
}

/** VPCs name no fabric; this is theirs. */
export const tenantsFabric = 'default';

export const textPrefix = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (!prefix.ok) throw new TypeError(prefix.message);
  return prefix.value;
};
export const textAddress = (text: string): Address => {
  const address = parseAddress(text);
  if (!address.ok) throw new TypeError(address.message);
  return address.value;
};
export const textMac = (text: string): Mac => {
  const mac = parseMac(text);
  if (!mac.ok) throw new TypeError(mac.message);
  return mac.value;
};

export interface Surroundings {
  readonly objects: Objects;
  readonly claims: Claims;
  readonly refusals: RefusalBook;
  /** Switches by redundancy group. */
  readonly groups: References;
  /** Connections by port, as `<device>/<port>` without a first lane. */
  readonly ports: References;
  /** What was worked out of others before. */
  readonly device: (name: string) => Device | undefined;
  readonly wiring: (connection: string) => Wiring | undefined;
  readonly vpc: (key: string) => Vpc | undefined;
}

/** The VPC, or undefined when it is refused, gone, or waits for its id. */
export const vpcOf = (key: string, { objects, claims, refusals }: Surroundings): Vpc | undefined => {
  const held = objects.get('VPC', key);
  const fabric = objects.get('Fabric', tenantsFabric)?.spec;
  const space = held && objects.get('AddressSpace', held.spec.addressSpace)?.spec;
  const vni = held && claims.number(held.uid, 'vni', 'l3');
  if (held === undefined || fabric === undefined || space === undefined || vni === undefined) return undefined;
  const said = refusals.of('VPC', key);
  if (said.some((refusal) => !isWithin(refusal, 'spec.subnets') && !isWithin(refusal, 'spec.staticRoutes'))) return undefined;
  const { reserved, underlay: { routerIDs, vteps, links, linkPool, mtu } } = fabric;
  const closed = [...reserved, routerIDs, vteps, ...(links === 'numbered' ? [linkPool] : [])].map(textPrefix);
  const open = space.prefixes.map(textPrefix);
  const mayHave = (prefix: Prefix): boolean => open.some((outer) => contains(outer, prefix)) && !closed.some((each) => overlaps(each, prefix));
  const subnets = Object.keys(held.spec.subnets).flatMap((name): [string, Subnet][] => {
    const subnet = isSubnetRefused(name, said) ? undefined : subnetOf(held, name, claims);
    return subnet?.reach.every(mayHave) === true ? [[name, subnet]] : [];
  });
  return {
    network: `VPC/${key}`, key, uid: held.uid, space: held.spec.addressSpace, vni: vni as Vni, mode: held.spec.mode, mtu: segmentMtu(mtu),
    subnets: new Map(subnets), spec: held.spec,
  };
};

/** Jumbo frames of hosts, if the fabric carries them behind 50 bytes of VXLAN (RFC 7348 §5). */
export const segmentMtu = (fabricMtu: number): number => Math.min(9000, fabricMtu - 50);

/** What is said of its DHCP does not take a subnet out of service. */
const isSubnetRefused = (name: string, said: readonly Refusal[]): boolean => {
  if (said.length === 0) return false;
  const own = at('spec', 'subnets', name);
  const parts = [`${own}.cidr`, `${own}.ipv6`, `${own}.hostBGP`];
  return said.some((refusal) => isError(refusal) && (refusal.path === own || parts.some((part) => isWithin(refusal, part))));
};

const subnetOf = ({ key, uid, spec }: Held<Specs['VPC']>, name: string, claims: Claims): Subnet | undefined => {
  const subnet = spec.subnets[name];
  if (subnet === undefined) return undefined;
  const vni = claims.number(uid, 'vni', `subnet/${name}`);
  const networks = [subnet, ...(subnet.ipv6 === undefined ? [] : [subnet.ipv6])].map(({ cidr, gateway }) => {
    const prefix = textPrefix(cidr);
    return { prefix, gateway: interfaceAddress(gateway === undefined ? firstHost(prefix) : textAddress(gateway), prefix) };
  });
  const prefixes = networks.map(({ prefix }) => prefix);
  const [prefix, prefix6] = prefixes;
  if (prefix === undefined) return undefined;
  const announceable = announceableOf(subnet);
  const beyond = (announceable ?? []).map((each) => each.prefix).filter((other) => !prefixes.some((outer) => contains(outer, other)));
  return {
    name,
    key: `${key}/${name}`,
    ...(vni !== undefined && { vni: vni as Vni }),
    gateways: networks.map(({ gateway }) => gateway),
    prefixes,
    prefix,
    ...(prefix6 !== undefined && { prefix6 }),
    ...(announceable !== undefined && { announceable }),
    reach: [...prefixes, ...beyond],
    ...limitsOf(spec, subnet),
    reservations: new Map(Object.entries(subnet.dhcp.enabled ? (subnet.dhcp.reservations ?? {}) : {}).map(([mac, { address }]) => [textMac(mac), textAddress(address)])),
    spec: subnet,
  };
};

/** Single addresses of the subnet, unless it says what. */
const announceableOf = ({ cidr, ipv6, hostBGP }: Subnet['spec']): Announceable[] | undefined => {
  if (hostBGP === undefined) return undefined;
  const named = hostBGP.prefixes ?? [];
  const said: typeof named = named.length > 0 ? named : [cidr, ...(ipv6 === undefined ? [] : [ipv6.cidr])].map((text) => ({ cidr: text }));
  return said.map((each) => {
    const prefix = textPrefix(each.cidr);
    const longest = width(familyOf(prefix));
    return { prefix, minLength: each.minLength ?? longest, maxLength: each.maxLength ?? longest };
  });
};

export interface External {
  readonly network: NetworkKey;
  readonly key: string;
  readonly uid: string;
  readonly space: string;
  readonly vni: Vni;
  /** Never outside. */
  readonly inside: readonly Prefix[];
  /** What is behind it; undefined where all that it says is believed. */
  readonly behind?: readonly Prefix[];
  readonly spec: Specs['External'];
}

export const externalOf = (key: string, { objects, claims, refusals }: Surroundings): External | undefined => {
  const held = objects.get('External', key);
  const fabric = objects.get('Fabric', tenantsFabric)?.spec;
  const space = held && objects.get('AddressSpace', held.spec.addressSpace)?.spec;
  const vni = held && claims.number(held.uid, 'vni', 'l3');
  if (held === undefined || fabric === undefined || space === undefined || vni === undefined) return undefined;
  const parts = ['spec.attachments', 'spec.static', 'spec.bgp', 'spec.inboundACL'];
  if (refusals.of('External', key).some((refusal) => !parts.some((part) => isWithin(refusal, part)))) return undefined;
  const { linkPool, routerIDs, vteps } = fabric.underlay;
  const inside = [...new Set([...space.prefixes, linkPool, routerIDs, vteps])].map(textPrefix);
  const said = held.spec.static?.prefixes ?? held.spec.bgp?.prefixes;
  const behind = said?.map(textPrefix).filter((prefix) => !inside.some((each) => contains(each, prefix)));
  const { addressSpace } = held.spec;
  return { network: `External/${key}`, key, uid: held.uid, space: addressSpace, vni: vni as Vni, inside, ...(behind !== undefined && { behind }), spec: held.spec };
};
