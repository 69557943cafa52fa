import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Asn, Mac } from '../../../net/brand.ts';
import type { Row } from '../../../goal/rows.ts';
import { merge } from '../../../goal/tables.ts';
import { attachment, contractGoals, host, leak, peering, segment, underlay, vrf } from '../fixture/goals.ts';
import type { LinuxActual } from '../model.ts';
import { render } from './render.ts';
import type { Rendered } from './render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const rendered = (rows: readonly Row[], capabilities: readonly string[] = [], silent: readonly string[] = []): Rendered => {
  const unclaimed = ['p1', 'p2', 'up1'].map((name) => [name, { interface: name, place: '', master: '', up: false, mtu: 1500, marked: false }] as const);
  const actual: LinuxActual = { items: new Map(), unclaimed: new Map(unclaimed), capabilities: new Set(capabilities), silent: new Set(silent) };
  return render(merge([rows]), actual, site);
};
const stateOf = (found: Rendered, key: string): unknown => found.items.get(key)?.state;
const vpcs = [vrf(5001), vrf(5002)];
const bundled = (name: string): Row => ({ table: 'port', key: name, value: { interface: name, role: 'server', mtu: 9000, peer: 's/1', bundle: 'pair' } });
const leaf = underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: ['up1'], serverPorts: [], leaf: true });

