/**
 * Security policies of a VRF, decided where packets leave and enter the ports of this device's own servers. There everything
 * passes, bridged or routed, from this leaf or another; what is in transit to another leaf is judged there.
 *
 * Stateless, with answers admitted. A packet is admitted when it may begin an exchange (a rule permits it, or nobody selects
 * its end), and when it can only be part of one that its other end was permitted to begin:
 * - TCP: not a SYN without ACK (with FIN, too, some systems take it for a beginning), not of a connection that its sender is
 *   known to have begun, and the rules permit the connection in the other direction. No connection comes about that the rules
 *   forbid, and one whose rule goes ends with it: who began is remembered for `tcpSeconds` after the last packet that a rule
 *   permitted.
 * - UDP: the very same addresses and ports were seen the other way round within `udpSeconds`. That is exact: a set of the
 *   kernel remembers who began. Behind a port that is multihomed the other leaf may have seen the beginning, so there an answer
 *   is told by its ports: from a port below 32768 to one from there on (Linux' ip_local_port_range), where the rules permit the
 *   other direction.
 * - ICMP: an echo reply that the rules permit the request of, and every error message.
 * - Fragments but the first, which lead nowhere without the first. Other protocols have no answers.
 *
 * ARP, neighbour discovery and what the switch itself sends (DHCP, router advertisements, errors) are never held back, nor is
 * what goes to the gateways. Policies speak of addresses, which are the sender's own (sources.ts). What none of them can name
 * is closed to whom they select (bypass.ts).
 */
import type { AclRow, AclRule } from '../../../goal/rows.ts';
import { addressPart } from '../../../net/interfaceaddress.ts';
import { hostPrefix } from '../../../net/address.ts';
import type { Prefix } from '../../../net/brand.ts';
import { byText } from '../../../kit/order.ts';
import type { NftSet } from '../nft.ts';
import { bypassPart } from './bypass.ts';
import { doorsOf } from './doors.ts';
import { bridgeMembers } from './isolation.ts';
import { hook, prefixSet } from './ruleset.ts';
import type { RulesetPart } from './ruleset.ts';
import type { Rendering } from './render.ts';

/** How long after the last packet of who began answers are admitted. */
const udpSeconds = 120;
const tcpSeconds = 600;
/** What the switch itself sends carries this mark; veth and VXLAN devices take marks away, so nobody else's does. */
const ownMark = '0x00000068';

type Header = 'ip' | 'ip6';
type Way = 'saddr' | 'daddr';
type Rules = readonly string[];
/** By name of the set. */
type Members = ReadonlyMap<string, readonly Prefix[]>;

export const renderPolicies = (rendering: Rendering): void => {
  const { goal, refuse } = rendering;
  for (const [key, { vrf }] of goal.acl) {
    if (!goal.vrf.has(vrf)) refuse(`acl/${key}`, 'Conflict', `VRF "${vrf}" is not on this device`);
  }
  if (goal.acl.size === 0) return;
  const doors = doorsOf(rendering);
  const rows = Map.groupBy(goal.acl, ([, { vrf }]) => vrf);
  const members = Map.groupBy(goal.aclMember, ([, { vrf }]) => vrf);
  for (const [vrf, own] of rows) {
    if (!goal.vrf.has(vrf)) continue;
    const sets = Map.groupBy(members.get(vrf) ?? [], ([, { set }]) => set);
    const prefixes = new Map([...sets].map(([name, list]) => [name, list.map(([, { prefix }]) => prefix)]));
    const ids = [...own.map(([key]) => `acl/${key}`), ...(members.get(vrf) ?? []).map(([key]) => `aclMember/${key}`)];
    const policies = own.toSorted(([left], [right]) => byText(left, right)).map(([key, row], index) => policyOf(key, row, index));
    rendering.filter(vrf, policyPart(policies, prefixes, gatewaysOf(rendering, vrf), sharedPorts(rendering, vrf)), ids);
    rendering.filter(vrf, bypassPart(rendering, doors, { vrf, rows: own.map(([, row]) => row), members: prefixes }, ownMark), ids);
    rendering.filter(vrf, { chains: { 'policy-output': [hook('output'), `meta mark set ${ownMark}`] } });
  }
};

/** Addresses that are the switch's own on this VRF's segments, and everybody's, which DHCP clients ask. */
const gatewaysOf = ({ goal }: Rendering, vrf: string): readonly Prefix[] => [
  '255.255.255.255/32' as Prefix,
  ...[...goal.segment.values()].flatMap((segment) => (segment.vrf === vrf ? segment.gateways.map((at) => hostPrefix(addressPart(at))) : [])),
];

/** Members of this VRF's bridges behind which servers are that have another leaf as well. */
const sharedPorts = ({ goal, items }: Rendering, vrf: string): readonly string[] => {
  const shared = new Set([...goal.port.values()].flatMap((port) => (port.esi === undefined ? [] : [port.interface])));
  return shared.size === 0 ? [] : bridgeMembers(items, vrf).filter((name) => shared.has(trunkOf(name)));
};

