/** External: a network that is not Heddle's, reached over border leaves by BGP or by static routes. */
import { type Static, Type } from 'typebox';
import { address, cidr, name, statusBase, text } from './common.ts';
import { canonicalAddress, canonicalInterfaceAddress, canonicalPrefix } from './canonical.ts';
import { clusterWide, column, defineKind, readyColumn, wideColumn } from './define.ts';
import { externalRules } from '../rules/external.ts';
import { asSet } from '../fieldtype.ts';
import { traceView } from '../traceview.ts';

const community = (description: string) => Type.String({ description, minLength: 3, maxLength: 11 });

const attachment = Type.Object(
  {
    connection: Type.String({ minLength: 1, maxLength: 253, description: 'Connection between a border leaf and an External.' }),
    vlan: Type.Optional(Type.Integer({ minimum: 1, maximum: 4094, description: 'VLAN tag on the cable; left out, none.' })),
    address: Type.String({ minLength: 1, maxLength: 64, description: 'Address of the border leaf with its length, such as 192.0.2.1/31.' }),
    neighbor: Type.Optional(
      Type.Object(
        {
          address: address('Address of the router outside, in the network of the own address.'),
          asn: Type.Integer({ minimum: 1, maximum: 4294967294, description: 'ASN of the router outside.' }),
        },
        { additionalProperties: false, description: 'With bgp: who is at the other end.' },
      ),
    ),
    nextHop: Type.Optional(address('With static: the router outside, in the network of the own address.')),
    proxy: Type.Optional(
      Type.Array(cidr('IPv4 prefix'), {
        maxItems: 16,
        description: 'The leaf answers ARP for these: addresses of VPCs that the outside takes for neighbours of its own; at most 1,024 addresses.',
      }),
    ),
  },
  { additionalProperties: false },
);

const statement = Type.Object(
  {
    action: Type.Union([Type.Literal('permit'), Type.Literal('deny')]),
    protocol: Type.Optional(
      Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('icmp')], { description: 'Left out: all. icmp is ICMPv6 as well.' }),
    ),
    source: Type.Optional(cidr('Prefix; left out, any.')),
    destination: Type.Optional(cidr('Prefix; left out, any.')),
    ports: Type.Optional(
      Type.Object(
        {
          from: Type.Integer({ minimum: 1, maximum: 65535 }),
          to: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'Left out: "from" alone.' })),
        },
        { additionalProperties: false, description: 'Destination ports of tcp or udp.' },
      ),
    ),
    established: Type.Optional(Type.Boolean({ description: 'tcp: only what belongs to a connection that exists (ACK or RST is set).' })),
    icmpType: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    icmpCode: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
  },
  { additionalProperties: false },
);

