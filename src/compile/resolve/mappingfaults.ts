/** What stands against one mapping: where its address is, who has it, and where it points. */
import type { Mapping } from '../../api/kinds/mappingslice.ts';
import { error, pending, type CompileFinding } from '../finding.ts';
import { tenantRef } from '../intent.ts';
import { holdersByValue } from '../relations.ts';
import type { View } from '../view.ts';
import { vtepStanding, type VtepStanding } from './externalvtep.ts';
import type { Tenancy } from './fabric.ts';
import { bucketsOf, foreignVni, hostAddresses, slicesByForeignVni } from './mapping.ts';
import { eldestOf, holdersOf } from './resolution.ts';
import type { SubnetRange } from './subnetrange.ts';

/** What all mappings of a slice are judged by. */
export interface Surroundings {
  /** The one subnet that the slice names, if it does. */
  readonly subnet: string | undefined;
  /** By address: who has it. */
  readonly managed: ReadonlyMap<string, string>;
  readonly standing: (vtep: string) => VtepStanding;
  readonly gatewayMac: string | undefined;
  /** Those that Heddle gives out. */
  readonly vnis: Tenancy['vnis'] | undefined;
  /** Whether Heddle gave this one out, though its range may be another one now. */
  readonly isHeld: (vni: number) => boolean;
  /** Whether another tenant was first to name this VNI behind this VTEP. */
  readonly isForeign: (vtep: string, vni: number) => boolean;
}

const noFaults: readonly CompileFinding[] = [];

/**
 * All faults of a mapping, with the member of it as path; none when it may be in force.
 * @param value number of the address
 * @param range the subnet it is in
 */
export const faultsOf = (mapping: Mapping, value: number, range: SubnetRange | undefined, surroundings: Surroundings): readonly CompileFinding[] => {
  const address = addressFault(mapping, value, range, surroundings);
  const mac = macFault(mapping, surroundings);
  const vtep = vtepFault(mapping, surroundings);
  const vni = vniFault(mapping, range, surroundings);
  // Nearly all are in order, and there are very many.
  if (address === undefined && mac === undefined && vtep === undefined && vni === undefined) return noFaults;
  return [address, mac, vtep, vni].filter((fault) => fault !== undefined);
};

const addressFault = ({ address }: Mapping, value: number, range: SubnetRange | undefined, { subnet, managed }: Surroundings): CompileFinding | undefined => {
  const at = 'address';
  if (range === undefined) {
    return error('AddressOutsideVPC', at, `"${address}" is in no subnet of the VPC; choose one inside a subnet or add the subnet`);
  }
  if (subnet !== undefined && range.name !== subnet) {
    return error('AddressOutsideSubnet', at, `"${address}" is in subnet "${range.name}", not in "${subnet}"; choose another or leave spec.subnet out`);
  }
  if (value === range.gateway) return error('AddressIsGateway', at, `"${address}" is the gateway of subnet "${range.name}"; choose another`);
  if (range.last - range.first > 1 && (value === range.first || value === range.last)) {
    return error('AddressNotAHost', at, `"${address}" is the network or broadcast address of subnet "${range.name}"; choose another`);
  }
  const holder = managed.get(address);
  if (holder !== undefined) return error('AddressInUse', at, `"${address}" is the address of ${holder}, which Heddle manages; remove this mapping`);
  return range.vni === undefined ? pending(at, `waits for the VNI of subnet "${range.name}"`) : undefined;
};

const macFault = ({ mac }: Mapping, { gatewayMac }: Surroundings): CompileFinding | undefined =>
  mac === gatewayMac ? error('MACIsGateway', 'mac', `"${mac}" is the MAC address of every gateway; correct it`) : undefined;

const vtepFault = ({ vtep }: Mapping, { standing }: Surroundings): CompileFinding | undefined => {
  const found = standing(vtep);
  if (found === 'external') return undefined;
  if (found === 'fabric') {
    return error('VTEPOfFabric', 'vtep', `"${vtep}" is a switch of the fabric; servers there are attached by a VPCAttachment, not mapped`);
  }
  return error('UnknownVTEP', 'vtep', `"${vtep}" is none of the VTEPs that mappings may name; whoever runs the fabric must add it to spec.overlay.externalVTEPs of the Fabric`);
};

const vniFault = ({ vni, vtep }: Mapping, range: SubnetRange | undefined, { vnis, isHeld, isForeign }: Surroundings): CompileFinding | undefined => {
  if (vni === undefined || vni === range?.vni || vnis === undefined) return undefined;
  if (vni < vnis.from || vni > vnis.to) {
    if (isHeld(vni)) return error('VNIOfFabric', 'vni', `VNI ${vni} is in use by Heddle and not that of the subnet; leave it out or use another`);
    if (!isForeign(vtep, vni)) return undefined;
    return error('VNITaken', 'vni', `VNI ${vni} behind "${vtep}" belongs to another tenant, who named it first; use another`);
  }
  return error('VNIOfFabric', 'vni', `VNI ${vni} is of the range that Heddle gives out (${vnis.from} to ${vnis.to}) and not that of the subnet; leave it out or use one outside`);
};

/** Also one that was given back: a device may still have it. */
export const holdings =
  (view: View): Surroundings['isHeld'] =>
  (vni) =>
    view.list(holdersByValue, `vni|${vni}`).length > 0;

/** In a network that is not Heddle's it is not known whose a VNI is; so it belongs to the namespace that named it first. */
export const foreignness = (view: View, namespace: string): Surroundings['isForeign'] => {
  const known = new Map<string, boolean>();
  return (vtep, vni) => {
    const key = foreignVni(vtep, vni);
    let found = known.get(key);
    if (found === undefined) {
      const first = eldestOf(view, 'MappingSlice', view.list(slicesByForeignVni, key))?.key;
      known.set(key, (found = first !== undefined && tenantRef('MappingSlice', first).namespace !== namespace));
    }
    return found;
  };
};

/** Asks about each VTEP once: there are far fewer than mappings. */
export const standings = (view: View): Surroundings['standing'] => {
  const known = new Map<string, VtepStanding>();
  return (vtep) => {
    let found = known.get(vtep);
    if (found === undefined) known.set(vtep, (found = view.query(vtepStanding, vtep)));
    return found;
  };
};

/** Addresses of servers among the slice's, with what to call who holds them. */
export const managedHosts = (pool: string, values: readonly number[], mappings: readonly Mapping[], view: View): ReadonlyMap<string, string> => {
  const held = bucketsOf(pool, values).flatMap((bucket) => view.list(hostAddresses, bucket));
  if (held.length === 0) return new Map();
  const wanted = new Set(mappings.map(({ address }) => address));
  return new Map(held.filter((address) => wanted.has(address)).map((address) => [address, holderOf(pool, address, view)]));
};

const holderOf = (pool: string, address: string, view: View): string => {
  const [holder] = holdersOf(view, pool, address);
  return holder === undefined ? 'a server' : `${holder.kind} "${holder.name}"`;
};
