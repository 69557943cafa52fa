import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { AclRule, Row } from '../goal/rows.ts';
import type { Address, Asn, InterfaceAddress, Mac, Prefix, Vlan, Vni } from '../net/brand.ts';
import { evaluate, roundTrip } from './evaluate.ts';
import { readNetwork, type Learned } from './network.ts';
import { formatVerdict, type Packet, type Place } from './packet.ts';

const vni = (number: number): Vni => number as Vni;
const at = (device: string, port: string, vlan?: number): Place => ({ device, port, ...(vlan !== undefined && { vlan: vlan as Vlan }) });
const prefixes = (...texts: string[]): Prefix[] => texts as Prefix[];

const member = (number: number): Row => ({ table: 'member', key: `vpc/${number}`, value: { scope: `vpc/${number}` } });
const vtep = (address: string): Row => ({ table: 'vtep', key: 'self', value: { address: address as Address, anycastMac: '00:00:5e:00:01:01' as Mac } });
const vrf = (number: number, more = {}): Row => ({ table: 'vrf', key: `vrf${number}`, value: { name: `vrf${number}`, vni: vni(number), description: '', ...more } });
const segment = (number: number, of: number, gateway: string, more = {}): Row => ({
  table: 'segment',
  key: `${number}`,
  value: { vni: vni(number), vrf: `vrf${of}`, gateways: [gateway as InterfaceAddress], mtu: 9000, description: '', ...more },
});
const attachment = (port: string, to: number, vlan?: number): Row => ({
  table: 'attachment',
  key: vlan === undefined ? port : `${port}.${vlan}`,
  value: { port, segment: vni(to), ...(vlan !== undefined && { vlan: vlan as Vlan }) },
});
const host = (of: number, address: string, port: string, vlan?: number): Row => ({
  table: 'host',
  key: `${of}/${address}`,
  value: { segment: vni(of), address: address as Address, mac: '02:00:00:00:00:01' as Mac, port, ...(vlan !== undefined && { vlan: vlan as Vlan }), hostname: 'h' },
});
const leak = (from: number, to: number, ...pairings: { local: Prefix[]; remote: Prefix[] }[]): Row => ({
  table: 'leak',
  key: `vrf${from}/vrf${to}`,
  value: { vrf: `vrf${from}`, vni: vni(from), peerVrf: `vrf${to}`, peerVni: vni(to), pairings },
});
const acl = (of: number, direction: 'ingress' | 'egress', subjects: string[], rules: AclRule[]): Row => ({
  table: 'acl',
  key: `vrf${of}/p/${direction}`,
  value: { vrf: `vrf${of}`, direction, description: '', subjects: prefixes(...subjects), subjectSets: [], rules },
});

/**
 * Two leaves. VPC 100: segment 101 (10.1.1.0/24) on both, 102 (10.1.2.0/24) on leaf-2. VPC 200: segment 201 (10.2.1.0/24) on
 * leaf-1, VPC 300: segment 301 (10.3.1.0/24) on leaf-2; 100 is peered with 200 and 200 with 300. VRF 900 leads outside at leaf-2.
 */
const fabric = (): Map<string, Row[]> =>
  new Map([
    [
      'device/leaf-1',
      [
        vtep('192.0.2.1'), ...[100, 200, 300, 900].map(member), segment(101, 100, '10.1.1.1/24'), segment(201, 200, '10.2.1.1/24'),
        attachment('E1/1', 101), host(101, '10.1.1.11', 'E1/1'), attachment('E1/2', 201, 20), host(201, '10.2.1.11', 'E1/2', 20),
      ],
    ],
    [
      'device/leaf-2',
      [
        vtep('192.0.2.2'), ...[100, 200, 300, 900].map(member), segment(101, 100, '10.1.1.1/24'), segment(102, 100, '10.1.2.1/24'),
        segment(301, 300, '10.3.1.1/24'), attachment('E1/1', 101), host(101, '10.1.1.12', 'E1/1'), attachment('E1/2', 102),
        host(102, '10.1.2.12', 'E1/2'), attachment('E1/3', 301), host(301, '10.3.1.12', 'E1/3'),
        {
          table: 'vrfPort',
          key: 'E1/9',
          value: { port: 'E1/9', vrf: 'vrf900', addresses: ['198.51.100.0/31' as InterfaceAddress], proxyFor: [], inbound: [] },
        },
        {
          table: 'vrfPeer',
          key: 'vrf900/198.51.100.1',
          value: { vrf: 'vrf900', port: 'E1/9', address: '198.51.100.1' as Address, asn: 65000 as Asn, accept: [] },
        },
      ],
    ],
    ['vpc/100', [vrf(100), leak(100, 200, { local: prefixes('10.1.1.0/24'), remote: prefixes('10.2.1.0/24') }), leak(100, 900, { local: prefixes('10.1.1.0/24'), remote: prefixes('0.0.0.0/0') })]],
    ['vpc/200', [vrf(200), leak(200, 100, { local: prefixes('10.2.1.0/24'), remote: prefixes('10.1.1.0/24') }), leak(200, 300, { local: prefixes('10.2.1.0/24'), remote: prefixes('10.3.1.0/24') })]],
    ['vpc/300', [vrf(300), leak(300, 200, { local: prefixes('10.3.1.0/24'), remote: prefixes('10.2.1.0/24') }), leak(300, 900, { local: prefixes('10.3.1.0/24'), remote: prefixes('0.0.0.0/0') })]],
    [
      'vpc/900',
      [
        vrf(900, { external: { inside: prefixes('10.0.0.0/8') } }),
        leak(900, 100, { local: prefixes('0.0.0.0/0'), remote: prefixes('10.1.1.0/24') }),
        leak(900, 300, { local: prefixes('0.0.0.0/0'), remote: prefixes('10.3.1.0/24') }),
      ],
    ],
  ]);

