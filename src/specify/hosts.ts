/** Hosts that Heddle does not manage, as they are in force: what an address of a VPC is mapped to. Pure. */
import { ipv4Number } from '../net/address.ts';
import type { Address, Vni } from '../net/brand.ts';
import { contains, prefixLength, networkAddress } from '../net/prefix.ts';
import type { Claims } from './claims.ts';
import { refusedMappings, type Mappings } from './mappings.ts';
import { tenantsFabric, textPrefix, type Subnet, type Vpc } from './networks.ts';
import type { Objects, Specs } from './objects.ts';
import type { RefusalBook } from './refusals.ts';

export interface Mapped {
  readonly segment: Vni;
  readonly mac: string;
  readonly vtep: string;
  /** Where it is not the segment. */
  readonly vni?: number;
  /** `refKey` of the slice. */
  readonly by: string;
}

interface Around {
  readonly mappings: Mappings;
  readonly refusals: RefusalBook;
  readonly objects: Objects;
  readonly claims: Claims;
}

/** What the eldest slice says that is in force; what no mapping may say is nobody's promise, whatever others said of it. */
export const mappedAt = (vpc: Vpc, address: string, around: Around): Mapped | undefined => {
  if (vpc.mode === 'l3') return undefined;
  for (const { slice, index, subnet: named, mapping } of around.mappings.said(vpc.key, address)) {
    const refused = refusedMappings(around.refusals.of('MappingSlice', slice));
    if (refused === 'all' || refused.has(index)) continue;
    const subnet = subnetAt(vpc, address);
    if (subnet?.vni === undefined || (named !== undefined && named !== subnet.name)) continue;
    const { mac, vtep, vni } = mapping;
    if (!mayName(vtep, around) || (vni !== undefined && vni !== subnet.vni && isOurs(vni, around))) continue;
    return { segment: subnet.vni, mac, vtep, by: `MappingSlice/${slice}`, ...(vni !== undefined && vni !== subnet.vni && { vni }) };
  }
  return undefined;
};

interface Range {
  readonly first: number;
  readonly last: number;
  readonly subnet: Subnet;
}

const rangesOf = new WeakMap<Vpc, readonly Range[]>();

export const subnetAt = (vpc: Vpc, address: string): Subnet | undefined => {
  let ranges = rangesOf.get(vpc);
  if (ranges === undefined) {
    ranges = [...vpc.subnets.values()].map((subnet) => {
      const first = ipv4Number(networkAddress(subnet.prefix)) ?? Number.NaN;
      return { first, last: first + 2 ** (32 - prefixLength(subnet.prefix)) - 1, subnet };
    });
    rangesOf.set(vpc, ranges);
  }
  const value = ipv4Number(address as Address) ?? Number.NaN;
  return ranges.find(({ first, last }) => value >= first && value <= last)?.subnet;
};

/** VTEPs that the Fabric declares and that are none of its own. There are far fewer than mappings. */
export const mayName = (vtep: string, { objects, claims }: Pick<Around, 'objects' | 'claims'>): boolean => {
  const fabric = objects.get('Fabric', tenantsFabric)?.spec;
  if (fabric === undefined) return false;
  let standings = standingsOf.get(fabric);
  if (standings?.asOf !== claims.loopbackChanges || standings.known.size > 100_000) standingsOf.set(fabric, (standings = { asOf: claims.loopbackChanges, known: new Map<string, boolean>() }));
  const found = standings.known.get(vtep);
  if (found !== undefined) return found;
  const isOwn = claims.holders('vtep', vtep).length > 0 || claims.holders('routerid', vtep).length > 0;
  const is = !isOwn && fabric.overlay.externalVTEPs.some((prefix) => contains(textPrefix(prefix), vtep as Address));
  standings.known.set(vtep, is);
  return is;
};

interface Standings {
  readonly asOf: number;
  readonly known: Map<string, boolean>;
}

const standingsOf = new WeakMap<Specs['Fabric'], Standings>();

/** VNIs that Heddle gives out, or gave. */
const isOurs = (vni: number, { objects, claims }: Around): boolean => {
  const range = objects.get('Fabric', tenantsFabric)?.spec.overlay.vnis;
  return (range !== undefined && vni >= range.from && vni <= range.to) || claims.holders('vni', vni).length > 0;
};
