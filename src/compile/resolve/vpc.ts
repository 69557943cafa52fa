/**
 * A VPC with its ids. A fault of one subnet takes out that subnet and leaves the others alone: a slip while a subnet is
 * added must not disconnect the servers of those that run.
 */
import type { Resource } from '../../api/object.ts';
import type { Address, Prefix, Vni } from '../../net/brand.ts';
import { contains, firstHost, overlaps } from '../../net/prefix.ts';
import { parseVni } from '../../net/scalars.ts';
import { ageOf } from '../age.ts';
import { addressOf, nameTold, path, prefixOf, specNamed, specOf, tenantKey, tenantRef, type Specs } from '../intent.ts';
import { overlayMtu } from '../mtu.ts';
import { prefixesAround, subnetsAt, subnetsInside, type SubnetContender } from '../relations.ts';
import { query, type View } from '../view.ts';
import { absent, Examination, type Resolution } from './resolution.ts';

export interface ResolvedSubnet {
  readonly prefix: Prefix;
  readonly gateway: Address;
  /** L2VNI; absent while it waits for one. */
  readonly vni?: Vni;
  readonly dhcp?: { readonly leaseSeconds: number; readonly dnsServers: readonly Address[] };
}

export interface ResolvedVpc {
  readonly addressSpace: string;
  readonly vni: Vni;
  readonly vrf: string;
  readonly mtu: number;
  /** Uid of the VPC, which its address pool is named after. */
  readonly uid: string;
  /** Subnets without faults. */
  readonly subnets: { readonly [name: string]: ResolvedSubnet };
}

/** VPCs do not name a fabric; theirs is the one that everything defaults to. */
const fabricOfTenants = 'default';

export const vrfName = (vni: Vni): string => `vrf${vni}`;

/** Key: `namespace/name`. */
export const vpcResolution = query('vpc', (view, key): Resolution<ResolvedVpc> => {
  const { kind, namespace, name } = tenantRef('VPC', key);
  const object = view.get(kind, namespace, name);
  return object === undefined ? absent : resolve(object, view);
});

export const vpcLayers = [vpcResolution];

const resolve = (object: Resource, view: View): Resolution<ResolvedVpc> => {
  const spec = specOf('VPC', object);
  const seen = new Examination(object, view);
  const fabric = specNamed(view, 'Fabric', fabricOfTenants);
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
    const part = new Examination(object, view);
    checkSubnet(object, name, { space, fabric }, part, view);
    const subnetVni = part.failed ? undefined : claimVni(part, fabric, `subnet/${name}`, path('spec', 'subnets', name));
    if (!part.failed) subnets[name] = resolvedSubnet(subnet, subnetVni);
    faults.push(...part.findings);
    seen.demands.push(...part.demands);
  }
  const value =
    vni === undefined
      ? undefined
      : {
          addressSpace: spec.addressSpace,
          vni,
          vrf: vrfName(vni),
          mtu: overlayMtu(fabric.underlay.mtu),
          uid: object.metadata.uid ?? tenantKey(object),
          subnets,
        };
  const { findings, ...rest } = seen.done<ResolvedVpc>(value);
  return { ...rest, findings: [...findings, ...faults] };
};

const claimVni = (seen: Examination, fabric: Specs['Fabric'], purpose: string, at: string): Vni | undefined => {
  const { from, to } = fabric.overlay.vnis;
  const value = seen.claim({ pool: 'vni', purpose, candidates: { type: 'numbers', from, to }, path: at });
  const vni = parseVni(value ?? 0);
  return vni.ok ? vni.value : undefined;
};

type SubnetSpec = Specs['VPC']['subnets'][string];

const gatewayOf = ({ cidr, gateway }: SubnetSpec): Address =>
  gateway === undefined ? firstHost(prefixOf(cidr)) : addressOf(gateway);

const resolvedSubnet = (subnet: SubnetSpec, vni: Vni | undefined): ResolvedSubnet => {
  const { enabled, leaseSeconds, dnsServers } = subnet.dhcp;
  return {
    prefix: prefixOf(subnet.cidr),
    gateway: gatewayOf(subnet),
    ...(vni === undefined ? {} : { vni }),
    ...(enabled ? { dhcp: { leaseSeconds, dnsServers: dnsServers.map(addressOf) } } : {}),
  };
};

interface Surroundings {
  readonly space: Specs['AddressSpace'];
  readonly fabric: Specs['Fabric'];
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
    `"${prefix}" overlaps ${elderText(object, elder)} in AddressSpace "${addressSpace}"; choose another prefix or AddressSpace`,
  );
};

const elderText = (object: Resource, { prefix, subnet, name }: SubnetContender): string => {
  const told = nameTold(object, name);
  return told === undefined ? 'a subnet of an older VPC of another tenant' : `"${prefix}" of subnet "${subnet}" of the older VPC "${told}"`;
};

/** The eldest subnet of another, older VPC that shares an address with `prefix`. */
const elderOverlap = (object: Resource, space: string, prefix: Prefix, view: View): SubnetContender | undefined => {
  const age = ageOf(object);
  const around = [prefix, ...prefixesAround(prefix)].flatMap((at) => view.list(subnetsAt, `${space}|${at}`));
  return [...around, ...view.list(subnetsInside, `${space}|${prefix}`)]
    .filter((other) => other.age < age)
    .reduce<SubnetContender | undefined>((eldest, each) => (eldest === undefined || each.age < eldest.age ? each : eldest), undefined);
};
