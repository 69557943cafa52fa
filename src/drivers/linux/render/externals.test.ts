import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AclStatement, Row } from '../../../goal/rows.ts';
import type { Prefix } from '../../../net/brand.ts';
import { merge } from '../../../goal/tables.ts';
import { peering, underlay, vrf } from '../fixture/goals.ts';
import { externalPort, externalVrf, staticRoute, vrfPeer, vrfPort } from '../fixture/outside.ts';
import type { Item, LinuxActual } from '../model.ts';
import { aclRules } from './externalacl.ts';
import { render } from './render.ts';

const leaf = underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: ['up1'], serverPorts: [], leaf: true });
const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const rendered = (rows: readonly Row[], there: readonly Item[] = []) => {
  const unclaimed = ['e1', 'e2', 'up1'].map((name) => [name, { interface: name, place: '', master: '', up: false, mtu: 1500, marked: false }] as const);
  const actual: LinuxActual = { items: new Map(there.map((item) => [item.key, item])), unclaimed: new Map(unclaimed), capabilities: new Set(['vlan-tags']) };
  return render(merge([[...leaf, vrf(5001), externalVrf(5003, ['10.0.0.0/8', 'fd00::/8']), ...rows]]), actual, site);
};
const stateOf = (found: ReturnType<typeof rendered>, key: string): unknown => found.items.get(key)?.state;
const linesOf = (found: ReturnType<typeof rendered>, ...path: string[]): readonly string[] => {
  const item = found.items.get(`frr/${path.join('/')}`);
  assert.ok(item?.kind === 'frr', path.join('/'));
  return item.state.lines;
};
const chainsOf = (found: ReturnType<typeof rendered>): Readonly<Record<string, readonly string[]>> => {
  const item = found.items.get('nft/vrf5003');
  assert.ok(item?.kind === 'ruleset');
  return item.state.tables.inet?.chains ?? {};
};

const met = [externalPort('e1'), vrfPort('e1', 5003, '192.0.2.1/31'), ...peering(5001, ['10.1.1.0/24'], 5003, ['0.0.0.0/0'])];
/** Without the anchor that every VRF announces. */
const unicast = (found: ReturnType<typeof rendered>, family: string): readonly string[] =>
  linesOf(found, top, `address-family ${family} unicast`).filter((line) => !/^network (25\d\.|100:)/.test(line));
const top = 'router bgp 65001 vrf vrf5003';

