/**
 * An External with its id and the places where it is met. A fault of one place takes out that place and leaves the others
 * alone: a slip while a second uplink is added must not cut off the first.
 */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import { vpcScope } from '../../goal/rows.ts';
import type { Address, Asn, InterfaceAddress, Prefix, Vlan, Vni } from '../../net/brand.ts';
import { networkOf, parseInterfaceAddress } from '../../net/interfaceaddress.ts';
import { comparePrefixes, contains, overlaps } from '../../net/prefix.ts';
import { parseAsn, parseVlan, parseVni } from '../../net/scalars.ts';
import { addressOf, clusterRef, path, prefixOf, specNamed, specOf, type Specs } from '../intent.ts';
import { externalsByPlace, placeKey } from '../relations.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { connectionResolution, type ExternalConnection } from './connection.ts';
import { missing } from './profile.ts';
import { absent, Examination, unready, withoutDemands, type Resolution } from './resolution.ts';
import type { Chassis } from './switch.ts';
import { fabricOfTenants, vrfName } from './vpc.ts';

export interface ExternalPlace {
  readonly leaf: Chassis;
  readonly connection: ObjectRef;
  readonly port: string;
  readonly vlan?: Vlan;
  readonly address: InterfaceAddress;
  readonly proxy: readonly Prefix[];
  readonly neighbor?: { readonly address: Address; readonly asn: Asn };
  readonly nextHop?: Address;
}

/** What those need to know who peer with it. */
export interface ExternalNetwork {
  readonly external: ObjectRef;
  readonly addressSpace: string;
  readonly vni: Vni;
  readonly vrf: string;
  readonly scope: string;
  /** Never outside. */
  readonly inside: readonly Prefix[];
  /** What is behind it, or is believed to be; undefined when all that it says is believed. */
  readonly behind?: readonly Prefix[];
  /** The same where it is not said by BGP but written down: routes. */
  readonly fixed?: readonly Prefix[];
}

export interface ResolvedExternal {
  readonly network: ExternalNetwork;
  /** Without faults. */
  readonly places: readonly ExternalPlace[];
}

interface FabricOutside {
  readonly asns: Specs['Fabric']['asns'];
  readonly vnis: Specs['Fabric']['overlay']['vnis'];
  readonly pools: readonly Prefix[];
}

/** Key: fabric. What of it matters to the outside; undefined when there is no such fabric. */
export const fabricOutside = query('fabricOutside', (view, name): FabricOutside | undefined => {
  const fabric = specNamed(view, 'Fabric', name);
  if (fabric === undefined) return undefined;
  const { underlay: { linkPool, routerIDs, vteps }, overlay: { vnis }, asns } = fabric;
  return { asns, vnis, pools: [linkPool, routerIDs, vteps].map(prefixOf) };
});

/** Key: name. */
export const externalResolution = query('external', (view, name): Resolution<ResolvedExternal> => {
  const object = view.get('External', '', name);
  return object === undefined ? absent : resolve(object, view);
});

/** Key: name. Without the places, which peerings do not depend on. */
export const knownExternal = query('knownExternal', (view, name): Resolution<ExternalNetwork> => {
  const { value, ...rest } = withoutDemands(view.query(externalResolution, name));
  return value === undefined ? rest : { ...rest, value: value.network };
});

/** Key: name. Leaves where the External is met. */
export const leavesOfExternal = derivedIndex('leavesOfExternal', 'External', externalResolution, ({ value }, name) =>
  (value?.places ?? []).map(({ leaf }) => ({ key: name, value: leaf.name })),
);

export const externalLayers = [fabricOutside, externalResolution, knownExternal, leavesOfExternal];

