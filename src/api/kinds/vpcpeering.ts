/** VPCPeering: lets subnets of two VPCs reach each other. Never transitive. */
import Type, { type Static } from 'typebox';
import { name, statusBase } from './common.ts';

export const vpcPeeringSpec = Type.Object(
  {
    permit: Type.Array(
      Type.Array(
        Type.Object(
          {
            vpc: name('VPC in this namespace.'),
            subnets: Type.Optional(Type.Array(name('Subnet'), { maxItems: 64, description: 'Subnets that take part; left out or empty, all of the VPC.' })),
          },
          { additionalProperties: false },
        ),
        { minItems: 2, maxItems: 2, description: 'The two sides: every listed subnet of one reaches every listed subnet of the other.' },
      ),
      { minItems: 1, maxItems: 16, description: 'Pairings of the same two VPCs; each is independent of the others.' },
    ),
  },
  { additionalProperties: false },
);
export type VpcPeeringSpec = Static<typeof vpcPeeringSpec>;

export const vpcPeeringStatus = Type.Object({ ...statusBase, vpcs: Type.Optional(Type.Array(Type.String())) });
export type VpcPeeringStatus = Static<typeof vpcPeeringStatus>;
