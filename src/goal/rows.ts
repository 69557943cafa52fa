/**
 * Goal state as rows. A row says one thing that must be true on a device, in the words of the field and not of any
 * operating system. Rows live in scopes: a device holds its own scope `device/<name>` and every shared scope that a
 * `member` row of its own scope names, so what is equal for all members of a VPC is compiled, encoded and kept once.
 *
 * | scope | rows |
 * |---|---|
 * | `device/<name>` | system, port, bgp, bgpPeer, vtep, member, segment, attachment, host |
 * | `vpc/<l3vni>` | vrf, leak, mapping |
 */
import type { Address, Asn, InterfaceAddress, Mac, Prefix, Vni } from '../net/brand.ts';

/** Key `self`. */
export interface SystemRow {
  readonly hostname: string;
  readonly role: 'spine' | 'leaf' | 'border';
  /** Loopback and BGP identifier. */
  readonly routerId: Address;
}

/** Key: neutral port name, such as `E1/1`. Only ports that are cabled have a row. */
export interface PortRow {
  /** Name of the port on the device itself. */
  readonly interface: string;
  readonly role: 'fabric' | 'server';
  /** Bytes, without the Ethernet header. */
  readonly mtu: number;
  /** `<device>/<port>` at the other end, for people. */
  readonly peer: string;
  /** Address of a numbered fabric link. */
  readonly address?: InterfaceAddress;
  /** Name of the bundle this port is a member of (LACP); members carry no attachment themselves. */
  readonly bundle?: string;
}

/** Key `underlay`. */
export interface BgpRow {
  readonly asn: Asn;
  readonly routerId: Address;
  /** Loopback prefixes this device announces. */
  readonly networks: readonly Prefix[];
  /** Whether the device takes part in the overlay itself (leaves) or only passes routes on (spines). */
  readonly advertiseVnis: boolean;
}

/** Key: port name. */
export interface BgpPeerRow {
  readonly port: string;
  /** Address of the neighbour; left out, the session is unnumbered (RFC 5549). */
  readonly address?: Address;
  readonly bfd?: { readonly intervalMilliseconds: number; readonly multiplier: number };
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
  /** `<namespace>/<vpc>`, for people. */
  readonly description: string;
}

/** Key: L2VNI in decimal. One broadcast domain with its anycast gateway. */
export interface SegmentRow {
  readonly vni: Vni;
  readonly vrf: string;
  readonly gateways: readonly InterfaceAddress[];
  /** Bytes; what fits into the underlay after 50 bytes of VXLAN. */
  readonly mtu: number;
  readonly description: string;
  /** Present when the device serves addresses on this segment; reservations are the segment's `host` rows. */
  readonly dhcp?: { readonly leaseSeconds: number; readonly dnsServers: readonly Address[] };
}

/** Key: port or bundle name. Puts an untagged server port into a segment: the last thing enabled, the first withdrawn. */
export interface AttachmentRow {
  readonly port: string;
  readonly segment: Vni;
}

/** Key: `<segment vni>/<address>`. A host behind a port of this very device. */
export interface HostRow {
  readonly segment: Vni;
  readonly address: Address;
  readonly mac: Mac;
  readonly port: string;
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
] as const satisfies readonly TableName[];

export type Row = { [Table in TableName]: { readonly table: Table; readonly key: string; readonly value: Tables[Table] } }[TableName];

/** `<table>/<key>`; unique within a scope. */
export type RowId = string;

export const rowId = (row: { readonly table: TableName; readonly key: string }): RowId => `${row.table}/${row.key}`;

export const deviceScope = (device: string): string => `device/${device}`;
export const vpcScope = (vni: Vni): string => `vpc/${vni}`;
