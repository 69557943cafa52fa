/**
 * Goal state as rows. A row says one thing that must be true on a device, in the words of the field and not of any
 * operating system. Rows live in scopes: a device holds its own scope `device/<name>` and every shared scope that a
 * `member` row of its own scope names, so what is equal for all members of a VPC is compiled, encoded and kept once.
 *
 * | scope | rows |
 * |---|---|
 * | `device/<name>` | system, port, bgp, bgpPeer, vtep, member, segment, attachment, host, hostPeering, dhcpRange, vrfPort, vrfPeer |
 * | `group/<fabric>/<name>` | segment, attachment and host of what is multihomed to the switches of a redundancy group |
 * | `vpc/<l3vni>` | vrf, leak, mapping, route, isolation, reservation, acl, aclMember; of a VPC or of an External |
 */
import type { Address, Asn, InterfaceAddress, Mac, Prefix, Vlan, Vni } from '../net/brand.ts';

/** Key `self`. */
export interface SystemRow {
  readonly hostname: string;
  readonly role: 'spine' | 'leaf' | 'border' | 'gateway';
  /** Loopback and BGP identifier. */
  readonly routerId: Address;
}

/** Key: neutral port name, such as `E1/1`. Only ports that are cabled have a row. */
export interface PortRow {
  /** Name of the port on the device itself. */
  readonly interface: string;
  readonly role: 'fabric' | 'server' | 'external';
  /** Bytes, without the Ethernet header. */
  readonly mtu: number;
  /** `<device>/<port>` at the other end, for people. */
  readonly peer: string;
  /** Address of a numbered fabric link. */
  readonly address?: InterfaceAddress;
  /** Name of the bundle this port is a member of (LACP); members carry no attachment themselves. */
  readonly bundle?: string;
  /** Of a bundle that is multihomed: Ethernet segment identifier, equal on all switches of the group (RFC 7432 §5). */
  readonly esi?: string;
  /** Of a bundle: one port forwards although the server does not speak LACP, so that it can boot over the network. */
  readonly fallback?: boolean;
  /** Such as `25G`; left out, what the device does of itself. */
  readonly speed?: string;
  /** Forward error correction: `rs`, `fc`, `auto` or `none`. */
  readonly fec?: string;
}

/** Key `underlay`. */
export interface BgpRow {
  readonly asn: Asn;
  readonly routerId: Address;
  /** Loopback prefixes this device announces. */
  readonly networks: readonly Prefix[];
  /** Whether the device takes part in the overlay itself (leaves) or only passes routes on (spines). */
  readonly advertiseVnis: boolean;
  /** Traffic is led around this device before it goes away (graceful shutdown, RFC 8326). */
  readonly drained?: boolean;
}

/** Key: port name. */
export interface BgpPeerRow {
  readonly port: string;
  /** Address of the neighbour; left out, the session is unnumbered (RFC 5549). */
  readonly address?: Address;
  readonly bfd?: { readonly intervalMilliseconds: number; readonly multiplier: number };
  /** Traffic is led around this link before it goes away. */
  readonly drained?: boolean;
}

/** Key `self`. Source address of the overlay. */
export interface VtepRow {
  readonly address: Address;
  /** Gateway MAC, equal on every leaf. */
  readonly anycastMac: Mac;
}

/** Key: name of the shared scope that this device holds. */
export interface MemberRow {
  readonly scope: string;
}

/** Key: name of the VRF. */
export interface VrfRow {
  readonly name: string;
  /** L3VNI. */
  readonly vni: Vni;
  /** `<namespace>/<vpc>`, or the name of an External, for people. */
  readonly description: string;
  /** The VRF is that of an outside network: what comes from one VPC must never leave to another through it. */
  readonly external?: Outside;
}

export interface Outside {
  /** Prefixes of VPCs and of the fabric, which are never outside: nothing is sent there, believed of them, or taken from them. */
  readonly inside: readonly Prefix[];
}

/** Key: L2VNI in decimal. One broadcast domain with its anycast gateway. */
export interface SegmentRow {
  readonly vni: Vni;
  readonly vrf: string;
  readonly gateways: readonly InterfaceAddress[];
  /** Bytes; what fits into the underlay after 50 bytes of VXLAN. */
  readonly mtu: number;
  readonly description: string;
  /** `l3`: not stretched to other devices; every host is a route of its own (/32, /128). Left out: `l2`. */
  readonly mode?: 'l3';
  /** Hosts of the segment reach nobody inside it but the gateway. */
  readonly restricted?: boolean;
  /** How hosts get their IPv6 address: by what is advertised (RFC 4862), or by DHCPv6 (RFC 8415). Left out: no IPv6. */
  readonly ipv6?: 'slaac' | 'dhcp';
  /** Present when the device serves addresses on this segment, or relays; reservations are the segment's `host` rows too. */
  readonly dhcp?: DhcpSettings;
}

