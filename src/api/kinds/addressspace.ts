/** AddressSpace: prefixes that the VPCs of one space share without overlap. Two spaces may hold the same prefixes. */
import { type Static, Type } from 'typebox';
import { cidr, statusBase, text } from './common.ts';
import { canonicalPrefix } from './canonical.ts';
import { column, defineKind, wideColumn } from './define.ts';
import { addressSpaceRules, addressSpaceStrands } from '../rules/addressspace.ts';
import { asSet } from '../fieldtype.ts';

export const addressSpaceSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    prefixes: Type.Array(cidr('Prefix that subnets may be taken from.'), { ...asSet, minItems: 1, maxItems: 256 }),
  },
  { additionalProperties: false },
);
export type AddressSpaceSpec = Static<typeof addressSpaceSpec>;

export const addressSpaceStatus = Type.Object({ ...statusBase, vpcs: Type.Optional(Type.Integer({ description: 'VPCs that use the space.' })) });
export type AddressSpaceStatus = Static<typeof addressSpaceStatus>;

export const defaultAddressSpaceSpec = (spec: AddressSpaceSpec) => ({ ...spec, prefixes: spec.prefixes.map(canonicalPrefix) });
export type DefaultedAddressSpaceSpec = ReturnType<typeof defaultAddressSpaceSpec>;

export const addressSpace = defineKind({
  kind: 'AddressSpace',
  plural: 'addressspaces',
  shortNames: ['as'],
  scope: 'Cluster',
  description:
    'Prefixes that the subnets of VPCs are taken from. Within one space no two subnets overlap; two spaces may hold the same prefixes, and VPCs of different spaces cannot be peered.',
  spec: addressSpaceSpec,
  status: addressSpaceStatus,
  defaults: defaultAddressSpaceSpec,
  rules: addressSpaceRules,
  strands: addressSpaceStrands,
  columns: [
    column('Prefixes', '.spec.prefixes[*]', 'Prefixes that subnets may be taken from.'),
    column('VPCs', '.status.vpcs', 'VPCs that use the space.', 'integer'),
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