const resolve = (object: Resource, view: View): Resolution<ResolvedExternal> => {
  const spec = specOf('External', object);
  const seen = new Examination(object, view);
  const fabric = view.query(fabricOutside, fabricOfTenants);
  const space = specNamed(view, 'AddressSpace', spec.addressSpace);
  if (fabric === undefined) seen.error('UnknownFabric', '', `there is no Fabric "${fabricOfTenants}" to take a VNI from; create it`);
  if (space === undefined) {
    seen.error('UnknownAddressSpace', 'spec.addressSpace', `there is no AddressSpace "${spec.addressSpace}"; create it or name another`);
  }
  if (fabric === undefined || space === undefined) return seen.done<ResolvedExternal>(undefined);
  const inside = [...new Set([...space.prefixes.map(prefixOf), ...fabric.pools])].sort(comparePrefixes);
  const vni = claimVni(seen, fabric);
  const faults = checkPrefixes(spec, inside, seen);
  const places: ExternalPlace[] = [];
  for (const index of spec.attachments.keys()) {
    const part = seen.part();
    const place = placeAt(object, index, places, fabric, part, view);
    if (place !== undefined && !part.failed) places.push(place);
    faults.push(...part.findings);
  }
  return seen.done<ResolvedExternal>(vni && { network: networkOfExternal(object, vni, inside), places }, faults);
};

const networkOfExternal = (object: Resource, vni: Vni, inside: readonly Prefix[]): ExternalNetwork => {
  const { addressSpace, static: fixed, bgp } = specOf('External', object);
  const network = { external: refOf(object), addressSpace, vni, vrf: vrfName(vni), scope: vpcScope(vni), inside };
  const prefixes = fixed?.prefixes ?? bgp?.prefixes;
  if (prefixes === undefined) return network;
  const behind = prefixes.map(prefixOf).filter((prefix) => !inside.some((each) => contains(each, prefix)));
  return fixed === undefined ? { ...network, behind } : { ...network, behind, fixed: behind };
};

const claimVni = (seen: Examination, { vnis: { from, to } }: FabricOutside): Vni | undefined => {
  const value = seen.claim({ pool: 'vni', purpose: 'l3', owner: seen.owner, candidates: { type: 'numbers', from, to }, path: '' });
  const vni = parseVni(value ?? 0);
  return vni.ok ? vni.value : undefined;
};

/** A prefix that cannot be outside is left out alone. */
const checkPrefixes = (spec: Specs['External'], inside: readonly Prefix[], seen: Examination): Examination['findings'] =>
  (['static', 'bgp'] as const).flatMap((way) =>
    (spec[way]?.prefixes ?? []).flatMap((prefix, index) => {
      const part = seen.part();
      checkInside(path('spec', way, 'prefixes', index), prefix, inside, part);
      return part.findings;
    }),
  );

/** What VPCs or the fabric itself may have is nowhere else. */
export const checkInside = (at: string, prefix: string, inside: readonly Prefix[], seen: Examination): void => {
  const around = inside.find((each) => contains(each, prefixOf(prefix)));
  if (around === undefined) return;
  const message = `"${prefix}" lies in "${around}", which is of VPCs or of the fabric and never outside; choose another, or narrow the AddressSpace`;
  seen.error('NeverOutside', at, message);
};

const placeAt = (
  object: Resource,
  index: number,
  earlier: readonly ExternalPlace[],
  fabric: FabricOutside,
  seen: Examination,
  view: View,
): ExternalPlace | undefined => {
  const attachment = specOf('External', object).attachments[index];
  if (attachment === undefined) return undefined;
  const at = path('spec', 'attachments', index);
  const { connection: name, proxy, nextHop } = attachment;
  const connection = connectionOf(name, `${at}.connection`, seen, view);
  const elder = seen.elder(externalsByPlace, placeKey(attachment));
  const vlan = vlanOf(attachment.vlan);
  if (elder !== undefined) {
    const tag = vlan === undefined ? 'without a VLAN tag' : `with VLAN tag ${vlan}`;
    seen.error('VLANInUse', `${at}.vlan`, `Connection "${name}" is used ${tag} by the older External "${elder}"; choose another tag`);
  }
  const address = addressAt(attachment.address);
  if (connection === undefined || address === undefined) return undefined;
  const { leaf, port } = connection;
  const place = { leaf, connection: connection.connection, port, address, proxy: proxy.map(prefixOf), ...(vlan === undefined ? {} : { vlan }) };
  checkNetworks(`${at}.address`, place, earlier, seen);
  seen.findings.push(...missing(view, leaf, wantedBy(specOf('External', object), attachment, at)));
  const neighbor = attachment.neighbor && neighborOf(attachment.neighbor, `${at}.neighbor.asn`, fabric, seen);
  return { ...place, ...(neighbor === undefined ? {} : { neighbor }), ...(nextHop === undefined ? {} : { nextHop: addressOf(nextHop) }) };
};

