/**
 * Rules of our kinds that a Kubernetes API server can hold without our code: bounds that TypeBox cannot say, and CEL. They are a
 * part of `Kind.validate`, never more: what they refuse, it refuses (a test compares the two). Only what is in CEL since
 * Kubernetes 1.25 is used, and every list and map that a rule goes through is bounded, for each rule has a budget.
 * What takes arithmetic on addresses, or a look at other objects, the controller says in the status.
 */
import type { JsonObject } from '../../kit/json.ts';
import type { Kind } from '../object.ts';

export interface CelRule {
  /** Where it stands: `spec.subnets{}.dhcp`, `spec.inboundACL[]`. */
  readonly place: string;
  /** Is true of what is right; `self` is the value at the place, `oldSelf` what it was. Defaults are filled in. */
  readonly rule: string;
  readonly message: string;
}

const rule = (place: string, expression: string, message: string): CelRule => ({ place, rule: expression, message });

const immutable = (place: string, member: string): CelRule =>
  rule(place, `self.${member} == oldSelf.${member}`, `${member} cannot be changed; delete the object and create it anew`);

const ordered = (place: string): CelRule => rule(place, 'self.from <= self.to', '"from" is above "to"; swap them');

const reserved = '[23456, 65535]';

const fabric: readonly CelRule[] = [
  ordered('spec.asns.leaves'),
  ordered('spec.overlay.vnis'),
  rule('spec.asns', 'self.spine < self.leaves.from || self.spine > self.leaves.to', 'spine lies in the range of the leaves; a leaf would get the ASN of the spines'),
  rule('spec.asns', `!(self.spine in ${reserved})`, 'spine is a reserved ASN (RFC 6793, RFC 7300)'),
  rule('spec.asns.leaves', `${reserved}.all(asn, asn < self.from || asn > self.to)`, 'the range holds a reserved ASN, 23456 or 65535'),
];

const pins: readonly CelRule[] = [
  rule('spec', '!has(self.vtep) || !has(self.routerID) || self.vtep != self.routerID', 'vtep is the router id too; the two need addresses of their own'),
  immutable('spec', 'fabric'),
];

const switches: readonly CelRule[] = [
  ...pins,
  rule('spec', "self.role != 'spine' || !has(self.vtep)", 'a spine carries no tenants and has no VTEP; remove vtep or make the switch a leaf'),
  rule('spec', "(self.role == 'spine') == (oldSelf.role == 'spine')", 'neither does a spine become a leaf nor a leaf a spine; delete it and create it anew'),
  rule('spec.ports{}', '!has(self.speed) || !has(self.breakout)', 'lanes have the speed that breakout names; remove speed or breakout'),
];

const connection: readonly CelRule[] = [
  rule('spec.links[].ends', "self[0].split('/')[0] != self[1].split('/')[0]", 'both ends are on one device; a cable joins two devices'),
];

const external: readonly CelRule[] = [
  rule('spec', 'has(self.bgp) != has(self.static)', 'exactly one of "bgp" and "static" says how routes are known; bgp: {} is enough for BGP'),
  rule('spec', 'has(self.static) || self.attachments.all(each, has(each.neighbor) && !has(each.nextHop))', 'an External met by BGP has a neighbor at every attachment, and no nextHop'),
  rule('spec', 'has(self.bgp) || self.attachments.all(each, has(each.nextHop) && !has(each.neighbor))', 'a static External has a nextHop at every attachment, and no neighbor'),
  rule('spec.attachments[].neighbor', `!(self.asn in ${reserved})`, 'asn is reserved (RFC 6793, RFC 7300)'),
  rule('spec.inboundACL[]', "!has(self.ports) || (has(self.protocol) && self.protocol in ['tcp', 'udp'])", 'ports need protocol "tcp" or "udp"'),
  rule('spec.inboundACL[]', "!has(self.established) || !self.established || (has(self.protocol) && self.protocol == 'tcp')", 'established needs protocol "tcp"'),
  rule('spec.inboundACL[]', "!has(self.icmpType) || (has(self.protocol) && self.protocol == 'icmp')", 'icmpType needs protocol "icmp"'),
  rule('spec.inboundACL[]', '!has(self.icmpCode) || has(self.icmpType)', 'icmpCode is the code of an icmpType, which is missing'),
  rule('spec.inboundACL[].ports', '!has(self.to) || self.from <= self.to', '"from" is above "to"; swap them'),
];

/** What a subnet says about DHCP that somebody would have to serve. */
const served = [
  'has(self.range)',
  '(has(self.reservations) && size(self.reservations) > 0)',
  '(has(self.dnsServers) && size(self.dnsServers) > 0)',
  '(has(self.ntpServers) && size(self.ntpServers) > 0)',
  'has(self.domain)',
  'has(self.mtu)',
  'has(self.boot)',
  '(has(self.routes) && size(self.routes) > 0)',
  '!self.defaultRoute',
].join(' || ');