const outside: Learned = { announcements: [{ neighbor: '198.51.100.1' as Address, at: at('leaf-2', 'E1/9'), prefixes: prefixes('0.0.0.0/0', '10.9.0.0/16') }] };

const hosts = {
  a: ['10.1.1.11', at('leaf-1', 'E1/1')],
  b: ['10.1.1.12', at('leaf-2', 'E1/1')],
  c: ['10.1.2.12', at('leaf-2', 'E1/2')],
  d: ['10.2.1.11', at('leaf-1', 'E1/2', 20)],
  e: ['10.3.1.12', at('leaf-2', 'E1/3')],
  x: ['203.0.113.5', at('leaf-2', 'E1/9')],
} as const satisfies Record<string, readonly [string, Place]>;
type Name = keyof typeof hosts;

const packet = (from: string, to: string, more: Partial<Packet> = {}): Packet => ({ source: from as Address, destination: to as Address, protocol: 'icmp', ...more });

const trip = (scopes: Map<string, Row[]>, from: Name, to: Name, more: Partial<Packet> = {}) =>
  roundTrip(readNetwork(scopes, outside), hosts[from][1], packet(hosts[from][0], hosts[to][0], more));

const says = (scopes: Map<string, Row[]>, from: Name, to: Name, more: Partial<Packet> = {}): string => {
  const [there] = trip(scopes, from, to, more).verdicts;
  return there === undefined ? '' : there.type === 'dropped' ? `${there.reason} at ${there.at} ${there.row ?? ''}`.trim() : there.to.what;
};

/** The fabric with rows of a scope added, or in the place of those of their key. */
const having = (scope: string, ...rows: Row[]): Map<string, Row[]> => {
  const scopes = fabric();
  const kept = (scopes.get(scope) ?? []).filter((old) => !rows.some(({ table, key }) => table === old.table && key === old.key));
  return scopes.set(scope, [...kept, ...rows]);
};

const matrix = (scopes: Map<string, Row[]>, more: Partial<Packet> = {}): string =>
  (Object.keys(hosts) as Name[])
    .flatMap((from) => (Object.keys(hosts) as Name[]).flatMap((to) => (from !== to && trip(scopes, from, to, more).result === 'allow' ? from + to : [])))
    .join(' ');

test('a fabric: bridged, routed over the L3VNI, leaked, out to an External and back; nothing through a third', () => {
  assert.equal(matrix(fabric()), 'ab ac ad ax ba bc bd bx ca cb da db de ed ex xa xb xe');
  const verdict = trip(fabric(), 'a', 'c').verdicts[0];
  assert.ok(verdict !== undefined);
  assert.equal(
    formatVerdict(verdict),
    'leaf-1: into segment 101 (attachment/E1/1); leaf-1: routed by 10.1.2.0/24 in vrf100 (segment/102); leaf-2: routed to 10.1.2.12 in segment 102 (host/102/10.1.2.12); delivered to host',
  );
});

