/** PeeringConsent: what a tenant lets other tenants' VPCPeerings do with a VPC of its own. */
import { type Static, Type } from 'typebox';
import { name, statusBase } from './common.ts';
import { column, defineKind, wideColumn } from './define.ts';
import { peeringConsentRules } from '../rules/peeringconsent.ts';
import { asSet } from '../fieldtype.ts';

export const peeringConsentSpec = Type.Object(
  {
    vpc: name('VPC in this namespace.'),
    subnets: Type.Optional(
      Type.Array(name('Subnet'), { ...asSet, maxItems: 64, description: 'Subnets that may take part; left out or empty, all, also those that come later.' }),
    ),
    peer: Type.Object(
      {
        namespace: name('Namespace whose VPCPeerings may name the VPC.'),
        vpc: Type.Optional(name('VPC there that it may be peered with; left out, any.')),
      },
      { additionalProperties: false, description: 'Who is let in.' },
    ),
  },
  { additionalProperties: false },
);
export type PeeringConsentSpec = Static<typeof peeringConsentSpec>;

export const peeringConsentStatus = Type.Object({ ...statusBase });
export type PeeringConsentStatus = Static<typeof peeringConsentStatus>;

export function defaultPeeringConsentSpec(spec: PeeringConsentSpec) {
  return { ...spec, subnets: spec.subnets ?? [] };
}
export type DefaultedPeeringConsentSpec = ReturnType<typeof defaultPeeringConsentSpec>;

export const peeringConsent = defineKind({
  kind: 'PeeringConsent',
  plural: 'peeringconsents',
  shortNames: ['consent'],
  scope: 'Namespaced',
  description:
    'Lets VPCPeerings of another namespace name a VPC of this one. Without it such a peering waits, and when it is deleted the traffic stops. It joins nothing by itself.',
  spec: peeringConsentSpec,
  status: peeringConsentStatus,
  defaults: defaultPeeringConsentSpec,
  rules: peeringConsentRules,
  columns: [
    column('VPC', '.spec.vpc', 'VPC of this namespace.'),
    column('Peer', '.spec.peer.namespace', 'Namespace that may peer with it.'),
    wideColumn('Peer VPC', '.spec.peer.vpc', 'VPC there; empty for any.'),
    wideColumn('Subnets', '.spec.subnets[*]', 'Subnets that may take part; empty for all.'),
  ],
});
