/** Gateway: a device of the underlay that is no switch, cabled to spines or leaves. What is left out is allocated once and stays. */
import { type Static, Type } from 'typebox';
import { address, name, text } from './common.ts';
import { canonicalAddress } from './canonical.ts';
import { clusterWide, column, defineKind, readyColumn, wideColumn } from './define.ts';
import { switchStatus } from './switch.ts';
import { goalView } from '../goalview.ts';
import { gatewayRules } from '../rules/gateway.ts';

export const gatewaySpec = Type.Object(
  {
    fabric: Type.Optional(name('Fabric this gateway belongs to; default "default".')),
    profile: Type.Optional(name('SwitchProfile that names its ports; default "linux-soft".')),
    group: Type.Optional(name('Gateways that stand in for each other share one; default "default".')),
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, description: 'Within the group the highest comes first; default 0.' })),
    drain: Type.Optional(Type.Boolean({ description: 'Leads traffic around the gateway, so that it can be taken out without loss; default false.' })),
    description: Type.Optional(text('Free text.')),
    asn: Type.Optional(Type.Integer({ minimum: 1, maximum: 4294967294, description: 'Pins the ASN instead of allocating one.' })),
    routerID: Type.Optional(address('Pins the router id (an IPv4 address).')),
    vtep: Type.Optional(address('Pins the VTEP address.')),
  },
  { additionalProperties: false },
);
export type GatewaySpec = Static<typeof gatewaySpec>;

export function defaultGatewaySpec(spec: GatewaySpec) {
  return {
    ...spec,
    fabric: spec.fabric ?? 'default',
    profile: spec.profile ?? 'linux-soft',
    group: spec.group ?? 'default',
    priority: spec.priority ?? 0,
    drain: spec.drain ?? false,
    ...(spec.routerID !== undefined && { routerID: canonicalAddress(spec.routerID) }),
    ...(spec.vtep !== undefined && { vtep: canonicalAddress(spec.vtep) }),
  };
}
export type DefaultedGatewaySpec = ReturnType<typeof defaultGatewaySpec>;

export const gateway = defineKind({
  kind: 'Gateway',
  plural: 'gateways',
  shortNames: ['gw'],
  scope: 'Cluster',
  names: 'label',
  description:
    'A device of the underlay with an agent, an ASN and a VTEP of its own, cabled to spines or leaves. What traffic it is given comes with GatewayPeering in a later release.',
  spec: gatewaySpec,
  status: switchStatus,
  defaults: defaultGatewaySpec,
  rules: gatewayRules,
  views: { [goalView]: 'GoalState' },
  references: ({ fabric, profile }) => [clusterWide('Fabric', fabric), clusterWide('SwitchProfile', profile)],
  columns: [
    column('Group', '.spec.group', 'Gateways that stand in for each other.'),
    column('ASN', '.status.asn', 'BGP autonomous system number.', 'integer'),
    column('Router-ID', '.status.routerID', 'Loopback and BGP identifier.'),
    column('VTEP', '.status.vtep', 'Source address of the overlay.'),
    column('Connected', '.status.agent.connected', 'Whether the agent of the gateway is connected.', 'boolean'),
    readyColumn,
    wideColumn('Sessions', '.status.sessions', 'BGP sessions with other devices of the fabric, established/all.'),
    wideColumn('Profile', '.spec.profile', 'SwitchProfile.'),
    wideColumn('Priority', '.spec.priority', 'Within the group the highest comes first.', 'integer'),
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
