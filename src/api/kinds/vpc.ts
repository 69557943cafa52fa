/** VPC: a tenant's private network. Its subnets reach each other; nothing else does until a peering says so. */
import { type Static, Type } from 'typebox';
import { address, byName, cidr, name, statusBase, text } from './common.ts';
import { canonicalAddress, canonicalPrefix, mapValues } from './canonical.ts';
import { clusterWide, column, defineKind, readyColumn, wideColumn } from './define.ts';
import { vpcRules } from '../rules/vpc.ts';
import { asMap } from '../fieldtype.ts';
import { matrixView } from '../matrixview.ts';
import { traceView } from '../traceview.ts';

const dhcpSchema = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean({ description: 'Whether attached servers get their address by DHCP; default true.' })),
    leaseSeconds: Type.Optional(Type.Integer({ minimum: 120, maximum: 31536000, description: 'Default 3600.' })),
    dnsServers: Type.Optional(Type.Array(address('Address'), { maxItems: 8, description: 'Name servers, IPv4 and IPv6.' })),
    ntpServers: Type.Optional(Type.Array(address('Address'), { maxItems: 8, description: 'Time servers.' })),
    domain: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'Domain that names without one are looked up in.' })),
    mtu: Type.Optional(Type.Integer({ minimum: 576, maximum: 9216, description: 'MTU that servers are told, bytes; default what the segment carries.' })),
    boot: Type.Optional(
      Type.Object(
        {
          server: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'Name or address of the server to boot from (option 66).' })),
          file: Type.String({ minLength: 1, maxLength: 255, description: 'File or URL to boot (option 67).' }),
        },
        { additionalProperties: false, description: 'What servers that boot over the network (PXE) are told.' },
      ),
    ),
    routes: Type.Optional(
      Type.Array(
        Type.Object(
          { destination: cidr('Prefix'), gateway: address('Address inside the subnet that leads there.') },
          { additionalProperties: false },
        ),
        { ...asMap('destination'), maxItems: 32, description: 'Routes that servers are told beside the default route (option 121).' },
      ),
    ),
    defaultRoute: Type.Optional(Type.Boolean({ description: 'Whether servers are told the gateway as their default route; default true.' })),
    range: Type.Optional(
      Type.Object(
        { from: address('First address.'), to: address('Last address.') },
        {
          additionalProperties: false,
          description: 'Addresses for machines that nobody declared, such as virtual machines behind a port; left out, only declared servers get one.',
        },
      ),
    ),
    reservations: Type.Optional(
      byName(
        Type.Object({ address: address('Address inside the subnet.') }, { additionalProperties: false }),
        'Addresses by MAC address, for machines that are no Server.',
      ),
    ),
    relay: Type.Optional(
      Type.Object(
        {
          server: address('Address of the DHCP server.'),
          vpc: Type.Optional(name('VPC of this namespace that the server is in; left out, this one. The two must be peered.')),
        },
        { additionalProperties: false, description: 'Hand requests to a DHCP server outside; nothing is served here then.' },
      ),
    ),
  },
  { additionalProperties: false },
);

const ipv6Schema = Type.Object(
  {
    cidr: cidr('Prefix of the subnet, such as fd00:40:10::/64.'),
    gateway: Type.Optional(address('Address that every leaf answers as the gateway; default the first host of the prefix.')),
    addressing: Type.Optional(
      Type.Union([Type.Literal('dhcp'), Type.Literal('slaac')], {
        description: 'dhcp: servers get an allocated address by DHCPv6; slaac: they make one of the advertised prefix, which must be a /64. Default dhcp.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Makes the subnet dual-stack.' },
);

const hostBgpSchema = Type.Object(
  {
    prefixes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            cidr: cidr('Prefix'),
            minLength: Type.Optional(Type.Integer({ minimum: 0, maximum: 128, description: 'Shortest length; default that of a single address.' })),
            maxLength: Type.Optional(Type.Integer({ minimum: 0, maximum: 128, description: 'Longest length; default that of a single address.' })),
          },
          { additionalProperties: false },
        ),
        { maxItems: 100, description: 'What hosts may announce; default single addresses inside the subnet.' },
      ),
    ),
  },
  { additionalProperties: false, description: 'Hosts may announce addresses of their own by BGP to the gateway, such as those of services.' },
);

export const subnetSchema = Type.Object(
  {
    cidr: cidr('Prefix of the subnet, such as 10.40.10.0/24.'),
    gateway: Type.Optional(address('Address that every leaf answers as the gateway; default the first host of the prefix.')),
    ipv6: Type.Optional(ipv6Schema),
    labels: Type.Optional(byName(Type.String({ maxLength: 63 }), 'Labels by which a SecurityPolicy selects the subnet.')),
    isolated: Type.Optional(Type.Boolean({ description: 'No traffic with other subnets of the VPC unless permit names both; default defaultIsolated.' })),
    restricted: Type.Optional(Type.Boolean({ description: 'No traffic between servers inside the subnet; default defaultRestricted.' })),
    hostBGP: Type.Optional(hostBgpSchema),
    dhcp: Type.Optional(dhcpSchema),
  },
  { additionalProperties: false },
);
export type Subnet = Static<typeof subnetSchema>;