describe('rows of a Linux switch as items', () => {
  it('do not say that the speed of hardware was set, and any speed of what is virtual is fine', () => {
    const port: Row = { table: 'port', key: 'E1/1', value: { interface: 'p1', role: 'server', mtu: 1500, peer: 's/1', speed: '25G', fec: 'rs' } };
    const unclaimed = new Map([['p1', { interface: 'p1', place: '', master: '', up: false, mtu: 1500, marked: false }]]);
    const on = (hardware: readonly string[]): readonly string[] =>
      render(merge([[port]]), { items: new Map(), unclaimed, capabilities: new Set(), hardware: new Set(hardware) }, site).unrealisable.map(({ row, code, message }) => `${row} ${code}: ${message}`);
    assert.deepEqual(on([]), []);
    assert.deepEqual(on(['p1']), ['port/E1/1 Unsupported: "p1" is hardware, whose speed and FEC this driver does not set; 25G with FEC rs is asked for']);
  });

  it('write BGP as FRR prints it', () => {
    const found = rendered(contractGoals.attached);
    assert.deepEqual(stateOf(found, 'frr/router bgp 65001'), {
      path: ['router bgp 65001'],
      lines: ['bgp router-id 10.255.0.11', 'bgp bestpath as-path multipath-relax', 'neighbor FAB peer-group', 'neighbor FAB remote-as external',
        'neighbor FAB timers 1 3', 'neighbor FAB timers connect 1', 'neighbor up1 interface peer-group FAB', 'neighbor up1 bfd',
        'neighbor up1 bfd profile FAB'],
    });
    assert.deepEqual(stateOf(found, 'frr/router bgp 65001 vrf vrf5001/address-family l2vpn evpn'), {
      path: ['router bgp 65001 vrf vrf5001', 'address-family l2vpn evpn'],
      lines: ['advertise ipv4 unicast', 'advertise ipv6 unicast', 'rd 10.255.0.11:5001'],
    });
  });

  it('number a fabric link when its row has an address, and leave out BFD that is not wanted', () => {
    const rows: readonly Row[] = [
      ...leaf.filter(({ table }) => table !== 'bgpPeer' && table !== 'port'),
      { table: 'port', key: 'up1', value: { interface: 'up1', role: 'fabric', mtu: 9000, peer: 's/1', address: '172.16.0.1/31' as never } },
      { table: 'bgpPeer', key: 'up1', value: { port: 'up1', address: '172.16.0.0' as never } },
      { table: 'bgp', key: 'underlay', value: { asn: 65001 as Asn, routerId: '10.255.0.11' as never, networks: [], advertiseVnis: true } },
    ];
    const found = rendered(rows);
    const bgp = found.items.get('frr/router bgp 65001');
    assert.ok(bgp?.kind === 'frr' && bgp.state.lines.includes('neighbor 172.16.0.0 peer-group FAB'));
    assert.ok(bgp.state.lines.every((line) => !line.includes('bfd')));
    assert.deepEqual(stateOf(found, 'address//up1/172.16.0.1/31'), { place: '', device: 'up1', address: '172.16.0.1/31' });
  });

  it('leave a server port down in the underlay until it is attached', () => {
    const state = { interface: 'p1', mtu: 9000, marked: true };
    assert.deepEqual(stateOf(rendered(contractGoals.vpc), 'port/p1'), { ...state, place: '', master: '', up: false });
    assert.deepEqual(stateOf(rendered(contractGoals.attached), 'port/p1'), { ...state, place: 'vrf5001', master: 'br1001', up: true });
  });

  it('let in from a peer what one and the same pairing permits', () => {
    const found = rendered([...leaf, ...vpcs, leak(5001, 5002, [[['10.1.1.0/24'], ['10.2.1.0/24']], [['10.1.2.0/24'], ['10.2.2.5/32']]])]);
    const ruleset = found.items.get('nft/vrf5001');
    const gate = ['iifname "pv5002" ip saddr 10.2.1.0/24 jump pv5002-0', 'iifname "pv5002" ip saddr 10.2.2.5 jump pv5002-1', 'iifname "pv5002" drop'];
    assert.deepEqual(ruleset?.kind === 'ruleset' && ruleset.state.tables, {
      inet: {
        sets: {},
        chains: {
          'pv5002-0': ['ip daddr 10.1.1.0/24 accept'],
          'pv5002-1': ['ip daddr 10.1.2.0/24 accept'],
          forward: ['type filter hook forward priority filter; policy accept;', ...gate],
          input: ['type filter hook input priority filter; policy accept;', ...gate],
        },
      },
    });
  });

  it('let in nothing while only the other half of a peering is there', () => {
    const found = rendered([...leaf, ...vpcs, leak(5001, 5002, [[['10.1.1.0/24'], ['10.2.1.0/24']]])]);
    const ruleset = found.items.get('nft/vrf5002');
    assert.deepEqual(ruleset?.kind === 'ruleset' && ruleset.state.tables.inet?.chains, {
      forward: ['type filter hook forward priority filter; policy accept;', 'iifname "pv5001" drop'],
      input: ['type filter hook input priority filter; policy accept;', 'iifname "pv5001" drop'],
    });
    assert.deepEqual([...found.items.keys()].filter((key) => key.startsWith('route/')), ['route/vrf5001/10.2.1.0/24']);
  });

  it('peer only VRFs that are both on the device', () => {
    const found = rendered([...leaf, vrf(5001), ...peering(5001, ['10.1.0.0/16'], 5002, ['10.2.0.0/16'])]);
    assert.deepEqual([...found.items.keys()].filter((key) => /^(pair|route|nft)\//.test(key)), []);
    assert.deepEqual(found.unrealisable, []);
  });

  const pair = [...leaf, vrf(5001), segment(1001, 5001, '10.1.1.1/24'), bundled('p1'), bundled('p2'), attachment('pair', 1001),
    host('pair', 1001, '10.1.1.11', '0a:00:00:00:00:01')];

  it('use the first link of a bundle that has carrier where the kernel cannot aggregate', () => {
    const states = (silent: readonly string[]): unknown => {
      const found = rendered(pair, [], silent);
      assert.deepEqual(found.unrealisable, []);
      const up = [...found.items.values()].flatMap((item) => (item.kind === 'port' && item.state.up && item.state.master !== '' ? [item.state.interface] : []));
      return [up, [...found.items.keys()].filter((key) => key.startsWith('fdb/'))];
    };
    const at = (name: string): readonly string[] => [`fdb/vrf5001/${name}/0a:00:00:00:00:01`];
    assert.deepEqual(states([]), [['p1'], at('p1')]);
    // p1 stays up, so that its carrier is seen when it comes back.
    assert.deepEqual(states(['p1']), [['p1', 'p2'], at('p2')]);
    assert.deepEqual(states(['p1', 'p2']), [['p1', 'p2'], at('p2')]);
  });

  it('make a port with tags a trunk that stays in the underlay, with a door for each VLAN', () => {
    const rows = [...leaf, ...vpcs, { ...bundled('p1'), value: { interface: 'p1', role: 'server', mtu: 9000, peer: 's/1' } } as Row,
      segment(1001, 5001, '10.1.1.1/24'), segment(2001, 5002, '10.2.1.1/24'), attachment('p1', 1001), attachment('p1', 2001, 20),
      host('p1', 1001, '10.1.1.11', '0a:00:00:00:00:01'), host('p1', 2001, '10.2.1.11', '0a:00:00:00:00:01', 20)];
    const found = rendered(rows, ['vlan-tags']);
    assert.deepEqual(found.unrealisable, []);
    const base = { trunk: 'p1', up: true, mtu: 9000, whole: true };
    assert.deepEqual(stateOf(found, 'port/p1'), { interface: 'p1', mtu: 9000, marked: true, place: '', master: '', up: true, guarded: true });
    assert.deepEqual(stateOf(found, 'subinterface/p1.0'), { ...base, name: 'p1.0', vlan: 0, place: 'vrf5001', master: 'br1001' });
    assert.deepEqual(stateOf(found, 'subinterface/p1.20'), { ...base, name: 'p1.20', vlan: 20, place: 'vrf5002', master: 'br2001' });
    assert.deepEqual(found.items.get('fdb/vrf5002/p1.20/0a:00:00:00:00:01')?.needs, ['subinterface/p1.20']);
    assert.deepEqual(rendered(rows).unrealisable.map(({ row, code }) => `${row} ${code}`), ['attachment/p1.20 Unsupported', 'host/2001/10.2.1.11 Conflict']);
    assert.deepEqual(stateOf(rendered(rows), 'port/p1'), { interface: 'p1', mtu: 9000, marked: true, place: 'vrf5001', master: 'br1001', up: true });
  });

  it('leave what is multihomed to the other leaves of its group while it has no link here', () => {
    const rows = [...leaf, vrf(5001), segment(1001, 5001, '10.1.1.1/24'), attachment('es-7', 1001), host('es-7', 1001, '10.1.1.11', '0a:00:00:00:00:01')];
    const cabled: Row = { table: 'port', key: 'p1', value: { interface: 'p1', role: 'server', mtu: 9000, peer: 's/1', bundle: 'es-7', esi: '00:48:44:4c:00:00:00:00:00:07' } };
    const entries = (more: readonly Row[], silent: readonly string[] = []): unknown => {
      const found = rendered([...rows, ...more], [], silent);
      assert.deepEqual(found.unrealisable, []);
      return [...found.items.keys()].filter((key) => /^(fdb|neighbour)/.test(key)).length;
    };
    assert.deepEqual([entries([]), entries([cabled]), entries([cabled], ['p1'])], [0, 2, 0]);
    // Cut off from the fabric: the server is to notice, and to use its other links.
    assert.equal(entries([cabled], ['up1']), 0);
    assert.equal((stateOf(rendered([...rows, cabled], [], ['up1']), 'port/p1') as { up: boolean }).up, false);
    assert.equal((stateOf(rendered([...rows, cabled]), 'port/p1') as { up: boolean }).up, true);
  });

  it('aggregate the links of a bundle where the kernel can', () => {
    const found = rendered(pair, ['bond']);
    assert.deepEqual(found.unrealisable, []);
    assert.deepEqual(stateOf(found, 'link/vrf5001/b-p1'), { place: 'vrf5001', name: 'b-p1', master: 'br1001' });
    assert.deepEqual(stateOf(found, 'port/p2'), { interface: 'p2', mtu: 9000, marked: true, place: 'vrf5001', master: 'b-p1', up: true });
    assert.ok(found.items.has('fdb/vrf5001/b-p1/0a:00:00:00:00:01'));
  });

  it('say of every row that cannot come true why not', () => {
    const { unrealisable } = rendered([
      ...leaf,
      segment(1001, 5001, '10.1.1.1/24'),
      attachment('p9', 1001),
      host('p9', 1001, '10.1.1.11', '0a:00:00:00:00:01' as Mac),
      { table: 'port', key: 'p7', value: { interface: 'eth7', role: 'server', mtu: 9000, peer: 's/1' } },
    ]);
    assert.deepEqual(unrealisable.map(({ row, code, message }) => `${row} ${code}: ${message}`), [
      'segment/1001 Conflict: VRF "vrf5001" of segment 1001 cannot be on this device: its row is missing',
      'attachment/p9 Conflict: port "p9" is not cabled on this device',
      'port/p7 Conflict: this device has no interface "eth7" for port "p7"',
      'host/1001/10.1.1.11 Conflict: host 10.1.1.11 is behind port "p9", which cannot be attached on this device',
    ]);
  });
});
