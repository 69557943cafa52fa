import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Row } from '../../../goal/rows.ts';
import { merge } from '../../../goal/tables.ts';
import type { Address, Prefix, Vni } from '../../../net/brand.ts';
import { attachment, host, routedSegment, underlay, vrf } from '../fixture/goals.ts';
import type { LinuxActual } from '../model.ts';
import type { NftTable } from '../nft.ts';
import { render } from './render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const interfaces = ['p1', 'p2', 'p3', 'up1'].map((name) => [name, { interface: name, place: '', master: '', up: false, mtu: 1500, marked: false }] as const);
const leaf = (...serverPorts: readonly string[]): readonly Row[] => underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: ['up1'], serverPorts, leaf: true });
const vpc = [vrf(5001), routedSegment(1001, 5001, ['10.1.1.1/24', 'fd00:1::1/64']), routedSegment(1002, 5001, ['10.1.2.1/24'])];
const base = [...leaf('p1', 'p2', 'p3'), ...vpc];
const tableOf = (rows: readonly Row[], capabilities: readonly string[] = []): NftTable | undefined => {
  const actual: LinuxActual = { items: new Map(), unclaimed: new Map(interfaces), capabilities: new Set(capabilities) };
  const item = render(merge([rows]), actual, site).items.get('nft/vrf5001');
  return item?.kind === 'ruleset' ? item.state.tables.bridge : undefined;
};
const elements = (rows: readonly Row[], name: string): readonly string[] | undefined => tableOf(rows)?.sets[name]?.elements;
const lines = (rows: readonly Row[], segment = 1001): readonly string[] => (tableOf(rows)?.chains[`source-${segment}`] ?? []).slice(4, -1);
const route = (prefix: string, ...nextHops: readonly string[]): Row =>
  ({ table: 'route', key: `vrf5001/${prefix}`, value: { vrf: 'vrf5001', prefix: prefix as Prefix, nextHops: nextHops as readonly string[] as readonly Address[] } });
const one = [attachment('p1', 1001), host('p1', 1001, '10.1.1.11', '02:00:00:00:00:11')];

describe('addresses that servers may send under', () => {
  it('are those of the segment that a port is in, and link-local ones; what comes in by no known port is dropped', () => {
    const rows = [...base, ...one, attachment('p2', 1002)];
    assert.deepEqual(tableOf(rows)?.chains['source-from'], [
      'type filter hook prerouting priority filter - 10; policy accept;',
      'meta iifkind "vxlan" accept',
      'iifname @source-1001 goto source-1001',
      'iifname @source-1002 goto source-1002',
      'drop',
    ]);
    assert.deepEqual(elements(rows, 'source-1001'), ['"p1"']);
    assert.deepEqual(elements(rows, 'source-1001-ip'), ['10.1.1.0/24']);
    assert.deepEqual(elements(rows, 'source-1001-ip6'), ['::', 'fd00:1::/64', 'fe80::/10']);
    assert.deepEqual(elements(rows, 'source-1002-ip6'), ['::', 'fe80::/10'], 'a segment without IPv6');
  });

  it('are nobody else\'s when they are known to be somebody\'s: a server\'s, a gateway\'s, or that of one that a policy names', () => {
    const member: Row = { table: 'aclMember', key: 'vrf5001/db/10.1.1.77/32', value: { vrf: 'vrf5001', set: 'db', prefix: '10.1.1.77/32' as Prefix } };
    const pinned: Row = { table: 'attachment', key: 'p2', value: { port: 'p2', segment: 1001 as Vni, address: '10.1.1.12' as Address } };
    const rows = [...base, ...one, member, pinned];
    assert.deepEqual(elements(rows, 'source-owners-ip'), ['"p1" . 10.1.1.11', '"p2" . 10.1.1.12']);
    assert.deepEqual(elements(rows, 'source-owned-ip'), ['10.1.1.1', '10.1.1.11', '10.1.1.12', '10.1.1.77', '10.1.2.1']);
    assert.deepEqual(elements(rows, 'source-owned-ip6'), ['fd00:1::1']);
  });

  it('are right behind every link of a bundle, whichever works, and on each tag of a trunk', () => {
    const bundled = (name: string): Row => ({ table: 'port', key: name, value: { interface: name, role: 'server', mtu: 9000, peer: 's/1', bundle: 'pair' } });
    const rows = [...leaf(), ...vpc, bundled('p1'), bundled('p2'), attachment('pair', 1001), host('pair', 1001, '10.1.1.11', '02:00:00:00:00:11')];
    assert.deepEqual(elements(rows, 'source-1001'), ['"p1"', '"p2"']);
    assert.deepEqual(elements(rows, 'source-owners-ip'), ['"p1" . 10.1.1.11', '"p2" . 10.1.1.11']);
    assert.deepEqual(tableOf(rows, ['bond'])?.sets['source-1001']?.elements, ['"b-p1"']);
    const tagged = [...base, attachment('p1', 1001, 20), attachment('p1', 1002, 30)];
    assert.deepEqual(['source-1001', 'source-1002'].map((name) => tableOf(tagged, ['vlan-tags'])?.sets[name]?.elements), [['"p1.20"'], ['"p1.30"']]);
  });

  it('are those too that hosts may announce, and those behind a static route at the port of its next hop', () => {
    const peering: Row = {
      table: 'hostPeering',
      key: '1001',
      value: { segment: 1001 as Vni, vrf: 'vrf5001', range: ['10.1.1.0/24' as Prefix], accept: [{ prefix: '10.99.0.0/24' as Prefix, minLength: 32, maxLength: 32 }] },
    };
    assert.deepEqual(elements([...base, ...one, peering], 'source-1001-ip'), ['10.1.1.0/24', '10.99.0.0/24']);
    const routes = [route('10.98.0.0/24', '10.1.1.11'), route('10.97.0.7/32', '10.1.1.50'), route('0.0.0.0/0', '10.1.1.11'), route('10.96.0.0/24', '10.1.2.9')];
    assert.deepEqual(lines([...base, ...one, ...routes]), [
      'arp saddr ip 10.97.0.7 accept',
      'iifname "p1" arp saddr ip 10.98.0.0/24 accept',
      'iifname "p1" ip saddr 10.98.0.0/24 accept',
      'iifname "p1" meta protocol arp accept',
      'iifname "p1" meta protocol ip accept',
      'ip saddr 10.97.0.7 accept',
    ]);
  });

  it('are not asked about where nothing is attached', () => {
    assert.equal(tableOf(base), undefined);
  });
});