/** What hosts of a segment are told by DHCP (option numbers of RFC 2132 unless said otherwise). */
export interface DhcpSettings {
  readonly leaseSeconds: number;
  /** 6, and 23 of DHCPv6. */
  readonly dnsServers: readonly Address[];
  /** 42. */
  readonly ntpServers: readonly Address[];
  /** 15. */
  readonly domain?: string;
  /** 26, bytes; left out, that of the segment. */
  readonly mtu?: number;
  /** 66 and 67: where a host that boots over the network finds what to boot. */
  readonly bootServer?: string;
  readonly bootFile?: string;
  /** 121 (RFC 3442). */
  readonly routes: readonly { readonly destination: Prefix; readonly gateway: Address }[];
  /** The gateway is not told as the default route (3). */
  readonly noDefaultRoute?: boolean;
  /** Requests are handed to this server instead of being answered. */
  readonly relay?: Address;
}

/**
 * Key: `<port>`, or `<port>.<vlan>`; a port or a bundle. Puts a server port, or what carries a VLAN tag on it, into a segment:
 * the last thing enabled, the first withdrawn.
 */
export interface AttachmentRow {
  readonly port: string;
  readonly segment: Vni;
  /** Left out: untagged. */
  readonly vlan?: Vlan;
  /** Addresses of the server behind, where no `host` row says them because its MAC address is not known. */
  readonly address?: Address;
  readonly ipv6Address?: Address;
}

/** Key: `<segment vni>/<address>`. A host behind a port of this very device. */
export interface HostRow {
  readonly segment: Vni;
  readonly address: Address;
  readonly mac: Mac;
  readonly port: string;
  /** Of the attachment it is behind. */
  readonly vlan?: Vlan;
  /** For DHCP and for people. */
  readonly hostname: string;
}

/**
 * Key: `<vrf>/<peer vrf>`. One direction's half of a peering, kept in the scope of `vrf`: what hosts of `vrf` may reach
 * behind `peerVrf`. It takes effect on a device that holds both VRFs. Traffic is permitted only between the prefixes of
 * one and the same pairing.
 */
export interface LeakRow {
  readonly vrf: string;
  readonly vni: Vni;
  readonly peerVrf: string;
  readonly peerVni: Vni;
  readonly pairings: readonly { readonly local: readonly Prefix[]; readonly remote: readonly Prefix[] }[];
}

/**
 * Key: address; subnets of a VPC share none. Where a host is that Heddle does not manage: customer address -> provider
 * address. It takes effect on devices that hold the segment.
 */
export interface MappingRow {
  /** Segment whose subnet the address is in. */
  readonly segment: Vni;
  readonly address: Address;
  readonly mac: Mac;
  /** VTEP that the host is behind. */
  readonly vtep: Address;
  /** VNI under which that VTEP knows the segment, when it is another one. */
  readonly vni?: Vni;
}

/** Key: `<vrf>/<prefix>`. A static route inside a VPC. It takes effect on devices that reach a next hop directly. */
export interface RouteRow {
  readonly vrf: string;
  readonly prefix: Prefix;
  readonly nextHops: readonly Address[];
}

/** Prefixes inside `prefix` whose length is within the limits, both included. */
export interface PrefixMatch {
  readonly prefix: Prefix;
  readonly minLength: number;
  readonly maxLength: number;
}

/** Key: `<segment>`. Hosts of a segment may announce prefixes to the gateway by BGP; nothing else is believed. */
export interface HostPeeringRow {
  readonly segment: Vni;
  readonly vrf: string;
  /** Prefixes of the subnet, from which hosts may open a session. */
  readonly range: readonly Prefix[];
  readonly accept: readonly PrefixMatch[];
}

/** Key: segment VNI. Which other subnets of its VPC a subnet must not exchange packets with, in either direction. */
export interface IsolationRow {
  readonly segment: Vni;
  readonly vrf: string;
  readonly prefixes: readonly Prefix[];
  readonly denied: readonly Prefix[];
}

/** Key: `<segment>/<mac>`. An address that belongs to a MAC address wherever on the segment it shows up. */
export interface ReservationRow {
  readonly segment: Vni;
  readonly mac: Mac;
  readonly address: Address;
}

