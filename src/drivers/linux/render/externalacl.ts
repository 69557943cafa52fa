/**
 * An ordered list of statements as rules of nftables, in the words in which it prints them (nft 1.0.6): the first that matches
 * decides, and what none matches is dropped. A statement that is of no IP version becomes a rule for both at once where it can.
 */
import type { AclStatement } from '../../../goal/rows.ts';
import { bare, headerOf } from './ruleset.ts';

export const aclRules = (statements: readonly AclStatement[]): string[] => [...statements.flatMap(statementRules), 'drop'];

const statementRules = (statement: AclStatement): string[] => {
  const verdict = statement.action === 'permit' ? 'accept' : 'drop';
  const ends = endWords(statement);
  return protocolWords(statement).map((words) => [...ends, ...words, verdict].join(' '));
};

/** A prefix of length 0 is everything of its IP version. */
const endWords = ({ source, destination }: AclStatement): string[] => [
  ...(source === undefined ? [] : [`${headerOf(source)} saddr ${bare(source)}`]),
  ...(destination === undefined ? [] : [`${headerOf(destination)} daddr ${bare(destination)}`]),
];

/** What a packet's protocol must be; each list is a rule of its own. */
const protocolWords = (statement: AclStatement): string[][] => {
  const { protocol, ports, established } = statement;
  if (protocol === undefined) return [[]];
  if (protocol === 'icmp') return icmpWords(statement);
  const words = [
    ...(ports === undefined ? [] : [`${protocol} dport ${ports.from === ports.to ? ports.from : `${ports.from}-${ports.to}`}`]),
    ...(established === true ? ['tcp flags rst,ack'] : []),
  ];
  return [words.length === 0 ? [`meta l4proto ${protocol}`] : words];
};

/** Types are numbered by each version for itself, so a statement with a type and no prefix is of IPv4. */
const icmpWords = ({ source, destination, icmpType, icmpCode }: AclStatement): string[][] => {
  const versions = [source, destination].flatMap((prefix) => (prefix === undefined ? [] : [headerOf(prefix)]));
  const isSix = versions.includes('ip6');
  if (icmpType === undefined) {
    if (versions.length === 0) return [['meta l4proto { icmp, ipv6-icmp }']];
    return [[`meta l4proto ${isSix ? 'ipv6-icmp' : 'icmp'}`]];
  }
  const [word, types, codes] = isSix ? (['icmpv6', types6, codes6] as const) : (['icmp', types4, codes4] as const);
  return [[
    `${word} type ${types.get(icmpType) ?? icmpType}`,
    ...(icmpCode === undefined ? [] : [`${word} code ${codes.get(icmpCode) ?? icmpCode}`]),
  ]];
};

/** What nft calls numbers; codes it calls as if they were of "destination unreachable", whatever the type. */
const types4: ReadonlyMap<number, string> = new Map([
  [0, 'echo-reply'], [3, 'destination-unreachable'], [4, 'source-quench'], [5, 'redirect'], [8, 'echo-request'],
  [9, 'router-advertisement'], [10, 'router-solicitation'], [11, 'time-exceeded'], [12, 'parameter-problem'],
  [13, 'timestamp-request'], [14, 'timestamp-reply'], [15, 'info-request'], [16, 'info-reply'],
  [17, 'address-mask-request'], [18, 'address-mask-reply'],
]);
const types6: ReadonlyMap<number, string> = new Map([
  [1, 'destination-unreachable'], [2, 'packet-too-big'], [3, 'time-exceeded'], [4, 'parameter-problem'],
  [128, 'echo-request'], [129, 'echo-reply'], [130, 'mld-listener-query'], [131, 'mld-listener-report'],
  [132, 'mld-listener-done'], [133, 'nd-router-solicit'], [134, 'nd-router-advert'], [135, 'nd-neighbor-solicit'],
  [136, 'nd-neighbor-advert'], [137, 'nd-redirect'], [138, 'router-renumbering'], [141, 'ind-neighbor-solicit'],
  [142, 'ind-neighbor-advert'], [143, 'mld2-listener-report'],
]);
const codes4: ReadonlyMap<number, string> = new Map([
  [0, 'net-unreachable'], [1, 'host-unreachable'], [2, 'prot-unreachable'], [3, 'port-unreachable'], [4, 'frag-needed'],
  [9, 'net-prohibited'], [10, 'host-prohibited'], [13, 'admin-prohibited'],
]);
const codes6: ReadonlyMap<number, string> = new Map([
  [0, 'no-route'], [1, 'admin-prohibited'], [3, 'addr-unreachable'], [4, 'port-unreachable'], [5, 'policy-fail'], [6, 'reject-route'],
]);