/** What the border must be able to do. */
const wantedBy = ({ inboundACL }: Specs['External'], { vlan, neighbor }: Specs['External']['attachments'][number], at: string): Parameters<typeof missing>[2] => [
  ['l3vni', at],
  ...((vlan ?? 0) === 0 ? [] : [['subinterfaces', `${at}.vlan`] as const]),
  ...(neighbor === undefined ? [] : [['hostBGP', `${at}.neighbor`] as const]),
  ...(inboundACL.length === 0 ? [] : [['acls', 'spec.inboundACL'] as const]),
];

const vlanOf = (value: number | undefined): Vlan | undefined => {
  const vlan = parseVlan(value ?? 0);
  return vlan.ok ? vlan.value : undefined;
};

const addressAt = (text: string): InterfaceAddress | undefined => {
  const address = parseInterfaceAddress(text);
  return address.ok ? address.value : undefined;
};

const connectionOf = (name: string, at: string, seen: Examination, view: View): ExternalConnection | undefined => {
  if (view.get('Connection', '', name) === undefined) {
    seen.error('UnknownConnection', at, `there is no Connection "${name}"; create it or name another`);
    return undefined;
  }
  const resolution = view.query(connectionResolution, name);
  const { value } = resolution;
  if (value === undefined) {
    seen.findings.push(unready(clusterRef('Connection', name), at, resolution));
    return undefined;
  }
  if (value.type === 'external') return value;
  seen.error('NotAnExternalConnection', at, `Connection "${name}" is ${value.type}; name one between a border leaf and an External`);
  return undefined;
};

/** A leaf cannot be at two places in one network of one VRF: it would not know where a neighbour is. */
const checkNetworks = (at: string, place: Omit<ExternalPlace, 'neighbor'>, earlier: readonly ExternalPlace[], seen: Examination): void => {
  const network = networkOf(place.address);
  const isElsewhere = ({ port, vlan }: ExternalPlace): boolean => port !== place.port || vlan !== place.vlan;
  const other = earlier.find((each) => each.leaf.name === place.leaf.name && isElsewhere(each) && overlaps(networkOf(each.address), network));
  if (other === undefined) return;
  seen.error('Overlap', at, `"${network}" overlaps "${networkOf(other.address)}" at port "${other.port}" of the same Switch "${place.leaf.name}"; choose another`);
};

/** A route that bears the ASN of a switch is refused by that switch, for it looks like its own coming back (RFC 4271 §9.1.2). */
const neighborOf = (
  { address, asn: number }: NonNullable<Specs['External']['attachments'][number]['neighbor']>,
  at: string,
  { asns: { spine, leaves } }: FabricOutside,
  seen: Examination,
): ExternalPlace['neighbor'] => {
  if (number === spine || (number >= leaves.from && number <= leaves.to)) {
    seen.error('ASNOfFabric', at, `ASN "${number}" belongs to switches of the fabric, which would refuse what it announces; correct it`);
  }
  const asn = parseAsn(number);
  return asn.ok ? { address: addressOf(address), asn: asn.value } : undefined;
};
