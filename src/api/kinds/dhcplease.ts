/**
 * DHCPLease: an address that a leaf has given to a host, for people to see. Written when it is given, when it passes to
 * another host and when it ends, never when it is renewed: the device holds the lease, this object only tells of it.
 */
import { type Static, Type } from 'typebox';
import { column, defineKind, wideColumn } from './define.ts';

export const dhcpLeaseSpec = Type.Object(
  {
    vpc: Type.String({ description: 'VPC of this namespace.' }),
    subnet: Type.String({ description: 'Subnet of the VPC.' }),
    address: Type.String({ description: 'The address.' }),
    mac: Type.String({ description: 'MAC address of the host.' }),
    hostname: Type.Optional(Type.String({ description: 'What the host calls itself, or its Server is called.' })),
    switch: Type.String({ description: 'Leaf that gave it.' }),
    type: Type.Union([Type.Literal('Reserved'), Type.Literal('Dynamic')], {
      description: 'Reserved: of a declared server or a reservation; Dynamic: taken from the range.',
    }),
  },
  { additionalProperties: false },
);
export type DhcpLeaseSpec = Static<typeof dhcpLeaseSpec>;
export type DefaultedDhcpLeaseSpec = DhcpLeaseSpec;

export const dhcpLease = defineKind({
  kind: 'DHCPLease',
  plural: 'dhcpleases',
  shortNames: ['lease'],
  scope: 'Namespaced',
  description:
    'An address that a leaf has given to a host by DHCP. Written by the controller alone when it is given, passes to another host or ends; renewals leave no trace here.',
  spec: dhcpLeaseSpec,
  status: Type.Object({}),
  defaults: (spec: DhcpLeaseSpec): DefaultedDhcpLeaseSpec => spec,
  rules: () => undefined,
  judged: false,
  readOnly: true,
  columns: [
    column('VPC', '.spec.vpc', 'VPC of this namespace.'),
    column('Subnet', '.spec.subnet', 'Subnet of the VPC.'),
    column('Address', '.spec.address', 'The address.'),
    column('MAC', '.spec.mac', 'MAC address of the host.'),
    column('Hostname', '.spec.hostname', 'What the host calls itself.'),
    column('Type', '.spec.type', 'Reserved or Dynamic.'),
    wideColumn('Switch', '.spec.switch', 'Leaf that gave it.'),
  ],
});