test('why a packet does not arrive is told, with place and row', () => {
  assert.equal(says(fabric(), 'c', 'd'), 'NoPairing at leaf-2 leak/vrf100/vrf200');
  assert.equal(says(fabric(), 'a', 'e'), 'NoRoute at leaf-1');
  assert.equal(says(fabric(), 'x', 'd'), 'NoRoute at leaf-2');
  assert.equal(says(having('device/leaf-1', attachment('E1/1', 999)), 'a', 'b'), 'NotAttached at leaf-1');
  assert.equal(says(having('device/leaf-2', segment(101, 100, '10.1.1.1/24', { restricted: true })).set('device/leaf-1', having('device/leaf-1', segment(101, 100, '10.1.1.1/24', { restricted: true })).get('device/leaf-1') ?? []), 'a', 'b'), 'Restricted at leaf-1 segment/101');
  const isolated: Row = { table: 'isolation', key: '102', value: { segment: vni(102), vrf: 'vrf100', prefixes: prefixes('10.1.2.0/24'), denied: prefixes('10.1.1.0/24') } };
  assert.equal(says(having('vpc/100', isolated), 'a', 'c'), 'Isolated at leaf-1 isolation/102');
  assert.equal(says(having('vpc/100', isolated), 'c', 'a'), 'Isolated at leaf-2 isolation/102');
  const scopes = fabric();
  scopes.set('device/leaf-1', (scopes.get('device/leaf-1') ?? []).filter(({ key }) => key !== 'vpc/200'));
  assert.equal(says(scopes, 'a', 'd'), 'NoVRF at leaf-1 leak/vrf100/vrf200');
  const silent = fabric();
  silent.set('device/leaf-2', (silent.get('device/leaf-2') ?? []).filter(({ table }) => table !== 'vtep'));
  assert.equal(says(silent, 'a', 'b'), 'NoVTEP at leaf-1 segment/101');
});

test('what is inside is never outside: not sent there, not believed, not taken from there', () => {
  const network = readNetwork(fabric(), outside);
  const away = evaluate(network, hosts.a[1], packet('10.1.1.11', '10.9.0.1'));
  assert.equal(away.type === 'dropped' && away.reason, 'NoRoute');
  const forged = evaluate(network, hosts.x[1], packet('10.1.1.12', '10.1.1.11'));
  assert.equal(forged.type === 'dropped' && forged.reason, 'Spoofed');
});

test('a server sends under its own address and what is free in its subnet, and under no other', () => {
  const sent = (scopes: Map<string, Row[]>, from: Name, source: string): boolean => {
    const [verdict] = roundTrip(readNetwork(scopes, outside), hosts[from][1], packet(source, '10.1.2.12')).verdicts;
    return !(verdict?.type === 'dropped' && verdict.reason === 'Spoofed');
  };
  const allowed = (scopes: Map<string, Row[]>, from: Name, ...sources: string[]): string => sources.filter((source) => sent(scopes, from, source)).join(' ');
  const tried = ['10.1.1.11', '10.1.1.12', '10.1.1.99', '10.1.1.1', '10.1.2.12', '203.0.113.9', '10.9.0.7', 'fd00::1'];
  assert.equal(allowed(fabric(), 'a', ...tried), '10.1.1.11 10.1.1.12 10.1.1.99', 'who is on another leaf is not known here');
  assert.equal(allowed(fabric(), 'b', ...tried), '10.1.1.11 10.1.1.12 10.1.1.99');
  const named: Row = { table: 'aclMember', key: 'vrf100/s/10.1.1.12/32', value: { vrf: 'vrf100', set: 's', prefix: '10.1.1.12/32' as Prefix } };
  assert.equal(allowed(having('vpc/100', named), 'a', ...tried), '10.1.1.11 10.1.1.99', 'unless a policy names it');
  assert.equal(allowed(having('vpc/100', named), 'b', ...tried), '10.1.1.11 10.1.1.12 10.1.1.99');
  const pinned: Row = { ...attachment('E1/7', 101), value: { port: 'E1/7', segment: vni(101), address: '10.1.1.99' as Address } } as Row;
  assert.equal(allowed(having('device/leaf-1', pinned), 'a', ...tried), '10.1.1.11 10.1.1.12');
  const behind: Row = { table: 'route', key: 'vrf100/10.9.0.0/24', value: { vrf: 'vrf100', prefix: '10.9.0.0/24' as Prefix, nextHops: ['10.1.1.11' as Address] } };
  assert.equal(allowed(having('vpc/100', behind), 'a', '10.9.0.7', '10.9.1.7'), '10.9.0.7');
  assert.equal(allowed(having('vpc/100', behind), 'c', '10.9.0.7'), '');
  const peering: Row = { table: 'hostPeering', key: '101', value: { segment: vni(101), vrf: 'vrf100', range: [], accept: [{ prefix: '10.9.0.0/24' as Prefix, minLength: 32, maxLength: 32 }] } };
  assert.equal(allowed(having('vpc/100', peering), 'a', '10.9.0.7', '10.9.1.7'), '10.9.0.7');
});