export const externalSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    addressSpace: Type.Optional(name('AddressSpace whose VPCs may peer with it; default "default".')),
    bgp: Type.Optional(
      Type.Object(
        {
          inboundCommunity: Type.Optional(community('Only routes with this community are believed, such as 65102:5000.')),
          outboundCommunity: Type.Optional(community('Put on everything that is announced, such as 50000:50001.')),
          prefixes: Type.Optional(
            Type.Array(cidr('Prefix; longer ones inside it count as well.'), {
              ...asSet,
              minItems: 1,
              maxItems: 256,
              description: 'What is believed; left out, everything. Prefixes of the AddressSpace and of the Fabric never are.',
            }),
          ),
        },
        { additionalProperties: false, description: 'Routes are exchanged by BGP. Exactly one of bgp and static.' },
      ),
    ),
    static: Type.Optional(
      Type.Object(
        { prefixes: Type.Array(cidr('Prefix that is behind the next hops.'), { ...asSet, minItems: 1, maxItems: 256 }) },
        { additionalProperties: false, description: 'What is outside is written down here. Exactly one of bgp and static.' },
      ),
    ),
    attachments: Type.Optional(Type.Array(attachment, { maxItems: 64, description: 'Where the fabric meets the network; several are used at once.' })),
    inboundACL: Type.Optional(
      Type.Array(statement, {
        maxItems: 256,
        description:
          'What may come in, in order: the first statement that matches decides, and what none matches may not. It keeps no state, so answers need a statement too. Left out or empty: everything may.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type ExternalSpec = Static<typeof externalSpec>;

export const externalStatus = Type.Object({
  ...statusBase,
  vni: Type.Optional(Type.Integer({ description: 'L3VNI of the network.' })),
  type: Type.Optional(Type.String({ description: 'bgp or static.' })),
  ports: Type.Optional(Type.Array(Type.String(), { description: 'Where it is attached, as <switch>/<port>, with .<vlan> where it is tagged.' })),
  sessions: Type.Optional(
    Type.Array(
      Type.Object({
        switch: Type.String({ description: 'The border leaf.' }),
        neighbor: Type.String({ description: 'Address of the router outside.' }),
        state: Type.Optional(Type.Union([Type.Literal('Established'), Type.Literal('Down')], { description: 'Of the BGP session; absent before anything was heard of it.' })),
        believed: Type.Optional(Type.Integer({ description: 'Prefixes that were heard and believed.' })),
      }),
      { description: 'With bgp: sessions with routers outside, as border leaves see them.' },
    ),
  ),
});
export type ExternalStatus = Static<typeof externalStatus>;

const defaultAttachment = (attachment: NonNullable<ExternalSpec['attachments']>[number]) => ({
  ...attachment,
  address: canonicalInterfaceAddress(attachment.address),
  ...(attachment.neighbor !== undefined && {
    neighbor: { ...attachment.neighbor, address: canonicalAddress(attachment.neighbor.address) },
  }),
  ...(attachment.nextHop !== undefined && { nextHop: canonicalAddress(attachment.nextHop) }),
  proxy: (attachment.proxy ?? []).map(canonicalPrefix),
});

const defaultStatement = ({ ports, ...statement }: NonNullable<ExternalSpec['inboundACL']>[number]) => ({
  ...statement,
  ...(statement.source !== undefined && { source: canonicalPrefix(statement.source) }),
  ...(statement.destination !== undefined && { destination: canonicalPrefix(statement.destination) }),
  ...(ports !== undefined && { ports: { from: ports.from, to: ports.to ?? ports.from } }),
});

export function defaultExternalSpec(spec: ExternalSpec) {
  return {
    ...spec,
    addressSpace: spec.addressSpace ?? 'default',
    ...(spec.bgp !== undefined && {
      bgp: { ...spec.bgp, ...(spec.bgp.prefixes !== undefined && { prefixes: spec.bgp.prefixes.map(canonicalPrefix) }) },
    }),
    ...(spec.static !== undefined && { static: { prefixes: spec.static.prefixes.map(canonicalPrefix) } }),
    attachments: (spec.attachments ?? []).map(defaultAttachment),
    inboundACL: (spec.inboundACL ?? []).map(defaultStatement),
  };
}
export type DefaultedExternalSpec = ReturnType<typeof defaultExternalSpec>;

export const external = defineKind({
  kind: 'External',
  plural: 'externals',
  shortNames: ['ext'],
  scope: 'Cluster',
  names: 'label',
  description:
    'A network outside, met on border leaves: by BGP, or static. VPCs of its AddressSpace reach it by an ExternalPeering, and never each other through it.',
  spec: externalSpec,
  status: externalStatus,
  defaults: defaultExternalSpec,
  rules: externalRules,
  references: ({ addressSpace, attachments }) => [
    clusterWide('AddressSpace', addressSpace),
    ...attachments.map(({ connection }) => clusterWide('Connection', connection)),
  ],
  views: { [traceView]: 'Trace' },
  columns: [
    column('Type', '.status.type', 'bgp or static.'),
    column('VNI', '.status.vni', 'L3VNI of the network.', 'integer'),
    column('Ports', '.status.ports[*]', 'Where it is attached.'),
    readyColumn,
    wideColumn('Established', '.status.conditions[?(@.type=="Established")].status', 'Whether all sessions with routers outside are established.'),
    wideColumn('Address-Space', '.spec.addressSpace', 'AddressSpace whose VPCs may peer with it.'),
    wideColumn('In-Community', '.spec.bgp.inboundCommunity', 'Only routes with this community are believed.'),
    wideColumn('Out-Community', '.spec.bgp.outboundCommunity', 'Put on everything that is announced.'),
    wideColumn('Neighbors', '.spec.attachments[*].neighbor.address', 'Routers outside.'),
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
