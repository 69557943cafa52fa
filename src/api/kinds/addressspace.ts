/** AddressSpace: prefixes that the VPCs of one space share without overlap. Two spaces may hold the same prefixes. */
import Type, { type Static } from 'typebox';
import { cidr, statusBase, text } from './common.ts';

export const addressSpaceSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    prefixes: Type.Array(cidr('Prefix that subnets may be taken from.'), { minItems: 1, maxItems: 256 }),
  },
  { additionalProperties: false },
);
export type AddressSpaceSpec = Static<typeof addressSpaceSpec>;

export const addressSpaceStatus = Type.Object({ ...statusBase, vpcs: Type.Optional(Type.Integer()) });
export type AddressSpaceStatus = Static<typeof addressSpaceStatus>;
