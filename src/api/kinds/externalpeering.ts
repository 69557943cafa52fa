/** ExternalPeering: lets subnets of a VPC reach a part of an outside network. */
import { type Static, Type } from 'typebox';
import { cidr, name, statusBase } from './common.ts';
import { canonicalPrefix } from './canonical.ts';
import { clusterWide, column, defineKind, readyColumn, wideColumn } from './define.ts';
import { externalPeeringRules } from '../rules/externalpeering.ts';
import { asSet } from '../fieldtype.ts';

export const externalPeeringSpec = Type.Object(
  {
    vpc: name('VPC in this namespace.'),
    subnets: Type.Optional(Type.Array(name('Subnet'), { ...asSet, minItems: 1, maxItems: 64, description: 'Subnets that take part; left out, all of the VPC.' })),
    external: name('Network outside.'),
    prefixes: Type.Array(cidr('Prefix; what the External announces inside it counts as well.'), {
      ...asSet,
      minItems: 1,
      maxItems: 64,
      description: 'What the subnets may reach outside, and be reached from; 0.0.0.0/0 for all IPv4. Addresses of the AddressSpace are never outside.',
    }),
  },
  { additionalProperties: false },
);
export type ExternalPeeringSpec = Static<typeof externalPeeringSpec>;

export const externalPeeringStatus = Type.Object({ ...statusBase });
export type ExternalPeeringStatus = Static<typeof externalPeeringStatus>;

export function defaultExternalPeeringSpec(spec: ExternalPeeringSpec) {
  return { ...spec, prefixes: spec.prefixes.map(canonicalPrefix) };
}
export type DefaultedExternalPeeringSpec = ReturnType<typeof defaultExternalPeeringSpec>;

export const externalPeering = defineKind({
  kind: 'ExternalPeering',
  plural: 'externalpeerings',
  shortNames: ['extpeer'],
  scope: 'Namespaced',
  description:
    'Lets subnets of a VPC and a part of an External reach each other. Other VPCs that peer with the same External stay out of reach.',
  spec: externalPeeringSpec,
  status: externalPeeringStatus,
  defaults: defaultExternalPeeringSpec,
  rules: externalPeeringRules,
  references: ({ vpc, external }, namespace) => [{ kind: 'VPC', namespace, name: vpc }, clusterWide('External', external)],
  columns: [
    column('VPC', '.spec.vpc', 'VPC of this namespace.'),
    column('External', '.spec.external', 'The network outside.'),
    column('Prefixes', '.spec.prefixes[*]', 'What may be reached.'),
    readyColumn,
    wideColumn('Subnets', '.spec.subnets[*]', 'Subnets that take part; empty for all.'),
  ],
});
