/** VPCAttachment: puts the server at the end of a Connection into a subnet of a VPC of the same namespace. */
import Type, { type Static } from 'typebox';
import { address, name, statusBase } from './common.ts';

export const vpcAttachmentSpec = Type.Object(
  {
    vpc: name('VPC in this namespace.'),
    subnet: Type.Optional(name('Subnet of the VPC; default "default".')),
    connection: Type.String({ minLength: 1, maxLength: 253, description: 'Connection between a server and a leaf.' }),
    address: Type.Optional(address('Pins the address of the server; left out, the first free one of the subnet is allocated.')),
  },
  { additionalProperties: false },
);
export type VpcAttachmentSpec = Static<typeof vpcAttachmentSpec>;

export const vpcAttachmentStatus = Type.Object({
  ...statusBase,
  server: Type.Optional(Type.String()),
  address: Type.Optional(Type.String({ description: 'Address with prefix length that the server gets by DHCP.' })),
  ports: Type.Optional(Type.Array(Type.String(), { description: 'Switch ports, as <switch>/<port>.' })),
});
export type VpcAttachmentStatus = Static<typeof vpcAttachmentStatus>;