test('who is a subject gets what some rule permits, and may be answered', () => {
  const rule: AclRule = { peers: prefixes('10.1.2.0/24'), sets: [], protocol: 'tcp', ports: [{ from: 80, to: 90 }] };
  const scopes = having('vpc/100', acl(100, 'ingress', ['10.1.1.11/32'], [rule]));
  assert.equal(says(scopes, 'c', 'a'), 'PolicyIngress at leaf-1 acl/vrf100/p/ingress');
  assert.equal(trip(scopes, 'c', 'a', { protocol: 'tcp', port: 85 }).result, 'allow');
  assert.equal(trip(scopes, 'c', 'a', { protocol: 'tcp', port: 91 }).result, 'deny');
  assert.equal(trip(scopes, 'b', 'a', { protocol: 'tcp', port: 85 }).result, 'deny');
  assert.equal(trip(scopes, 'a', 'b', { protocol: 'tcp', port: 85 }).result, 'allow', 'what the subject asks is answered');
  assert.equal(says(having('vpc/100', acl(100, 'egress', ['10.1.1.0/24'], [])), 'a', 'd'), 'PolicyEgress at leaf-1 acl/vrf100/p/egress');
});

test('an ordered list at the port to an External decides by its first match, answers included', () => {
  const inbound = [
    { action: 'deny', protocol: 'tcp', ports: { from: 22, to: 22 } },
    { action: 'permit', protocol: 'tcp', destination: '10.1.1.11/32' as Prefix },
    { action: 'permit', protocol: 'icmp', icmpType: 8 },
  ] as const;
  const port: Row = { table: 'vrfPort', key: 'E1/9', value: { port: 'E1/9', vrf: 'vrf900', addresses: ['198.51.100.0/31' as InterfaceAddress], proxyFor: [], inbound } };
  const scopes = having('device/leaf-2', port);
  assert.equal(trip(scopes, 'x', 'a', { protocol: 'tcp', port: 443 }).result, 'allow');
  assert.equal(says(scopes, 'x', 'a', { protocol: 'tcp', port: 22 }), 'InboundACL at leaf-2 vrfPort/E1/9');
  assert.equal(trip(scopes, 'x', 'b', { protocol: 'tcp', port: 443 }).result, 'deny');
  assert.equal(trip(scopes, 'x', 'b').result, 'allow');
  assert.equal(trip(scopes, 'a', 'x').result, 'oneway', 'echo replies are not let in');
});

test('a host announces what its subnet accepts, and nothing else is believed', () => {
  const peering: Row = {
    table: 'hostPeering',
    key: '102',
    value: { segment: vni(102), vrf: 'vrf100', range: prefixes('10.1.2.0/24'), accept: [{ prefix: prefixes('10.1.9.0/24')[0] as Prefix, minLength: 32, maxLength: 32 }] },
  };
  const network = readNetwork(having('vpc/100', peering), {
    announcements: [{ neighbor: '10.1.2.12' as Address, at: hosts.c[1], prefixes: prefixes('10.1.9.1/32', '10.1.9.0/25', '0.0.0.0/0') }],
  });
  const to = (address: string): string => {
    const verdict = evaluate(network, hosts.a[1], packet('10.1.1.11', address));
    return verdict.type === 'delivered' && verdict.to.what === 'host' ? verdict.to.address : verdict.type;
  };
  assert.deepEqual([to('10.1.9.1'), to('10.1.9.2')], ['10.1.2.12', 'dropped']);
});

test('the order of scopes and rows does not matter', () => {
  const everything = [...fabric()].flatMap(([scope, rows]) => rows.map((row) => ({ scope, row })));
  const wanted = matrix(fabric());
  fc.assert(
    fc.property(fc.shuffledSubarray(everything, { minLength: everything.length }), (shuffled) => {
      const scopes = new Map<string, Row[]>();
      for (const { scope, row } of shuffled) scopes.set(scope, [...(scopes.get(scope) ?? []), row]);
      assert.equal(matrix(scopes), wanted);
    }),
    { numRuns: 30 },
  );
});

test('without some of its rows a fabric without filters lets nothing pass that it did not let pass', () => {
  const everything = [...fabric()].flatMap(([scope, rows]) => rows.map((row) => ({ scope, row })));
  const before = new Set(matrix(fabric()).split(' '));
  fc.assert(
    fc.property(fc.subarray(everything), (left) => {
      const scopes = new Map<string, Row[]>();
      for (const { scope, row } of left) scopes.set(scope, [...(scopes.get(scope) ?? []), row]);
      for (const pair of matrix(scopes).split(' ').filter((each) => each !== '')) assert.ok(before.has(pair), pair);
    }),
    { numRuns: 100 },
  );
});
