/**
 * A VPC with its ids. A fault of one subnet takes out that subnet and leaves the others alone: a slip while a subnet is
 * added must not disconnect the servers of those that run.
 */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import { vpcScope, type DhcpSettings, type PrefixMatch } from '../../goal/rows.ts';
import type { Address, Prefix, Vni } from '../../net/brand.ts';
import { familyOf } from '../../net/address.ts';
import { width } from '../../net/bits.ts';
import { contains, firstHost, overlaps } from '../../net/prefix.ts';
import { parseVni } from '../../net/scalars.ts';
import type { Candidates } from '../demand.ts';
import { limitsOf } from '../../api/kinds/vpc.ts';
import { addressOf, path, prefixOf, specNamed, specOf, tenantKey, tenantRef, type Specs } from '../intent.ts';
import { overlayMtu } from '../mtu.ts';
import { query, type View } from '../view.ts';
import { dhcpSettings, leaseRange, reserve, type LeaseRange, type Reservations } from './dhcp.ts';
import { fabricTenancy, type Tenancy } from './fabric.ts';
import { hostPool } from './mapping.ts';
import { elderOverlap } from './overlap.ts';
import { absent, Examination, withoutDemands, type Resolution } from './resolution.ts';

/** One family's part of a subnet. */
export interface Network {
  readonly prefix: Prefix;
  readonly gateway: Address;
  /** What servers may be given: every address but the gateway. */
  readonly hosts: Candidates;
}

export interface ResolvedSubnet extends Network {
  readonly ipv6?: Network & { readonly addressing: 'dhcp' | 'slaac' };
  /** What hosts may announce by BGP; left out, they may not speak BGP at all. */
  readonly announceable?: readonly PrefixMatch[];
  /** Its hosts reach nobody inside it but the gateway. */
  readonly restricted?: boolean;
  /** L2VNI; absent while it waits for one. */
  readonly vni?: Vni;
  readonly dhcp?: DhcpSettings;
  /** By MAC address, whether they are in force or not. */
  readonly reservations?: Reservations;
  /** What machines that nobody declared get addresses of. */
  readonly range?: LeaseRange;
}

/** What all subnets of a VPC have in common. */
export interface Overlay {
  readonly vpc: ObjectRef;
  /** L3VNI. */
  readonly vni: Vni;
  readonly vrf: string;
  /** Where rows for all members of the VPC are. */
  readonly scope: string;
  readonly mtu: number;
  readonly mode: 'l2' | 'l3';
  /** Pool that the addresses of its servers are taken from. */
  readonly hostPool: string;
}

export interface ResolvedVpc {
  readonly addressSpace: string;
  readonly overlay: Overlay;
  /** Subnets without faults. */
  readonly subnets: { readonly [name: string]: ResolvedSubnet };
  readonly staticRoutes: readonly { readonly prefix: Prefix; readonly nextHops: readonly Address[] }[];
}

/** Everything that hosts of a subnet have or may announce. */
export const prefixesOf = ({ prefix, ipv6, announceable = [] }: ResolvedSubnet): Prefix[] => {
  const own = ipv6 === undefined ? [prefix] : [prefix, ipv6.prefix];
  return [...own, ...announceable.map((match) => match.prefix).filter((other) => !own.some((outer) => contains(outer, other)))];
};

/** VPCs do not name a fabric; theirs is the one that everything defaults to. */
export const fabricOfTenants = 'default';

export const vrfName = (vni: Vni): string => `vrf${vni}`;

/** Key: `namespace/name`. */
export const vpcResolution = query('vpc', (view, key): Resolution<ResolvedVpc> => {
  const { kind, namespace, name } = tenantRef('VPC', key);
  const object = view.get(kind, namespace, name);
  return object === undefined ? absent : resolve(object, view);
});

/** The same for others than the VPC itself: without what it demands, which changes with every pool. */
export const knownVpc = query('knownVpc', (view, key) => withoutDemands(view.query(vpcResolution, key)));

export const vpcLayers = [vpcResolution, knownVpc];

const resolve = (object: Resource, view: View): Resolution<ResolvedVpc> => {
  const spec = specOf('VPC', object);
  const seen = new Examination(object, view);
  const fabric = view.query(fabricTenancy, fabricOfTenants);
  const space = specNamed(view, 'AddressSpace', spec.addressSpace);
  if (fabric === undefined) seen.error('UnknownFabric', '', `there is no Fabric "${fabricOfTenants}" to take VNIs from; create it`);
  if (space === undefined) {
    seen.error('UnknownAddressSpace', 'spec.addressSpace', `there is no AddressSpace "${spec.addressSpace}"; create it or name another`);
  }
  if (fabric === undefined || space === undefined) return seen.done<ResolvedVpc>(undefined);
  const vni = claimVni(seen, fabric, 'l3', '');
  const subnets: Record<string, ResolvedSubnet> = {};
  const faults: Examination['findings'] = [];
  for (const [name, subnet] of Object.entries(spec.subnets)) {
    const part = seen.part();
    for (const [prefix, at] of prefixesIn(subnet, path('spec', 'subnets', name))) checkPrefix(object, prefix, at, { space, fabric }, part, view);
    const subnetVni = part.failed ? undefined : claimVni(part, fabric, `subnet/${name}`, path('spec', 'subnets', name));
    faults.push(...part.findings);
    if (!part.failed) {
      const resolved = resolvedSubnet(spec, subnet, subnetVni);
      const pool = hostPool(object.metadata.uid ?? tenantKey(object));
      const reservations = reserve({ object, name, dhcp: subnet.dhcp, hosts: resolved.hosts, pool }, part, faults, view);
      subnets[name] = reservations === undefined ? resolved : { ...resolved, reservations };
    }
    seen.demands.push(...part.demands);
  }
  const staticRoutes = spec.staticRoutes.map(({ prefix, nextHops }) => ({ prefix: prefixOf(prefix), nextHops: nextHops.map(addressOf) }));
  const value = vni && { addressSpace: spec.addressSpace, overlay: overlayOf(object, vni, fabric), subnets, staticRoutes };
  return seen.done<ResolvedVpc>(value, faults);
};

