/** What goes into a network and what becomes of it. */
import type { RowId } from '../goal/rows.ts';
import type { Address, Prefix, Vlan, Vni } from '../net/brand.ts';

export type Protocol = 'icmp' | 'tcp' | 'udp';

export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  /** Port of the one who serves: the destination's, or the source's of an answer. */
  readonly port?: number;
  /** Belongs to something that went the other way: an echo reply, a TCP segment with ACK, what a UDP server sends back. */
  readonly isAnswer?: boolean;
}

/** A port of a device, or what carries a VLAN tag on it. */
export interface Place {
  readonly device: string;
  readonly port: string;
  readonly vlan?: Vlan;
}

/** A host that no row names, as devices come to know it: by a lease, by ARP or ND. */
export interface LearnedHost extends Place {
  readonly address: Address;
}

/** Prefixes that somebody announces by BGP to the gateway of a segment, or to the VRF of an External. */
export interface Announcement {
  /** Who announces, and what packets are sent to. */
  readonly neighbor: Address;
  /** Where the neighbour is. */
  readonly at: Place;
  readonly prefixes: readonly Prefix[];
  /** Communities on the routes. */
  readonly communities?: readonly string[];
}

/** What can be done with a packet. `via`: its next hop is looked up in turn. */
export type Doing = 'enters' | 'routed' | 'via' | 'leaked' | 'arrives' | 'leaves';

/** One thing that was done with a packet, and the row because of which. */
export interface Hop {
  readonly device: string;
  readonly doing?: Doing;
  readonly action: string;
  readonly row?: RowId;
}

export type DropReason =
  | 'NotAttached'
  /** Comes from outside with an address of the inside, or from a server with one that is not its own. */
  | 'Spoofed'
  | 'Restricted'
  | 'Isolated'
  | 'NoPairing'
  | 'PolicyIngress'
  | 'PolicyEgress'
  | 'InboundACL'
  | 'NoRoute'
  | 'NoHost'
  | 'NoVRF'
  | 'NoVTEP'
  | 'Loop';

export type Verdict =
  | { readonly type: 'delivered'; readonly to: Delivery; readonly hops: readonly Hop[] }
  | { readonly type: 'dropped'; readonly reason: DropReason; readonly at: string; readonly row?: RowId; readonly hops: readonly Hop[] };

export type Delivery =
  /** Places is more than one where a host is multihomed. */
  | { readonly what: 'host'; readonly segment: Vni; readonly address: Address; readonly places: readonly Place[] }
  | { readonly what: 'gateway'; readonly segment: Vni; readonly device: string }
  /** A host that Heddle does not manage, behind a foreign VTEP. */
  | { readonly what: 'mapped'; readonly segment: Vni; readonly vtep: Address }
  /** Out of the fabric. */
  | { readonly what: 'external'; readonly vrf: string; readonly place: Place; readonly nextHop: Address };

export const formatVerdict = (verdict: Verdict): string =>
  [...verdict.hops.map(({ device, action, row }) => `${device}: ${action}${row === undefined ? '' : ` (${row})`}`), conclusion(verdict)].join('; ');

const conclusion = (verdict: Verdict): string =>
  verdict.type === 'dropped'
    ? `dropped at ${verdict.at}: ${verdict.reason}${verdict.row === undefined ? '' : ` (${verdict.row})`}`
    : `delivered to ${verdict.to.what}`;