describe('the VRF of an outside network on a Linux switch', () => {
  it('lets nothing pass from one VPC to another, nor to what is inside, nor between two ways out', () => {
    const found = rendered([...met, vrfPeer('e1', 5003, '192.0.2.0', 65010)]);
    assert.deepEqual(found.unrealisable, []);
    assert.deepEqual(chainsOf(found)['outside-forward'], [
      'type filter hook forward priority filter - 5; policy accept;',
      'iifname "pv*" oifname "pv*" drop',
      'iifname "br5003" oifname "pv*" drop',
      'oifname != "pv*" ip daddr @outside-inside-ip drop',
      'oifname != "pv*" ip6 daddr @outside-inside-ip6 drop',
      'iifname "e1" oifname != "pv*" drop',
      'iifname "e1" ip saddr @outside-inside-ip drop',
      'iifname "e1" ip6 saddr @outside-inside-ip6 drop',
    ]);
    assert.deepEqual(chainsOf(found)['outside-input'], [
      'type filter hook input priority filter - 5; policy accept;',
      'iifname "pv*" drop',
      'iifname "br5003" drop',
      'iifname "e1" ip saddr 192.0.2.0 tcp dport 179 accept',
      'iifname "e1" ip saddr 192.0.2.0 tcp sport 179 accept',
      'iifname "e1" meta l4proto { icmp, ipv6-icmp } accept',
      'iifname "e1" drop',
    ]);
  });

  it('lets errors in to those who may send there, since routers on the way have other addresses than were permitted', () => {
    const found = rendered([externalPort('e1'), vrfPort('e1', 5003, '192.0.2.1/31'), ...peering(5001, ['10.1.1.0/24'], 5003, ['203.0.113.0/24'])]);
    const item = found.items.get('nft/vrf5001');
    assert.ok(item?.kind === 'ruleset');
    const { chains = {} } = item.state.tables.inet ?? {};
    assert.deepEqual(chains['forward'], [
      'type filter hook forward priority filter; policy accept;',
      'iifname "pv5003" ip saddr 203.0.113.0/24 jump pv5003-0',
      'iifname "pv5003" icmp type { destination-unreachable, time-exceeded, parameter-problem } jump pv5003-0',
      'iifname "pv5003" icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } jump pv5003-0',
      'iifname "pv5003" drop',
    ]);
    assert.deepEqual(chains['pv5003-0'], ['ip daddr 10.1.1.0/24 accept']);
  });

  it('announces what lies behind its peerings, believes what is not inside, and tells other leaves what it did not announce', () => {
    const peer = vrfPeer('e1', 5003, '192.0.2.0', 65010, { accept: ['203.0.0.0/8'], inboundCommunity: '65010:7', outboundCommunity: '50000:1' });
    const found = rendered([...met, peer]);
    assert.deepEqual(linesOf(found, top).filter((line) => !line.includes('import-check')), [
      'bgp router-id 10.255.0.11', 'bgp bestpath as-path multipath-relax', 'neighbor 192.0.2.0 remote-as 65010', 'neighbor 192.0.2.0 timers connect 1',
    ]);
    assert.deepEqual(unicast(found, 'ipv4'), [
      'redistribute connected', 'neighbor 192.0.2.0 route-map vrf5003-in-192.0.2.0 in', 'neighbor 192.0.2.0 route-map vrf5003-out-192.0.2.0 out', 'network 10.1.1.0/24',
    ]);
    assert.deepEqual(linesOf(found, top, 'address-family l2vpn evpn').slice(0, 2), [
      'advertise ipv4 unicast route-map vrf5003-tell-ipv4', 'advertise ipv6 unicast route-map vrf5003-tell-ipv6',
    ]);
    assert.deepEqual(linesOf(found, 'route-map vrf5003-tell-ipv4 deny 10'), ['match ip address prefix-list vrf5003-inside']);
    assert.deepEqual(linesOf(found, 'route-map vrf5003-in-192.0.2.0 deny 10'), ['match ip address prefix-list vrf5003-inside']);
    assert.deepEqual(linesOf(found, 'route-map vrf5003-in-192.0.2.0 permit 20'), ['match ip address prefix-list vrf5003-in-192.0.2.0', 'match community vrf5003-in-192.0.2.0']);
    assert.deepEqual(linesOf(found, 'route-map vrf5003-out-192.0.2.0 permit 20'), ['match ip address prefix-list vrf5003-leaks', 'set community 50000:1']);
    const words = (list: string): string[] => linesOf(found, list).map((line) => line.replace(/^seq \d+ /, ''));
    assert.deepEqual(words('ip prefix-list vrf5003-inside'), ['permit 10.0.0.0/8 le 32']);
    assert.deepEqual(words('ip prefix-list vrf5003-leaks'), ['permit 10.1.1.0/24']);
    assert.deepEqual(words('ip prefix-list vrf5003-in-192.0.2.0'), ['permit 203.0.0.0/8 le 32']);
    assert.deepEqual(words('bgp community-list standard vrf5003-in-192.0.2.0'), ['permit 65010:7']);
  });

  it('leaves to FRR the lines of a neighbour that goes', () => {
    const before = rendered([...met, vrfPeer('e1', 5003, '192.0.2.0', 65010)]);
    const after = rendered(met, [...before.items.values()]);
    assert.ok(linesOf(after, top, 'address-family ipv4 unicast').some((line) => line.startsWith('neighbor 192.0.2.0 ')));
    assert.ok(!linesOf(after, top).some((line) => line.startsWith('neighbor ')));
  });

  it('speaks IPv6 with an IPv6 neighbour alone', () => {
    const found = rendered([externalPort('e1'), vrfPort('e1', 5003, '2001:db8::1/127'), vrfPeer('e1', 5003, '2001:db8::', 65010)]);
    assert.deepEqual(unicast(found, 'ipv4'), ['redistribute connected', 'no neighbor 2001:db8:: activate']);
    assert.deepEqual(unicast(found, 'ipv6').slice(0, 2), ['redistribute connected', 'neighbor 2001:db8:: activate']);
  });

  it('routes statically where it reaches a next hop, over all of them, and tells other leaves', () => {
    const ways = [externalPort('e1'), externalPort('e2'), vrfPort('e1', 5003, '192.0.2.1/31'), vrfPort('e2', 5003, '192.0.2.3/31', { vlan: 7, proxyFor: ['10.1.1.8/31'] })];
    const found = rendered([...ways, staticRoute(5003, '0.0.0.0/0', ['192.0.2.0', '192.0.2.2', '192.0.2.8'])]);
    assert.deepEqual(stateOf(found, 'route/vrf5003/0.0.0.0/0'), {
      place: 'vrf5003', prefix: '0.0.0.0/0', via: '192.0.2.0', device: 'e1', others: [{ via: '192.0.2.2', device: 'e2.7' }],
    });
    assert.ok(unicast(found, 'ipv4').includes('redistribute kernel route-map vrf5003-static-ip'));
    assert.deepEqual(linesOf(found, 'ip prefix-list vrf5003-static').map((line) => line.replace(/^seq \d+ /, '')), ['permit 0.0.0.0/0']);
    assert.deepEqual([...found.items.keys()].filter((key) => key.startsWith('proxy/')), ['proxy/vrf5003/e2.7/10.1.1.8', 'proxy/vrf5003/e2.7/10.1.1.9']);
    const elsewhere = rendered([staticRoute(5003, '0.0.0.0/0', ['192.0.2.0'])]);
    assert.equal(stateOf(elsewhere, 'route/vrf5003/0.0.0.0/0'), undefined);
    assert.deepEqual(unicast(elsewhere, 'ipv4'), ['redistribute connected']);
  });

  it('refuses what cannot come true', () => {
    const { unrealisable } = rendered([externalPort('e1'), vrfPort('e1', 5001, '192.0.2.1/31'), vrfPort('e9', 5003, '192.0.2.3/31'), vrfPeer('e7', 5003, '192.0.2.8', 65010)]);
    assert.deepEqual(unrealisable.map(({ row, code, message }) => `${row} ${code}: ${message}`).toSorted(), [
      'vrfPeer/vrf5003/192.0.2.8 Conflict: port "e7", which it is behind, is not in VRF "vrf5003" on this device',
      'vrfPort/e1 Conflict: VRF "vrf5001" on this device is not that of an outside network',
      'vrfPort/e9 Conflict: port "e9" is not cabled on this device',
    ]);
  });
});

