/**
 * A VPC with its ids. A fault of one subnet takes out that subnet and leaves the others alone: a slip while a subnet is
 * added must not disconnect the servers of those that run.
 */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import { vpcScope, type DhcpSettings } from '../../goal/rows.ts';
import type { Address, Prefix, Vni } from '../../net/brand.ts';
import { contains, firstHost, overlaps } from '../../net/prefix.ts';
import { parseVni } from '../../net/scalars.ts';
import type { Candidates } from '../demand.ts';
import { addressOf, path, prefixOf, specNamed, specOf, tenantKey, tenantRef, type Specs } from '../intent.ts';
import { overlayMtu } from '../mtu.ts';
import { query, type View } from '../view.ts';
import { fabricTenancy, type Tenancy } from './fabric.ts';
import { hostPool } from './mapping.ts';
import { elderOverlap } from './overlap.ts';
import { absent, Examination, withoutDemands, type Resolution } from './resolution.ts';

export interface ResolvedSubnet {
  readonly prefix: Prefix;
  readonly gateway: Address;
  /** What servers may be given: every address but the gateway. */
  readonly hosts: Candidates;
  /** L2VNI; absent while it waits for one. */
  readonly vni?: Vni;
  readonly dhcp?: DhcpSettings;
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
  /** Pool that the addresses of its servers are taken from. */
  readonly hostPool: string;
}

export interface ResolvedVpc {
  readonly addressSpace: string;
  readonly overlay: Overlay;
  /** Subnets without faults. */
  readonly subnets: { readonly [name: string]: ResolvedSubnet };
}

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
    checkSubnet(object, name, { space, fabric }, part, view);
    const subnetVni = part.failed ? undefined : claimVni(part, fabric, `subnet/${name}`, path('spec', 'subnets', name));
    if (!part.failed) subnets[name] = resolvedSubnet(subnet, subnetVni);
    faults.push(...part.findings);
    seen.demands.push(...part.demands);
  }
  const value = vni && { addressSpace: spec.addressSpace, overlay: overlayOf(object, vni, fabric), subnets };
  return seen.done<ResolvedVpc>(value, faults);
};

const overlayOf = (object: Resource, vni: Vni, fabric: Tenancy): Overlay => ({
  vpc: refOf(object),
  vni,
  vrf: vrfName(vni),
  scope: vpcScope(vni),
  mtu: overlayMtu(fabric.mtu),
  hostPool: hostPool(object.metadata.uid ?? tenantKey(object)),
});

const claimVni = (seen: Examination, fabric: Tenancy, purpose: string, at: string): Vni | undefined => {
  const { from, to } = fabric.vnis;
  const value = seen.claim({ pool: 'vni', purpose, owner: seen.owner, candidates: { type: 'numbers', from, to }, path: at });
  const vni = parseVni(value ?? 0);
  return vni.ok ? vni.value : undefined;
};

type SubnetSpec = Specs['VPC']['subnets'][string];

const gatewayOf = ({ cidr, gateway }: SubnetSpec): Address =>
  gateway === undefined ? firstHost(prefixOf(cidr)) : addressOf(gateway);

const resolvedSubnet = (subnet: SubnetSpec, vni: Vni | undefined): ResolvedSubnet => {
  const { enabled, leaseSeconds, dnsServers } = subnet.dhcp;
  const prefix = prefixOf(subnet.cidr);
  const gateway = gatewayOf(subnet);
  return {
    prefix,
    gateway,
    hosts: { type: 'addresses', prefix, except: [gateway] },
    ...(vni === undefined ? {} : { vni }),
    ...(enabled ? { dhcp: { leaseSeconds, dnsServers: dnsServers.map(addressOf), ntpServers: [], routes: [] } } : {}),
  };
};

interface Surroundings {
  readonly space: Specs['AddressSpace'];
  readonly fabric: Tenancy;
}

const checkSubnet = (object: Resource, name: string, { space, fabric }: Surroundings, seen: Examination, view: View): void => {
  const { addressSpace, subnets } = specOf('VPC', object);
  const prefix = prefixOf(subnets[name]?.cidr ?? '');
  const at = path('spec', 'subnets', name, 'cidr');
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
