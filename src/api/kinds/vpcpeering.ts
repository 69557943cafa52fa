/** VPCPeering: lets subnets of two VPCs reach each other. Never transitive. */
import { type Static, Type } from 'typebox';
import { name, statusBase } from './common.ts';
import { column, defineKind, readyColumn, wideColumn } from './define.ts';
import { vpcPeeringRules } from '../rules/vpcpeering.ts';

export const vpcPeeringSpec = Type.Object(
  {
    permit: Type.Array(
      Type.Array(
        Type.Object(
          {
            vpc: name('VPC of the side.'),
            namespace: Type.Optional(name('Namespace of the VPC where it is not this one; that side must consent (PeeringConsent).')),
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

export function defaultVpcPeeringSpec(spec: VpcPeeringSpec) {
  return { ...spec, permit: spec.permit.map((pair) => pair.map((side) => ({ ...side, subnets: side.subnets ?? [] }))) };
}
export type DefaultedVpcPeeringSpec = ReturnType<typeof defaultVpcPeeringSpec>;

export const vpcPeering = defineKind({
  kind: 'VPCPeering',
  plural: 'vpcpeerings',
  shortNames: ['vpcpeer'],
  scope: 'Namespaced',
  description:
    'Lets subnets of two VPCs of one AddressSpace reach each other. Each entry of permit is a pairing of its own; nothing is reachable through a third VPC. A VPC of another namespace takes part once a PeeringConsent there says so.',
  spec: vpcPeeringSpec,
  status: vpcPeeringStatus,
  defaults: defaultVpcPeeringSpec,
  rules: vpcPeeringRules,
  references: ({ permit }, namespace) =>
    // Another tenant's VPC is not held by who would like to reach it.
    permit.flat().flatMap((side) => ((side.namespace ?? namespace) === namespace ? [{ kind: 'VPC', namespace, name: side.vpc }] : [])),
  columns: [
    column('VPCs', '.spec.permit[0][*].vpc', 'The two VPCs.'),
    readyColumn,
    wideColumn('Subnets', '.spec.permit[*][*].subnets[*]', 'Subnets that take part; empty for all.'),
  ],
});
