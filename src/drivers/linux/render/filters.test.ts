import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { AclRow, IsolationRow, Row } from '../../../goal/rows.ts';
import { merge } from '../../../goal/tables.ts';
import type { Prefix } from '../../../net/brand.ts';
import { attachment, host, routedSegment, underlay, vrf } from '../fixture/goals.ts';
import type { LinuxActual } from '../model.ts';
import type { NftTables } from '../nft.ts';
import { planLinux } from '../driver.ts';
import { render } from './render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const interfaces = ['p1', 'p2', 'up1'].map((name) => [name, { interface: name, place: '', master: '', up: false, mtu: 1500, marked: false }] as const);
const actual: LinuxActual = { items: new Map(), unclaimed: new Map(interfaces), capabilities: new Set() };
const base = [
  ...underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: ['up1'], serverPorts: ['p1', 'p2'], leaf: true }),
  vrf(5001),
  routedSegment(1002, 5001, ['10.1.2.1/24']),
];
const open = routedSegment(1001, 5001, ['10.1.1.1/24']);
const tablesOf = (rows: readonly Row[]): NftTables | undefined => {
  const { items, unrealisable } = render(merge([rows]), actual, site);
  assert.deepEqual(unrealisable, []);
  const item = items.get('nft/vrf5001');
  return item?.kind === 'ruleset' ? item.state.tables : undefined;
};
const prefixes = (...texts: readonly string[]): readonly Prefix[] => texts as readonly Prefix[];
const acl = (key: string, more: Partial<AclRow>): Row =>
  ({ table: 'acl', key: `vrf5001/${key}`, value: { vrf: 'vrf5001', direction: 'ingress', description: 'test', subjects: [], subjectSets: [], rules: [], ...more } });
const member = (set: string, prefix: string): Row =>
  ({ table: 'aclMember', key: `vrf5001/${set}/${prefix}`, value: { vrf: 'vrf5001', set, prefix: prefix as Prefix } });