const vpc: readonly CelRule[] = [
  immutable('spec', 'addressSpace'),
  rule('spec', 'self.permit.all(names, names.all(name, name in self.subnets))', 'permit names a subnet that the VPC has not'),
  rule('spec', "self.mode != 'l3' || self.subnets.all(name, !has(self.subnets[name].dhcp.range))", 'VPCs of mode l3 have a route for each declared server and none for others; remove dhcp.range, or use mode l2'),
  rule('spec.subnets{}.dhcp', 'self.enabled || !has(self.relay)', 'requests are not relayed while enabled is false; remove one of the two'),
  rule('spec.subnets{}.dhcp', `(self.enabled && !has(self.relay)) || !(${served})`, 'has members without effect: nothing is served here while enabled is false or requests are relayed'),
  rule('spec.subnets{}.ipv6', "self.addressing != 'slaac' || self.cidr.endsWith('/64')", 'servers make addresses of their own (slaac) of a /64 alone; use a /64 or addressing dhcp'),
  rule('spec.subnets{}.hostBGP.prefixes[]', '!has(self.minLength) || !has(self.maxLength) || self.minLength <= self.maxLength', 'minLength is above maxLength; lower minLength'),
];

const vpcPeering: readonly CelRule[] = [
  rule('spec.permit[]', 'self[0].vpc != self[1].vpc || has(self[0].__namespace__) || has(self[1].__namespace__)', 'one VPC is on both sides; subnets of one VPC reach each other anyway'),
  rule('spec.permit', 'self.all(pair, pair.all(side, self[0].exists(other, other.vpc == side.vpc)))', 'all pairings are of the same two VPCs; use a VPCPeering of its own for others'),
];

const selector = (place: string): CelRule =>
  rule(`${place}.matchExpressions[]`, "(self.operator in ['In', 'NotIn']) == has(self.values)", 'values are for the operators In and NotIn, and must be given there');

const peer = (place: string): readonly CelRule[] => [
  rule(place, 'has(self.cidr) != (has(self.vpc) || has(self.subnets) || has(self.attachments))', 'must select subnets or attachments, name a VPC, or else have a cidr'),
  rule(place, '!has(self.except) || has(self.cidr)', 'except cannot be used without cidr'),
  selector(`${place}.subnets`),
  selector(`${place}.attachments`),
];

const port = (place: string): readonly CelRule[] => [
  rule(place, "self.protocol != 'icmp' || (!has(self.port) && !has(self.endPort))", 'icmp has no ports; remove port and endPort'),
  rule(place, '!has(self.endPort) || (has(self.port) && self.port <= self.endPort)', 'endPort is the end of a range that begins at port'),
];

const securityPolicy: readonly CelRule[] = [
  rule('spec.subjects', 'has(self.all) != (has(self.subnets) || has(self.attachments))', 'must select subnets or attachments, or else say all: true'),
  rule('spec', 'has(self.ingress) || has(self.egress) || (has(self.directions) && size(self.directions) > 0)', 'directions must be given when there are no rules; a direction without rules permits nothing'),
  rule('spec', "!has(self.directions) || !has(self.ingress) || 'Ingress' in self.directions", 'ingress has no effect, since "Ingress" is not among the directions'),
  rule('spec', "!has(self.directions) || !has(self.egress) || 'Egress' in self.directions", 'egress has no effect, since "Egress" is not among the directions'),
  selector('spec.subjects.subnets'),
  selector('spec.subjects.attachments'),
  ...peer('spec.ingress[].from[]'),
  ...peer('spec.egress[].to[]'),
  ...port('spec.ingress[].ports[]'),
  ...port('spec.egress[].ports[]'),
];

const claim: readonly CelRule[] = [rule('spec', 'self == oldSelf', 'a claim says one thing for as long as it lives')];

const rules: Readonly<Record<string, readonly CelRule[]>> = {
  Fabric: fabric,
  Switch: switches,
  Gateway: pins,
  Connection: connection,
  External: external,
  VPC: vpc,
  VPCPeering: vpcPeering,
  SecurityPolicy: securityPolicy,
  Claim: claim,
};

export const celRulesOf = ({ kind }: Kind): readonly CelRule[] => rules[kind] ?? [];

/** What a schema gets at a place beside what TypeBox says there. */
export type Bound = readonly [place: string, more: JsonObject];

const speed = { pattern: '^([1-9][0-9]*|2\\.5)[GM]$' };
const breakout = { pattern: '^([1-9]|1[0-6])x[1-9][0-9]*G$' };
const community = { pattern: '^(0|[1-9][0-9]{0,4}):(0|[1-9][0-9]{0,4})$' };
const subdomain = { pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$' };

const bounds: Readonly<Record<string, readonly Bound[]>> = {
  Switch: [['spec.ports{}.speed', speed], ['spec.ports{}.breakout', breakout]],
  SwitchProfile: [
    ['spec.driver', { enum: ['linux'] }],
    ['spec.ports', { minProperties: 1 }],
    ['spec.ports{}.speed', speed],
    ['spec.portTypes{}.speeds[]', speed],
    ['spec.portTypes{}.breakouts[]', breakout],
  ],
  Server: [['spec.ports', { minProperties: 1, maxProperties: 256 }]],
  External: [['spec.bgp.inboundCommunity', community], ['spec.bgp.outboundCommunity', community]],
  VPC: [['spec.subnets', { minProperties: 1, maxProperties: 64 }], ['spec.subnets{}.dhcp.reservations', { maxProperties: 1024 }]],
  VPCAttachment: [['spec.connection', subdomain]],
};

const labelName: Bound = [
  'metadata',
  { properties: { name: { type: 'string', maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' } } },
];

export const boundsOf = ({ kind, names }: Kind): readonly Bound[] => [...(names === 'label' ? [labelName] : []), ...(bounds[kind] ?? [])];
