/** VPC: a tenant's private network. Its subnets reach each other; nothing else does until a peering says so. */
import { type Static, Type } from 'typebox';
import { address, byName, cidr, name, statusBase, text } from './common.ts';
import { canonicalAddress, canonicalPrefix, mapValues } from './canonical.ts';
import { column, defineKind, readyColumn, wideColumn } from './define.ts';
import { vpcRules } from '../rules/vpc.ts';

export const subnetSchema = Type.Object(
  {
    cidr: cidr('Prefix of the subnet, such as 10.40.10.0/24.'),
    gateway: Type.Optional(address('Address that every leaf answers as the gateway; default the first host of the prefix.')),
    dhcp: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(Type.Boolean({ description: 'Whether attached servers get their address by DHCP; default true.' })),
          leaseSeconds: Type.Optional(Type.Integer({ minimum: 120, maximum: 31536000, description: 'Default 3600.' })),
          dnsServers: Type.Optional(Type.Array(address('Address'), { maxItems: 8 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type Subnet = Static<typeof subnetSchema>;

export const vpcSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    addressSpace: Type.Optional(name('AddressSpace the subnets are taken from; default "default". Cannot be changed.')),
    mode: Type.Optional(Type.Literal('l2', { description: 'l2: a segment a subnet, stretched over all leaves that need it.' })),
    subnets: byName(subnetSchema, 'Subnets by name; 1 to 64.'),
  },
  { additionalProperties: false },
);
export type VpcSpec = Static<typeof vpcSpec>;

const subnetStatus = Type.Object({
  vni: Type.Optional(Type.Integer({ description: 'L2VNI of the subnet.' })),
  gateway: Type.Optional(Type.String({ description: 'Address of the gateway.' })),
});

export const vpcStatus = Type.Object({
  ...statusBase,
  vni: Type.Optional(Type.Integer({ description: 'L3VNI of the VPC.' })),
  subnets: Type.Optional(byName(subnetStatus, 'What was given to each subnet.')),
});
export type VpcStatus = Static<typeof vpcStatus>;

/**
 * The gateway is left out on purpose when the user left it out: written into the spec it would stay behind when the CIDR
 * is changed. The compiler works it out (`gatewayOf` of compile/resolve/vpc.ts), users see it in status.
 */
function defaultSubnet(subnet: Subnet) {
  const { dhcp = {} } = subnet;
  return {
    ...subnet,
    cidr: canonicalPrefix(subnet.cidr),
    ...(subnet.gateway !== undefined && { gateway: canonicalAddress(subnet.gateway) }),
    dhcp: {
      enabled: dhcp.enabled ?? true,
      leaseSeconds: dhcp.leaseSeconds ?? 3600,
      dnsServers: (dhcp.dnsServers ?? []).map(canonicalAddress),
    },
  };
}

export function defaultVpcSpec(spec: VpcSpec) {
  return {
    ...spec,
    addressSpace: spec.addressSpace ?? 'default',
    mode: spec.mode ?? ('l2' as const),
    subnets: mapValues(spec.subnets, defaultSubnet),
  };
}
export type DefaultedVpcSpec = ReturnType<typeof defaultVpcSpec>;

export const vpc = defineKind({
  kind: 'VPC',
  plural: 'vpcs',
  scope: 'Namespaced',
  names: 'label',
  description:
    'A private network of a tenant. Its subnets reach each other through an anycast gateway on every leaf; other VPCs, even with the same addresses, are out of reach unless a VPCPeering permits it.',
  spec: vpcSpec,
  status: vpcStatus,
  defaults: defaultVpcSpec,
  rules: vpcRules,
  columns: [
    column('Subnets', '.spec.subnets.*.cidr', 'Prefixes of the subnets.'),
    column('VNI', '.status.vni', 'L3VNI of the VPC.', 'integer'),
    readyColumn,
    wideColumn('Address-Space', '.spec.addressSpace', 'AddressSpace the subnets are taken from.'),
    wideColumn('Mode', '.spec.mode', 'How subnets are carried.'),
    wideColumn('Subnet-VNIs', '.status.subnets.*.vni', 'L2VNI of each subnet.'),
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
