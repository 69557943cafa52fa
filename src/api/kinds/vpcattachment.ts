/** VPCAttachment: puts the server at the end of a Connection into a subnet of a VPC of the same namespace. */
import { type Static, Type } from 'typebox';
import { address, name, statusBase } from './common.ts';
import { canonicalAddress } from './canonical.ts';
import { clusterWide, column, defineKind, readyColumn, wideColumn } from './define.ts';
import { vpcAttachmentRules } from '../rules/vpcattachment.ts';
import { traceView } from '../traceview.ts';

export const vpcAttachmentSpec = Type.Object(
  {
    vpc: name('VPC in this namespace.'),
    subnet: Type.Optional(name('Subnet of the VPC; default "default".')),
    connection: Type.String({ minLength: 1, maxLength: 253, description: 'Connection between a server and a leaf.' }),
    vlan: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4094, description: 'VLAN tag that the server puts on this traffic; left out, none. A Connection takes one attachment without and any number with different tags.' }),
    ),
    address: Type.Optional(address('Pins the address of the server; left out, the first free one of the subnet is allocated.')),
    ipv6Address: Type.Optional(address('Pins the IPv6 address of the server, in a dual-stack subnet.')),
  },
  { additionalProperties: false },
);
export type VpcAttachmentSpec = Static<typeof vpcAttachmentSpec>;

export const vpcAttachmentStatus = Type.Object({
  ...statusBase,
  server: Type.Optional(Type.String()),
  address: Type.Optional(Type.String({ description: 'Address with prefix length that the server gets by DHCP.' })),
  ipv6Address: Type.Optional(Type.String({ description: 'IPv6 address with prefix length of the server.' })),
  ports: Type.Optional(Type.Array(Type.String(), { description: 'Switch ports, as <switch>/<port>.' })),
});
export type VpcAttachmentStatus = Static<typeof vpcAttachmentStatus>;

export function defaultVpcAttachmentSpec(spec: VpcAttachmentSpec) {
  return {
    ...spec,
    subnet: spec.subnet ?? 'default',
    ...(spec.address !== undefined && { address: canonicalAddress(spec.address) }),
    ...(spec.ipv6Address !== undefined && { ipv6Address: canonicalAddress(spec.ipv6Address) }),
  };
}
export type DefaultedVpcAttachmentSpec = ReturnType<typeof defaultVpcAttachmentSpec>;

export const vpcAttachment = defineKind({
  kind: 'VPCAttachment',
  plural: 'vpcattachments',
  shortNames: ['vpcattach'],
  scope: 'Namespaced',
  description:
    'Puts the server at the end of a Connection into a subnet of a VPC of the same namespace, with a VLAN tag or without. The address is reserved for as long as the attachment exists.',
  spec: vpcAttachmentSpec,
  status: vpcAttachmentStatus,
  defaults: defaultVpcAttachmentSpec,
  rules: vpcAttachmentRules,
  references: ({ vpc, connection }, namespace) => [{ kind: 'VPC', namespace, name: vpc }, clusterWide('Connection', connection)],
  views: { [traceView]: 'Trace' },
  columns: [
    column('VPC', '.spec.vpc', 'VPC of this namespace.'),
    column('Subnet', '.spec.subnet', 'Subnet of the VPC.'),
    column('Server', '.status.server', 'Server that is attached.'),
    column('Address', '.status.address', 'Address that the server gets by DHCP.'),
    readyColumn,
    wideColumn('Connection', '.spec.connection', 'Connection between the server and its leaf.'),
    wideColumn('VLAN', '.spec.vlan', 'VLAN tag on the wire; none when empty.', 'integer'),
    wideColumn('Ports', '.status.ports[*]', 'Switch ports.'),
  ],
});