/** Key: `<segment>/<from>`. Addresses that this device alone may lease to hosts that nobody declared. */
export interface DhcpRangeRow {
  readonly segment: Vni;
  readonly from: Address;
  readonly to: Address;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** One of `peers` (prefixes) or `sets` at the other end; none of both stands for everybody. */
export interface AclRule {
  readonly peers: readonly Prefix[];
  /** Names of sets, whose members are `aclMember` rows. */
  readonly sets: readonly string[];
  /** Left out: all. */
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  /** At the destination; none stands for all. */
  readonly ports: readonly PortRange[];
}

/**
 * Key: `<vrf>/<policy>/<direction>`. Who is a subject of at least one row of a direction is sent (`ingress`) or may send
 * (`egress`) only what some rule of a row it is subject of permits, and answers to that. Rows and rules have no order.
 */
export interface AclRow {
  readonly vrf: string;
  readonly direction: 'ingress' | 'egress';
  /** `<namespace>/<name>` of the policy, for people. */
  readonly description: string;
  readonly subjects: readonly Prefix[];
  readonly subjectSets: readonly string[];
  readonly rules: readonly AclRule[];
}

/** Key: `<vrf>/<set>/<prefix>`. */
export interface AclMemberRow {
  readonly vrf: string;
  readonly set: string;
  readonly prefix: Prefix;
}

/** One statement of an ordered list; the first that matches decides. */
export interface AclStatement {
  readonly action: 'permit' | 'deny';
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  readonly source?: Prefix;
  readonly destination?: Prefix;
  /** Destination ports. */
  readonly ports?: PortRange;
  /** TCP: only what belongs to a connection that exists (ACK or RST is set). */
  readonly established?: boolean;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** Key: `<port>`, or `<port>.<vlan>`. A port, or what carries a VLAN tag on it, that is routed in a VRF: the way to an External. */
export interface VrfPortRow {
  readonly port: string;
  readonly vlan?: Vlan;
  readonly vrf: string;
  readonly addresses: readonly InterfaceAddress[];
  /** Answers ARP for these: addresses behind the fabric that the outside takes for neighbours of its own. */
  readonly proxyFor: readonly Prefix[];
  /** What may come in, in order; what no statement matches may not. None at all: everything may. */
  readonly inbound: readonly AclStatement[];
}

/**
 * Key: `<vrf>/<address>`. A BGP session to an outside router. What is announced to it are the remote prefixes of the VRF's
 * leaks, which lead to VPCs.
 */
export interface VrfPeerRow {
  readonly vrf: string;
  /** Key of the `vrfPort` it is behind. */
  readonly port: string;
  readonly address: Address;
  readonly asn: Asn;
  /** What is believed; none: everything but what belongs to VPCs and to the fabric. */
  readonly accept: readonly PrefixMatch[];
  /** Only routes with this community are believed. */
  readonly inboundCommunity?: string;
  /** Put on everything that is announced. */
  readonly outboundCommunity?: string;
  readonly bfd?: { readonly intervalMilliseconds: number; readonly multiplier: number };
}

export interface Tables {
  readonly system: SystemRow;
  readonly port: PortRow;
  readonly bgp: BgpRow;
  readonly bgpPeer: BgpPeerRow;
  readonly vtep: VtepRow;
  readonly member: MemberRow;
  readonly vrf: VrfRow;
  readonly segment: SegmentRow;
  readonly attachment: AttachmentRow;
  readonly host: HostRow;
  readonly leak: LeakRow;
  readonly mapping: MappingRow;
  readonly route: RouteRow;
  readonly hostPeering: HostPeeringRow;
  readonly isolation: IsolationRow;
  readonly reservation: ReservationRow;
  readonly dhcpRange: DhcpRangeRow;
  readonly acl: AclRow;
  readonly aclMember: AclMemberRow;
  readonly vrfPort: VrfPortRow;
  readonly vrfPeer: VrfPeerRow;
}

export type TableName = keyof Tables;

/** All tables, in an order in which a reader understands them. */
export const tableNames = [
  'system',
  'port',
  'bgp',
  'bgpPeer',
  'vtep',
  'member',
  'vrf',
  'segment',
  'attachment',
  'host',
  'leak',
  'mapping',
  'route',
  'hostPeering',
  'isolation',
  'reservation',
  'dhcpRange',
  'acl',
  'aclMember',
  'vrfPort',
  'vrfPeer',
] as const satisfies readonly TableName[];

export type Row = { [Table in TableName]: { readonly table: Table; readonly key: string; readonly value: Tables[Table] } }[TableName];

/** `<table>/<key>`; unique within a scope. */
export type RowId = string;

export const rowId = (row: { readonly table: TableName; readonly key: string }): RowId => `${row.table}/${row.key}`;

export const deviceScope = (device: string): string => `device/${device}`;
export const isGroupScope = (scope: string): boolean => scope.startsWith('group/');
/** Two fabrics may each have a group of the same name. */
export const groupScope = (fabric: string, group: string): string => `group/${fabric}/${group}`;
export const vpcScope = (vni: Vni): string => `vpc/${vni}`;
