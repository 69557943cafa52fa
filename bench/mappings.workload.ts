/** VPCs with slices of a thousand hosts each, for both children of mappings.ts. */
import { apiVersion, type Resource } from '../src/api/object.ts';

export const slicesPerVpc = 10;
export const perSlice = 1000;

export interface Mapping {
  readonly address: string;
  readonly mac: string;
  readonly vtep: string;
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** The n-th host of a VPC, behind one of 200 VTEPs. */
export const mapping = (vpc: number, host: number, vtep = host % 200): Mapping => ({
  address: `10.${vpc}.${(host >> 8) + 1}.${host & 255}`,
  mac: `0a:00:${hex(vpc)}:00:${hex(host >> 8)}:${hex(host & 255)}`,
  vtep: `192.0.${2 + (vtep >> 8)}.${vtep & 255}`,
});

export const mappingsOf = (vpc: number, slice: number): Mapping[] =>
  Array.from({ length: perSlice }, (_, host) => mapping(vpc, slice * perSlice + host));

/** What everything stands on: as many VPCs, each with one subnet of 65,534 hosts. */
export const networks = (vpcs: number): Resource[] => [
  { apiVersion, kind: 'Fabric', metadata: { name: 'default' }, spec: { overlay: { externalVTEPs: ['192.0.2.0/23'] } } },
  { apiVersion, kind: 'AddressSpace', metadata: { name: 'default' }, spec: { prefixes: ['10.0.0.0/8'] } },
  ...Array.from({ length: vpcs }, (_, vpc) => ({
    apiVersion,
    kind: 'VPC',
    metadata: { name: `vpc-${vpc}`, namespace: 'default' },
    spec: { subnets: { hosts: { cidr: `10.${vpc}.0.0/16` } } },
  })),
];

export const sliceName = (vpc: number, slice: number): string => `vpc-${vpc}-${slice}`;

/** A slice as it comes from outside: parsed, every text its own. */
export const sliceOf = (vpc: number, name: string, mappings: readonly Mapping[]): Resource =>
  JSON.parse(JSON.stringify({ apiVersion, kind: 'MappingSlice', metadata: { name, namespace: 'default' }, spec: { vpc: `vpc-${vpc}`, mappings } }));