export const vpcSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    addressSpace: Type.Optional(name('AddressSpace the subnets are taken from; default "default". Cannot be changed.')),
    mode: Type.Optional(
      Type.Union([Type.Literal('l2'), Type.Literal('l3')], {
        description: 'l2: a segment a subnet, stretched over all leaves that need it; l3: nothing is stretched, every server is a route of its own. Default l2.',
      }),
    ),
    subnets: byName(subnetSchema, 'Subnets by name; 1 to 64.'),
    defaultIsolated: Type.Optional(Type.Boolean({ description: 'Default of isolated of the subnets; default false.' })),
    defaultRestricted: Type.Optional(Type.Boolean({ description: 'Default of restricted of the subnets; default false.' })),
    permit: Type.Optional(
      Type.Array(Type.Array(name('Subnet'), { minItems: 2, maxItems: 64 }), {
        maxItems: 64,
        description: 'Sets of subnets that reach each other although some of them are isolated. Has no effect on peerings.',
      }),
    ),
    staticRoutes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            prefix: cidr('Prefix'),
            nextHops: Type.Array(address('Address'), { minItems: 1, maxItems: 16, description: 'Addresses inside subnets of the VPC.' }),
          },
          { additionalProperties: false },
        ),
        { ...asMap('prefix'), maxItems: 256, description: 'Routes inside the VPC; peers do not learn them.' },
      ),
    ),
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

/** What a subnet says itself, else the default of its VPC. */
export const limitsOf = ({ defaultIsolated = false, defaultRestricted = false }: VpcSpec, subnet: Pick<Subnet, 'isolated' | 'restricted'>) => ({
  isolated: subnet.isolated ?? defaultIsolated,
  restricted: subnet.restricted ?? defaultRestricted,
});

/**
 * Gateway, isolated and restricted are left out on purpose when the user left them out: written into the spec they would stay
 * behind when the CIDR, or the default of the VPC, is changed. The compiler works them out (`gatewayOf` of compile/resolve/vpc.ts), users see it in status.
 */
function defaultSubnet(subnet: Subnet) {
  return {
    ...subnet,
    cidr: canonicalPrefix(subnet.cidr),
    ...(subnet.gateway !== undefined && { gateway: canonicalAddress(subnet.gateway) }),
    ...(subnet.ipv6 !== undefined && { ipv6: defaultIpv6(subnet.ipv6) }),
    ...(subnet.hostBGP !== undefined && { hostBGP: defaultHostBgp(subnet.hostBGP) }),
    dhcp: defaultDhcp(subnet.dhcp ?? {}),
  };
}

const defaultIpv6 = (ipv6: NonNullable<Subnet['ipv6']>) => ({
  ...ipv6,
  cidr: canonicalPrefix(ipv6.cidr),
  ...(ipv6.gateway !== undefined && { gateway: canonicalAddress(ipv6.gateway) }),
  addressing: ipv6.addressing ?? ('dhcp' as const),
});

const defaultHostBgp = ({ prefixes = [] }: NonNullable<Subnet['hostBGP']>) => ({
  prefixes: prefixes.map((each) => ({ ...each, cidr: canonicalPrefix(each.cidr) })),
});

const defaultDhcp = ({ range, reservations, relay, ...dhcp }: NonNullable<Subnet['dhcp']>) => ({
  ...dhcp,
  ...(range !== undefined && { range: { from: canonicalAddress(range.from), to: canonicalAddress(range.to) } }),
  // MAC addresses stay as they are spelt: under another name, clients that apply would add them again.
  ...(reservations !== undefined && { reservations: mapValues(reservations, (each) => ({ address: canonicalAddress(each.address) })) }),
  ...(relay !== undefined && { relay: { ...relay, server: canonicalAddress(relay.server) } }),
  enabled: dhcp.enabled ?? true,
  leaseSeconds: dhcp.leaseSeconds ?? 3600,
  dnsServers: (dhcp.dnsServers ?? []).map(canonicalAddress),
  ntpServers: (dhcp.ntpServers ?? []).map(canonicalAddress),
  routes: (dhcp.routes ?? []).map(({ destination, gateway }) => ({
    destination: canonicalPrefix(destination),
    gateway: canonicalAddress(gateway),
  })),
  defaultRoute: dhcp.defaultRoute ?? true,
});

export function defaultVpcSpec(spec: VpcSpec) {
  return {
    ...spec,
    addressSpace: spec.addressSpace ?? 'default',
    mode: spec.mode ?? ('l2' as const),
    subnets: mapValues(spec.subnets, defaultSubnet),
    permit: spec.permit ?? [],
    staticRoutes: (spec.staticRoutes ?? []).map(({ prefix, nextHops }) => ({
      prefix: canonicalPrefix(prefix),
      nextHops: nextHops.map(canonicalAddress),
    })),
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
  references: ({ addressSpace, subnets }, namespace) => [
    clusterWide('AddressSpace', addressSpace),
    ...Object.values(subnets).flatMap(({ dhcp: { relay } }) => (relay?.vpc === undefined ? [] : [{ kind: 'VPC', namespace, name: relay.vpc }])),
  ],
  views: { [traceView]: 'Trace', [matrixView]: 'ReachabilityMatrix' },
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