/** The interface that a subinterface is on, and that a bond is named for. */
const trunkOf = (name: string): string => name.replace(/\.\d+$/, '').replace(/^b-/, '');

/** A row with names for what it needs; its own key may be longer than a name of nft. */
interface Policy {
  readonly row: AclRow;
  readonly chain: string;
}

const policyOf = (key: string, row: AclRow, index: number): Policy => {
  const name = (key.split('/')[1] ?? '').slice(0, 60);
  return { row: inOrder(row), chain: `${row.direction}-${index}-${name}` };
};

/** Rules have no order, so what is written must not show one. */
const inOrder = (row: AclRow): AclRow => {
  const rules = row.rules.map((rule) => ({ ...rule, peers: rule.peers.toSorted(byText), sets: rule.sets.toSorted(byText) }));
  return { ...row, subjectSets: row.subjectSets.toSorted(byText), rules: rules.toSorted((left, right) => byText(JSON.stringify(left), JSON.stringify(right))) };
};

const policyPart = (
  policies: readonly Policy[], members: Members, gateways: readonly Prefix[], shared: readonly string[],
): RulesetPart => {
  const all = [...members.values(), ...policies.flatMap(({ row }) => [row.subjects, ...row.rules.map(({ peers }) => peers)])].flat();
  const headers: readonly Header[] = [...all, ...gateways].some((prefix) => prefix.includes(':')) ? ['ip', 'ip6'] : ['ip'];
  const ingress = policies.filter(({ row }) => row.direction === 'ingress');
  const egress = policies.filter(({ row }) => row.direction === 'egress');
  return {
    family: 'bridge',
    sets: Object.fromEntries([
      ...memberSets(policies, members, headers),
      ...policies.flatMap((policy) => ownSets(policy, headers)),
      ...headers.map((header) => [`policy-gateways-${header}`, prefixSet(header, gateways)] as const),
      ...headers.map((header) => [`policy-udp-${header}`, flowSet(header, udpSeconds)] as const),
      ...headers.map((header) => [`policy-tcp-${header}`, flowSet(header, tcpSeconds)] as const),
      ['policy-shared', { lines: ['type ifname'], elements: shared.map((name) => `"${name}"`).toSorted(byText) }],
    ]),
    chains: Object.fromEntries([
      ['policy-to', toServers(ingress, egress, headers)],
      ['policy-from', fromServers(ingress, egress, headers)],
      ['policy-exempt', exempt(headers)],
      ['policy-admit', [...headers.flatMap(remember), 'accept']],
      ['policy-answers-to', answers(egress, 'daddr', headers)],
      ['policy-answers-from', answers(ingress, 'saddr', headers)],
      ...policies.flatMap((policy) => policyChains(policy, headers)),
    ]),
  };
};

const flowSet = (header: Header, seconds: number): NftSet => {
  const type = header === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  return { lines: [`type ${type} . inet_service . ${type} . inet_service`, 'size 65535', 'flags dynamic,timeout', `timeout ${seconds / 60}m`], elements: [] };
};

/** Key of an exchange: who began, and whom with. */
const flow = (header: Header, protocol: 'tcp' | 'udp', one: Way, other: Way): string => {
  const port = { saddr: 'sport', daddr: 'dport' };
  return `${header} ${one} . ${protocol} ${port[one]} . ${header} ${other} . ${protocol} ${port[other]}`;
};

/** Of TCP only the first packet says who began; later ones keep in mind what is known. */
const remember = (header: Header): Rules => {
  const [udp, tcp] = [flow(header, 'udp', 'saddr', 'daddr'), flow(header, 'tcp', 'saddr', 'daddr')];
  return [
    `update @policy-udp-${header} { ${udp} }`,
    `tcp flags syn / syn,ack update @policy-tcp-${header} { ${tcp} }`,
    `${tcp} @policy-tcp-${header} update @policy-tcp-${header} { ${tcp} }`,
  ];
};

/** Every set that a row names, though nobody may be in it. */
const memberSets = (policies: readonly Policy[], members: Members, headers: readonly Header[]) =>
  [...new Set(policies.flatMap(({ row }) => [...row.subjectSets, ...row.rules.flatMap(({ sets }) => sets)]))].flatMap((name) =>
    headers.map((header) => [`${name}-${header}`, prefixSet(header, members.get(name) ?? [])] as const));

const ownSets = ({ row, chain }: Policy, headers: readonly Header[]): (readonly [string, NftSet])[] =>
  [['subjects', row.subjects] as const, ...row.rules.map(({ peers }, index) => [`rule-${index}`, peers] as const)].flatMap(([name, prefixes]) =>
    headers.map((header) => [`${chain}-${name}-${header}`, prefixSet(header, prefixes)] as const).filter(([, { elements }]) => elements.length > 0));

/** One match a set, such as `ip daddr @name`. */
const inSets = (
  way: Way, prefixes: readonly Prefix[], own: string, sets: readonly string[], headers: readonly Header[],
): readonly [Header, string][] =>
  headers.flatMap((header) => [
    ...(prefixes.some((prefix) => prefix.includes(':') === (header === 'ip6')) ? [[header, `${header} ${way} @${own}-${header}`] as [Header, string]] : []),
    ...sets.map((name): [Header, string] => [header, `${header} ${way} @${name}-${header}`]),
  ]);

