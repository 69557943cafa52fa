/** What a device sees that no row asked for, and how it travels in a Report. */
import { create } from '@bufbuild/protobuf';
import type { Address, Mac, Vni } from '../net/brand.ts';
import { parseAddress } from '../net/address.ts';
import { parseMac } from '../net/mac.ts';
import { parseVni } from '../net/scalars.ts';
import {
  type LinkNeighbours,
  LinkNeighboursSchema,
  type Leases,
  LeasesSchema,
  type Lease as LeaseMessage,
  type Sessions,
  SessionsSchema,
  type Session as SessionMessage,
  type UnderlaySessions,
  UnderlaySessionsSchema,
} from './gen/heddle/agent/v1/agent_pb.ts';

/** A device at the other end of a cable, as it presents itself (LLDP). */
export interface LinkNeighbour {
  /** Neutral name of the own port. */
  readonly port: string;
  readonly system: string;
  readonly remotePort: string;
}

/** An address that the device has given to a host by DHCP. */
export interface Lease {
  readonly segment: Vni;
  readonly mac: Mac;
  readonly address: Address;
  /** What the host calls itself; empty when it does not. */
  readonly hostname: string;
}

export const sessionStates = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'] as const;
/** RFC 4271 section 8.2.2. */
export type SessionState = (typeof sessionStates)[number];

/** A session with a router outside. */
export interface Session {
  /** As in the row `vrfPeer`. */
  readonly vrf: string;
  readonly address: Address;
  readonly state: SessionState;
  /** Prefixes that were heard and believed. */
  readonly believed: number;
}

/** A session with another device of the fabric; it carries underlay and overlay. */
export interface UnderlaySession {
  /** As in the row `bgpPeer`. */
  readonly port: string;
  readonly established: boolean;
}

/** A list that is left out is as before. */
export interface Observation {
  readonly neighbours?: readonly LinkNeighbour[];
  readonly leases?: readonly Lease[];
  readonly sessions?: readonly Session[];
  readonly underlay?: readonly UnderlaySession[];
}

/** The members of a Report that say it. */
export interface ObservationMessages {
  readonly neighbours?: LinkNeighbours | undefined;
  readonly leases?: Leases | undefined;
  readonly sessions?: Sessions | undefined;
  readonly underlay?: UnderlaySessions | undefined;
}

export const messagesOf = ({ neighbours, leases, sessions, underlay }: Observation): ObservationMessages => ({
  ...(neighbours === undefined ? {} : { neighbours: create(LinkNeighboursSchema, { neighbours: [...neighbours] }) }),
  ...(leases === undefined ? {} : { leases: create(LeasesSchema, { leases: [...leases] }) }),
  ...(sessions === undefined ? {} : { sessions: create(SessionsSchema, { sessions: [...sessions] }) }),
  ...(underlay === undefined ? {} : { underlay: create(UnderlaySessionsSchema, { sessions: [...underlay] }) }),
});

/** What a Report says of neighbours, leases and sessions; undefined when nothing. A lease or session that is none is left out. */
export const observationOf = ({ neighbours, leases, sessions, underlay }: ObservationMessages): Observation | undefined => {
  if ([neighbours, leases, sessions, underlay].every((list) => list === undefined)) return undefined;
  return {
    ...(neighbours === undefined ? {} : { neighbours: neighbours.neighbours.map(({ port, system, remotePort }) => ({ port, system, remotePort })) }),
    ...(leases === undefined ? {} : { leases: leases.leases.flatMap(leaseOf) }),
    ...(sessions === undefined ? {} : { sessions: sessions.sessions.flatMap(sessionOf) }),
    ...(underlay === undefined ? {} : { underlay: underlay.sessions.map(({ port, established }) => ({ port, established })) }),
  };
};

const leaseOf = ({ segment, mac, address, hostname }: LeaseMessage): readonly Lease[] => {
  const vni = parseVni(segment);
  const owner = parseMac(mac);
  const given = parseAddress(address);
  return vni.ok && owner.ok && given.ok ? [{ segment: vni.value, mac: owner.value, address: given.value, hostname }] : [];
};

const sessionOf = ({ vrf, address, state, believed }: SessionMessage): readonly Session[] => {
  const neighbour = parseAddress(address);
  const known = sessionStates.find((each) => each === state);
  return neighbour.ok && known !== undefined ? [{ vrf, address: neighbour.value, state: known, believed }] : [];
};