describe('rows that filter, as rules of a VRF', () => {
  it('are none when there are no rows', () => {
    assert.equal(tablesOf([...base, open]), undefined);
  });

  it('keep an isolated subnet from others in both directions, by address and by where packets come in', () => {
    const value = { segment: 1001, vrf: 'vrf5001', prefixes: prefixes('10.1.1.0/24'), denied: prefixes('10.1.2.0/24', 'fd00::/64') } as IsolationRow;
    const inet = tablesOf([...base, open, { table: 'isolation', key: '1001', value }])?.inet;
    assert.deepEqual(inet?.chains['isolation-rules'], [
      'ip saddr @isolated-1001-ip ip daddr @denied-1001-ip drop',
      'ip saddr @denied-1001-ip ip daddr @isolated-1001-ip drop',
      'iifname "br1001" ip daddr @denied-1001-ip drop',
    ]);
    assert.deepEqual(inet?.chains['isolation-forward'], ['type filter hook forward priority filter - 10; policy accept;', 'jump isolation-rules']);
    assert.deepEqual(Object.entries(inet?.sets ?? {}).map(([name, { elements }]) => [name, ...elements]), [['isolated-1001-ip', '10.1.1.0/24'], ['denied-1001-ip', '10.1.2.0/24']]);
  });

  it('keep hosts of a restricted subnet from each other on the bridge, its VXLAN device included, and on the way through the gateway', () => {
    const tables = tablesOf([...base, routedSegment(1001, 5001, ['10.1.1.1/24'], { restricted: true }), attachment('p1', 1001), attachment('p2', 1002)]);
    assert.deepEqual(tables?.bridge?.sets['restricted']?.elements, ['"p1"', '"vx1001"']);
    assert.deepEqual(tables?.inet?.chains['isolation-rules'], [
      'iifname "br1001" oifname "br1001" drop',
      'ip saddr 10.1.1.0/24 ip daddr 10.1.1.0/24 drop',
      'iifname "br1001" ip daddr 10.1.1.0/24 drop',
    ]);
  });

  it('permit by sets what grows with servers: a member more is an element more and no rule', () => {
    const policy = acl('guard/ingress', { subjectSets: ['db'], rules: [{ peers: [], sets: ['web'], protocol: 'tcp', ports: [{ from: 443, to: 443 }] }] });
    const [one, two] = [['10.1.1.5/32'], ['10.1.1.5/32', '10.1.1.6/32']].map((found) => tablesOf([...base, open, policy, ...found.map((prefix) => member('web', prefix))])?.bridge);
    assert.deepEqual(one?.chains, two?.chains);
    assert.deepEqual(one?.chains['ingress-0-guard'], ['ip saddr @web-ip tcp dport 443 goto policy-admit']);
    assert.deepEqual(one?.chains['ingress-0-guard-answers'], ['ip daddr @web-ip tcp sport 443 accept']);
    assert.ok(one?.chains['policy-to']?.includes('tcp flags != syn / syn,ack jump policy-answers-to'), 'a SYN without ACK is no answer, whatever other flags it has');
    assert.deepEqual([one?.sets['web-ip']?.elements, two?.sets['web-ip']?.elements], [['10.1.1.5'], ['10.1.1.5', '10.1.1.6']]);
    assert.deepEqual(one?.sets['db-ip']?.elements, [], 'a set that nobody is in is there all the same');
  });

  it('close what no policy can name at the ports of whom a policy selects, one by one or as a subnet', () => {
    const hosts = [attachment('p1', 1001), host('p1', 1001, '10.1.1.5', '02:00:00:00:00:05'), attachment('p2', 1002), host('p2', 1002, '10.1.2.6', '02:00:00:00:00:06')];
    const policies = [acl('db/ingress', { subjectSets: ['db'] }), acl('quiet/egress', { direction: 'egress', subjects: prefixes('10.1.2.0/24') })];
    const bridge = tablesOf([...base, open, ...hosts, ...policies, member('db', '10.1.1.5/32')])?.bridge;
    assert.deepEqual(bridge?.sets['bypass-to']?.elements, ['"p1"']);
    assert.deepEqual(bridge?.sets['bypass-from']?.elements, ['"p2"', '"vx1002"']);
    assert.deepEqual(bridge?.chains['bypass-to-servers']?.slice(-2), [
      'oifname @bypass-to meta protocol { 8021q, 8021ad } drop',
      'oifname @bypass-to ip6 daddr fe80::/10 jump bypass-link-local',
    ]);
  });

  it('never name an element twice, though prefixes lie inside each other', () => {
    const peers = prefixes('10.1.1.0/24', '10.1.1.5/32', '10.1.0.0/16', '192.0.2.1/32');
    const bridge = tablesOf([...base, open, acl('guard/ingress', { subjects: prefixes('10.1.2.0/24', '10.1.2.9/32'), rules: [{ peers, sets: [], ports: [] }] })])?.bridge;
    assert.deepEqual(bridge?.sets['ingress-0-guard-rule-0-ip']?.elements, ['10.1.0.0/16', '192.0.2.1']);
    assert.deepEqual(bridge?.sets['ingress-0-guard-subjects-ip']?.elements, ['10.1.2.0/24']);
  });

  it('are the same whatever the order of rows, rules, peers and sets', () => {
    const rules: AclRow['rules'] = [
      { peers: prefixes('10.1.2.0/24', '192.0.2.0/24'), sets: ['web', 'api'], protocol: 'tcp', ports: [{ from: 80, to: 90 }, { from: 443, to: 443 }] },
      { peers: [], sets: [], protocol: 'icmp', ports: [] },
      { peers: [], sets: ['api'], ports: [] },
    ];
    const value = { segment: 1001, vrf: 'vrf5001', prefixes: prefixes('10.1.1.0/24'), denied: prefixes('10.1.2.0/24') } as IsolationRow;
    const rowsOf = (order: AclRow['rules'], sets: readonly string[]): readonly Row[] => [
      acl('guard/ingress', { subjectSets: sets, rules: order }), acl('guard/egress', { direction: 'egress', subjects: prefixes('10.1.1.0/24') }), acl('also/ingress', { subjectSets: ['web'] }),
      member('web', '10.1.1.5/32'), member('web', '10.1.1.6/32'), member('api', '10.1.2.5/32'), { table: 'isolation', key: '1001', value },
    ];
    const expected = tablesOf([...base, open, ...rowsOf(rules, ['web', 'api'])]);
    const shuffled = fc.tuple(fc.shuffledSubarray([...rules], { minLength: 3 }), fc.shuffledSubarray(['web', 'api'], { minLength: 2 }))
      .chain(([order, sets]) => fc.shuffledSubarray([...rowsOf(order.map((rule) => ({ ...rule, sets: rule.sets.toReversed(), peers: rule.peers.toReversed() })), sets)], { minLength: 7 }));
    fc.assert(fc.property(shuffled, (rows) => assert.deepEqual(tablesOf([...base, open, ...rows]), expected)));
  });

  it('come before any port of their VRF opens', () => {
    const rows = [...base, open, attachment('p1', 1001), acl('guard/ingress', { subjects: prefixes('10.1.1.0/24') })];
    const { ops } = planLinux(actual, merge([rows]), site);
    const position = (key: string): number => ops.findIndex((op) => op.key === key);
    assert.ok(position('nft/vrf5001') >= 0 && position('nft/vrf5001') < position('port/p1'));
    assert.ok(ops.some(({ key, after }) => key.startsWith('port/p1') && after.includes('nft/vrf5001')), 'and it stays shut when they cannot be made');
  });
});
