/**
 * MappingSlice: where hosts of a VPC are that Heddle does not manage, such as virtual machines behind a vSwitch. Slices
 * instead of one list a VPC, as Kubernetes has EndpointSlices: a change of one mapping must not cost all of them.
 */
import { type Static, Type } from 'typebox';
import { address, mac, name, statusBase } from './common.ts';
import { canonicalAddress, canonicalMac } from './canonical.ts';
import { column, defineKind, readyColumn, wideColumn } from './define.ts';
import { mappingSliceRules } from '../rules/mappingslice.ts';

const mostMappings = 1000;

const mapping = Type.Object(
  {
    address: address('Customer address (CA): that of the host inside the VPC.'),
    mac: mac('MAC address of the host.'),
    vtep: address('Provider address (PA): the VTEP in the underlay that the host is behind.'),
    vni: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 16777215,
        description:
          'VNI under which that VTEP knows the subnet; default the L2VNI of the subnet. Any other is none that Heddle gives out, and behind one VTEP belongs to the namespace that named it first.',
      }),
    ),
  },
  { additionalProperties: false },
);

export const mappingSliceSpec = Type.Object(
  {
    vpc: name('VPC in this namespace.'),
    subnet: Type.Optional(name('Subnet that all addresses are in; left out, each belongs to the subnet of the VPC that contains it.')),
    mappings: Type.Array(mapping, { maxItems: mostMappings, description: `Hosts, each address once in a VPC; at most ${mostMappings}.` }),
  },
  { additionalProperties: false },
);
export type MappingSliceSpec = Static<typeof mappingSliceSpec>;
export type Mapping = MappingSliceSpec['mappings'][number];

export const mappingSliceStatus = Type.Object({
  ...statusBase,
  mappings: Type.Optional(Type.Integer({ description: 'Mappings that are in force.' })),
});
export type MappingSliceStatus = Static<typeof mappingSliceStatus>;

/** What is canonical already is handed on as it is: a large spec is not to be held twice. */
function defaultMapping(given: Mapping): Mapping {
  const [ca, mac, pa] = [canonicalAddress(given.address), canonicalMac(given.mac), canonicalAddress(given.vtep)];
  return ca === given.address && mac === given.mac && pa === given.vtep ? given : { ...given, address: ca, mac, vtep: pa };
}

export function defaultMappingSliceSpec(spec: MappingSliceSpec) {
  return { ...spec, mappings: spec.mappings.map(defaultMapping) };
}
export type DefaultedMappingSliceSpec = ReturnType<typeof defaultMappingSliceSpec>;

export const mappingSlice = defineKind({
  kind: 'MappingSlice',
  plural: 'mappingslices',
  shortNames: ['maps'],
  scope: 'Namespaced',
  description:
    'Up to 1,000 hosts of a VPC that Heddle does not manage, each with the VTEP it is behind (CA to PA). Leaves that have the subnet send to them directly, and servers there reach them although they never spoke.',
  spec: mappingSliceSpec,
  status: mappingSliceStatus,
  defaults: defaultMappingSliceSpec,
  rules: mappingSliceRules,
  references: ({ vpc }, namespace) => [{ kind: 'VPC', namespace, name: vpc }],
  columns: [
    column('VPC', '.spec.vpc', 'VPC of this namespace.'),
    column('Mappings', '.status.mappings', 'Mappings that are in force.', 'integer'),
    readyColumn,
    wideColumn('Subnet', '.spec.subnet', 'Subnet that all addresses are in.'),
  ],
});
