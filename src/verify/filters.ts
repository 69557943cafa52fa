/** Whether rows that filter let a packet pass. Pure. */
import type { AclRow, AclRule, AclStatement, LeakRow } from '../goal/rows.ts';
import { familyOf } from '../net/address.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { contains } from '../net/prefix.ts';
import type { Vrf } from './network.ts';
import type { Packet } from './packet.ts';

const isIn = (prefixes: readonly Prefix[], address: Address): boolean => prefixes.some((prefix) => contains(prefix, address));

/** Whether one pairing of the leak permits both ends; `undefined` when none does. */
export const pairingOf = (leak: LeakRow, local: Address, remote: Address): number | undefined => {
  const index = leak.pairings.findIndex((pairing) => isIn(pairing.local, local) && isIn(pairing.remote, remote));
  return index === -1 ? undefined : index;
};

/** Key of the row because of which the packet may not pass between two subnets of the VRF. */
export const isolationOf = ({ isolations }: Vrf, { source, destination }: Packet): string | undefined => {
  for (const [segment, { prefixes, denied }] of isolations) {
    const parts = (isIn(prefixes, source) && isIn(denied, destination)) || (isIn(prefixes, destination) && isIn(denied, source));
    if (parts) return `isolation/${segment}`;
  }
  return undefined;
};

/**
 * Key of a policy that refuses the packet: its subject is there, and no rule of any policy that the subject is under in this
 * direction permits it. An answer is judged as what it answers.
 */
export const refusedBy = (vrf: Vrf, direction: AclRow['direction'], packet: Packet): string | undefined => {
  const { concerning, permitting } = policiesOn(vrf, direction, packet);
  return permitting !== undefined || concerning[0] === undefined ? undefined : `acl/${concerning[0].key}`;
};

/** Key of a policy because of which the packet may pass; undefined also when it is under none. */
export const permittedBy = (vrf: Vrf, direction: AclRow['direction'], packet: Packet): string | undefined => {
  const { permitting } = policiesOn(vrf, direction, packet);
  return permitting === undefined ? undefined : `acl/${permitting.key}`;
};

const policiesOn = (vrf: Vrf, direction: AclRow['direction'], packet: Packet) => {
  const forward = packet.isAnswer === true ? { ...packet, source: packet.destination, destination: packet.source } : packet;
  const [subject, peer] = direction === 'egress' ? [forward.source, forward.destination] : [forward.destination, forward.source];
  const concerning = vrf.policies.filter(({ row }) => row.direction === direction && isSubject(vrf, row, subject));
  return { concerning, permitting: concerning.find(({ row }) => row.rules.some((rule) => doesPermit(vrf, rule, peer, forward))) };
};

const isSubject = (vrf: Vrf, { subjects, subjectSets }: AclRow, address: Address): boolean =>
  isIn(subjects, address) || isInSets(vrf, subjectSets, address);

const isInSets = ({ sets }: Vrf, names: readonly string[], address: Address): boolean =>
  names.some((name) => isIn(sets.get(name) ?? [], address));

const doesPermit = (vrf: Vrf, { peers, sets, protocol, ports }: AclRule, peer: Address, packet: Packet): boolean => {
  const isPeer = (peers.length === 0 && sets.length === 0) || isIn(peers, peer) || isInSets(vrf, sets, peer);
  if (!isPeer || (protocol !== undefined && protocol !== packet.protocol)) return false;
  return ports.length === 0 || ports.some(({ from, to }) => packet.port !== undefined && packet.port >= from && packet.port <= to);
};

/** Ports that clients use (what Linux takes by default): the destination ports of answers. */
const clientPorts = { from: 32768, to: 60999 };

/** Whether an ordered list lets the packet in; an empty list lets everything. */
export const admits = (statements: readonly AclStatement[], packet: Packet): boolean =>
  statements.length === 0 || statements.find((statement) => doesMatch(statement, packet))?.action === 'permit';

const doesMatch = (statement: AclStatement, { source, destination, protocol, port, isAnswer = false }: Packet): boolean => {
  const { ports } = statement;
  const wanted = isAnswer ? clientPorts : { from: port ?? 0, to: port ?? 0 };
  return (
    (statement.protocol ?? protocol) === protocol &&
    (statement.source === undefined || contains(statement.source, source)) &&
    (statement.destination === undefined || contains(statement.destination, destination)) &&
    // Of a range of ports all must match: an answer may go to any of them.
    (ports === undefined || (ports.from <= wanted.from && ports.to >= wanted.to)) &&
    (statement.established !== true || (protocol === 'tcp' && isAnswer)) &&
    (statement.icmpType ?? echoType(source, isAnswer)) === echoType(source, isAnswer)
  );
};

/** ICMP type of an echo request or reply (RFC 792, RFC 4443). */
const echoType = (source: Address, isAnswer: boolean): number => (familyOf(source) === 4 ? (isAnswer ? 0 : 8) : isAnswer ? 129 : 128);