const overlayOf = (object: Resource, vni: Vni, fabric: Tenancy): Overlay => ({
  vpc: refOf(object),
  vni,
  vrf: vrfName(vni),
  scope: vpcScope(vni),
  mtu: overlayMtu(fabric.mtu),
  mode: specOf('VPC', object).mode,
  hostPool: hostPool(object.metadata.uid ?? tenantKey(object)),
});

const claimVni = (seen: Examination, fabric: Tenancy, purpose: string, at: string): Vni | undefined => {
  const { from, to } = fabric.vnis;
  const value = seen.claim({ pool: 'vni', purpose, owner: seen.owner, candidates: { type: 'numbers', from, to }, path: at });
  const vni = parseVni(value ?? 0);
  return vni.ok ? vni.value : undefined;
};

type SubnetSpec = Specs['VPC']['subnets'][string];

/** Prefixes that nobody else of the space may have, each with the path of who says it. */
const prefixesIn = ({ cidr, ipv6, hostBGP }: SubnetSpec, at: string): (readonly [Prefix, string])[] => {
  const own = [[prefixOf(cidr), `${at}.cidr`] as const, ...(ipv6 === undefined ? [] : [[prefixOf(ipv6.cidr), `${at}.ipv6.cidr`] as const])];
  const announced = (hostBGP?.prefixes ?? []).map((each, index) => [prefixOf(each.cidr), `${at}.hostBGP.prefixes[${index}].cidr`] as const);
  return [...own, ...announced.filter(([prefix]) => !own.some(([outer]) => contains(outer, prefix)))];
};

const networkOf = ({ cidr, gateway }: { readonly cidr: string; readonly gateway?: string | undefined }, range?: LeaseRange): Network => {
  const prefix = prefixOf(cidr);
  const own = gateway === undefined ? firstHost(prefix) : addressOf(gateway);
  const hosts = { type: 'addresses', prefix, except: [own] } as const;
  return { prefix, gateway: own, hosts: range === undefined ? hosts : { ...hosts, spare: [range.from, range.to] } };
};

const resolvedSubnet = (spec: Specs['VPC'], subnet: SubnetSpec, vni: Vni | undefined): ResolvedSubnet => {
  const { ipv6, hostBGP } = subnet;
  const dhcp = dhcpSettings(subnet.dhcp);
  const range = leaseRange(subnet.dhcp);
  return {
    ...networkOf(subnet, range),
    ...(ipv6 === undefined ? {} : { ipv6: { ...networkOf(ipv6), addressing: ipv6.addressing ?? 'dhcp' } }),
    ...(hostBGP === undefined ? {} : { announceable: announceableOf(subnet) }),
    ...(limitsOf(spec, subnet).restricted ? { restricted: true } : {}),
    ...(vni === undefined ? {} : { vni }),
    ...(dhcp === undefined ? {} : { dhcp }),
    ...(range === undefined ? {} : { range }),
  };
};

/** Single addresses of the subnet, unless it says what. */
const announceableOf = ({ cidr, ipv6, hostBGP }: SubnetSpec): PrefixMatch[] => {
  const prefixes = hostBGP?.prefixes ?? [];
  const said = prefixes.length > 0 ? prefixes : [{ cidr }, ...(ipv6 === undefined ? [] : [{ cidr: ipv6.cidr }])];
  return said.map(({ cidr: text, minLength, maxLength }: NonNullable<typeof prefixes>[number]) => {
    const prefix = prefixOf(text);
    const longest = width(familyOf(prefix));
    return { prefix, minLength: minLength ?? longest, maxLength: maxLength ?? longest };
  });
};

interface Surroundings {
  readonly space: Specs['AddressSpace'];
  readonly fabric: Tenancy;
}

const checkPrefix = (object: Resource, prefix: Prefix, at: string, { space, fabric }: Surroundings, seen: Examination, view: View): void => {
  const { addressSpace } = specOf('VPC', object);
  if (!space.prefixes.some((outer) => contains(prefixOf(outer), prefix))) {
    seen.error(
      'OutsideAddressSpace',
      at,
      `"${prefix}" is outside AddressSpace "${addressSpace}", which has "${space.prefixes.join('", "')}"; choose a prefix inside`,
    );
  }
  for (const reserved of fabric.reserved) {
    if (!overlaps(prefixOf(reserved), prefix)) continue;
    seen.error('ReservedPrefix', at, `"${prefix}" overlaps "${reserved}", which Fabric "${fabricOfTenants}" reserves; choose another`);
  }
  const elder = elderOverlap(object, addressSpace, prefix, view);
  if (elder === undefined) return;
  seen.error(
    'SubnetOverlap',
    at,
    `"${prefix}" overlaps ${elder} in AddressSpace "${addressSpace}"; choose another prefix or AddressSpace`,
  );
};
