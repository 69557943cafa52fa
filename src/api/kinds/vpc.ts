/** VPC: a tenant's private network. Its subnets reach each other; nothing else does until a peering says so. */
import Type, { type Static } from 'typebox';
import { address, cidr, name, statusBase, text } from './common.ts';

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
    subnets: Type.Record(Type.String(), subnetSchema, { description: 'Subnets by name; 1 to 64.' }),
  },
  { additionalProperties: false },
);
export type VpcSpec = Static<typeof vpcSpec>;

export const vpcStatus = Type.Object({
  ...statusBase,
  vni: Type.Optional(Type.Integer({ description: 'L3VNI of the VPC.' })),
  subnets: Type.Optional(Type.Record(Type.String(), Type.Object({ vni: Type.Optional(Type.Integer()), gateway: Type.Optional(Type.String()) }))),
});
export type VpcStatus = Static<typeof vpcStatus>;