const isSubject = ({ row, chain }: Policy, way: Way, headers: readonly Header[], verdict: string): Rules =>
  inSets(way, row.subjects, `${chain}-subjects`, row.subjectSets, headers).map(([, match]) => `${match} ${verdict}`);

const toServers = (ingress: readonly Policy[], egress: readonly Policy[], headers: readonly Header[]): Rules => [
  hook('postrouting'),
  'meta oifkind "vxlan" accept',
  `meta mark ${ownMark} accept`,
  ...decision(ingress, egress, 'daddr', headers, 'policy-answers-to', 'oifname'),
];

const fromServers = (ingress: readonly Policy[], egress: readonly Policy[], headers: readonly Header[]): Rules => [
  hook('prerouting'),
  'meta iifkind "vxlan" accept',
  ...headers.map((header) => `${header} daddr @policy-gateways-${header} accept`),
  ...decision(egress, ingress, 'saddr', headers, 'policy-answers-from', 'iifname'),
];

/** `selecting`: rows of the direction in which the packet goes, seen from the server at `way`. `others`: those of the other. */
const decision = (
  selecting: readonly Policy[], others: readonly Policy[], way: Way, headers: readonly Header[], answersChain: string, name: string,
): Rules => [
  'jump policy-exempt',
  ...headers.map((header) => `${flow(header, 'udp', 'daddr', 'saddr')} @policy-udp-${header} accept`),
  ...selecting.flatMap((policy) => isSubject(policy, way, headers, `jump ${policy.chain}`)),
  `tcp flags != syn / syn,ack jump ${answersChain}`,
  `icmp type echo-reply jump ${answersChain}`,
  ...(headers.includes('ip6') ? [`icmpv6 type echo-reply jump ${answersChain}`] : []),
  `${name} @policy-shared udp sport 1-32767 udp dport 32768-65535 jump ${answersChain}`,
  ...selecting.flatMap((policy) => isSubject(policy, way, headers, 'drop')),
  // So that the server's answers will be known as such.
  ...others.flatMap((policy) => isSubject(policy, way, headers, 'goto policy-admit')),
];

const exempt = (headers: readonly Header[]): Rules => [
  'ip frag-off & 8191 != 0 accept',
  'icmp type { destination-unreachable, time-exceeded, parameter-problem } accept',
  ...(headers.includes('ip6')
    ? [
        'frag frag-off != 0 accept',
        'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept',
      ]
    : []),
];

/** What is no answer returns; who is not selected in the other direction may have begun anything. */
const answers = (policies: readonly Policy[], way: Way, headers: readonly Header[]): Rules => [
  ...headers.map((header) => `${flow(header, 'tcp', 'saddr', 'daddr')} @policy-tcp-${header} return`),
  ...policies.flatMap((policy) => isSubject(policy, way, headers, `jump ${policy.chain}-answers`)),
  ...policies.flatMap((policy) => isSubject(policy, way, headers, 'return')),
  'accept',
];

const policyChains = (policy: Policy, headers: readonly Header[]): (readonly [string, Rules])[] => {
  const [begins, answered]: readonly [Way, Way] = policy.row.direction === 'ingress' ? ['saddr', 'daddr'] : ['daddr', 'saddr'];
  const linesOf = (way: Way, port: 'sport' | 'dport', verdict: string): Rules =>
    policy.row.rules.flatMap((rule, index) => ruleLines(rule, `${policy.chain}-rule-${index}`, way, port, verdict, headers));
  return [
    [policy.chain, linesOf(begins, 'dport', 'goto policy-admit')],
    [`${policy.chain}-answers`, linesOf(answered, 'sport', 'accept')],
  ];
};

/** `way`: where the peer's address is in the packet. */
const ruleLines = (
  rule: AclRule, own: string, way: Way, port: 'sport' | 'dport', verdict: string, headers: readonly Header[],
): Rules => {
  const matches: readonly (readonly [Header | undefined, string])[] =
    rule.peers.length + rule.sets.length === 0 ? [[undefined, '']] : inSets(way, rule.peers, own, rule.sets, headers).map(([header, match]) => [header, `${match} `]);
  return matches.map(([header, match]) => `${match}${protocolMatch(rule, port, header)}${verdict}`);
};

const protocolMatch = ({ protocol, ports }: AclRule, port: 'sport' | 'dport', header: Header | undefined): string => {
  if (protocol === undefined) return '';
  if (protocol === 'icmp') return `meta l4proto ${header === undefined ? '{ icmp, ipv6-icmp }' : header === 'ip' ? 'icmp' : 'ipv6-icmp'} `;
  if (ports.length === 0) return `meta l4proto ${protocol} `;
  const texts = ports.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  return `${protocol} ${port} ${texts.length === 1 ? texts[0] : `{ ${texts.join(', ')} }`} `;
};