describe('an inbound list as rules', () => {
  it('is in the words of nft, in the order of the list, and ends with everything else', () => {
    const statements: readonly AclStatement[] = [
      { action: 'deny', source: '203.0.113.0/24' as Prefix, destination: '10.1.1.7/32' as Prefix },
      { action: 'permit', protocol: 'tcp', established: true },
      { action: 'permit', protocol: 'tcp', ports: { from: 80, to: 90 }, established: true },
      { action: 'permit', protocol: 'udp', source: '0.0.0.0/0' as Prefix, ports: { from: 53, to: 53 } },
      { action: 'permit', protocol: 'udp' },
      { action: 'permit', protocol: 'icmp' },
      { action: 'permit', protocol: 'icmp', source: 'fd00::/8' as Prefix },
      { action: 'permit', protocol: 'icmp', icmpType: 8, icmpCode: 0 },
      { action: 'deny', protocol: 'icmp', icmpType: 99 },
      { action: 'permit', protocol: 'icmp', destination: 'fd00::/8' as Prefix, icmpType: 128 },
      { action: 'permit' },
    ];
    assert.deepEqual(aclRules(statements), [
      'ip saddr 203.0.113.0/24 ip daddr 10.1.1.7 drop',
      'tcp flags rst,ack accept',
      'tcp dport 80-90 tcp flags rst,ack accept',
      'ip saddr 0.0.0.0/0 udp dport 53 accept',
      'meta l4proto udp accept',
      'meta l4proto { icmp, ipv6-icmp } accept',
      'ip6 saddr fd00::/8 meta l4proto ipv6-icmp accept',
      'icmp type echo-request icmp code net-unreachable accept',
      'icmp type 99 drop',
      'ip6 daddr fd00::/8 icmpv6 type echo-request accept',
      'accept',
      'drop',
    ]);
  });
});
