import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DhcpSettings, Row, SegmentRow } from '../../../goal/rows.ts';
import type { Address, Mac, Vni } from '../../../net/brand.ts';
import { merge } from '../../../goal/tables.ts';
import { host, routedSegment, segment, underlay, vrf } from '../fixture/goals.ts';
import type { DhcpState, LinuxActual } from '../model.ts';
import { dhcpSteps } from '../steps/dhcp.ts';
import { render } from './render.ts';
import type { Rendered } from './render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const fabric = underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: [], serverPorts: [], leaf: true });
const actual: LinuxActual = { items: new Map(), unclaimed: new Map(), capabilities: new Set() };
const rendered = (...rows: Row[]): Rendered => render(merge([[...fabric, vrf(5001), ...rows]]), actual, site);
const statesOf = ({ items }: Rendered): readonly DhcpState[] => [...items.values()].flatMap((item) => (item.kind === 'dhcp' ? [item.state] : []));
const settings = (more: Partial<DhcpSettings>): DhcpSettings => ({ leaseSeconds: 600, dnsServers: [], ntpServers: [], routes: [], ...more });
const front = (more: Partial<DhcpSettings>, others: Partial<SegmentRow> = {}): Row => routedSegment(1001, 5001, ['10.1.1.1/24'], { dhcp: settings(more), ...others });
const range = (from: string, to = from, vni = 1001): Row =>
  ({ table: 'dhcpRange', key: `${vni}/${from}`, value: { segment: vni as Vni, from: from as Address, to: to as Address } });
const reservation = (mac: string, address: string): Row =>
  ({ table: 'reservation', key: `1001/${mac}`, value: { segment: 1001 as Vni, mac: mac as Mac, address: address as Address } });

describe('DHCP of a Linux switch as items', () => {
  it('is a line a machine: a reservation before the address of the host, both families together', () => {
    const dual = routedSegment(1001, 5001, ['10.1.1.1/24', 'fd00::1/64'], { dhcp: settings({}), ipv6: 'dhcp' });
    const [state] = statesOf(rendered(
      dual,
      host('p1', 1001, '10.1.1.50', '0a:00:00:00:00:01'),
      host('p1', 1001, 'fd00::50', '0a:00:00:00:00:01'),
      reservation('0a:00:00:00:00:01', '10.1.1.70'),
      reservation('0a:00:00:00:00:02', '10.1.1.71'),
    ));
    assert.equal(state?.hosts, '0a:00:00:00:00:01,10.1.1.70,[fd00::50],server\n0a:00:00:00:00:02,10.1.1.71\n');
  });

  it('has no addresses of a family that servers make for themselves or that somebody else gives out', () => {
    const own = routedSegment(1001, 5001, ['10.1.1.1/24', 'fd00::1/64'], { ipv6: 'slaac' });
    const [state] = statesOf(rendered(own, host('p1', 1001, '10.1.1.50', '0a:00:00:00:00:01'), host('p1', 1001, 'fd00::50', '0a:00:00:00:00:01')));
    assert.equal(state?.hosts, '');
    assert.ok(!state?.argv.some((word) => word.startsWith('--dhcp-range=10.')));
  });

  it('refuses what its server would take apart', () => {
    for (const text of ['a,b', 'a b', 'a\nb', '"', "a'b", 'a\\b', '']) {
      for (const member of ['bootFile', 'bootServer', 'domain'] as const) {
        const { unrealisable } = rendered(front({ [member]: text }));
        assert.deepEqual(unrealisable.map(({ row, code }) => [row, code]), [['segment/1001', 'Unsupported']], `${member} ${JSON.stringify(text)}`);
      }
    }
  });

  it('refuses ranges of segments that are not here', () => {
    const { unrealisable } = rendered(segment(1001, 5001, '10.1.1.1/24'), range('10.1.1.128'), range('10.9.1.128', '10.9.1.129', 1009));
    assert.deepEqual(unrealisable.map(({ row, code }) => [row, code]), [['dhcpRange/1001/10.1.1.128', 'Conflict'], ['dhcpRange/1009/10.9.1.128', 'Conflict']]);
  });

  it('is one relay a VRF, from an address of its own on each segment', () => {
    const other = routedSegment(1002, 5001, ['10.1.2.1/24'], { dhcp: settings({ relay: '10.9.0.9' as Address }) });
    const found = rendered(front({ relay: '10.9.0.9' as Address }), other, range('10.1.1.2'), range('10.1.2.2', '10.1.2.2', 1002));
    const [state, ...more] = statesOf(found);
    assert.deepEqual(more, []);
    assert.deepEqual(state?.argv.filter((word) => word.startsWith('--dhcp-relay')), ['--dhcp-relay=10.1.1.2,10.9.0.9', '--dhcp-relay=10.1.2.2,10.9.0.9']);
    assert.ok(found.items.has('address/vrf5001/br1001/10.1.1.2/32'));
    assert.ok(found.items.get('dhcp/5001')?.rows?.includes('dhcpRange/1002/10.1.2.2'));
  });

  it('keeps leases when its server is started anew, and ends one only when its address is another host\u0027s', () => {
    const [to] = statesOf(rendered(front({}), host('p1', 1001, '10.1.1.50', '0a:00:00:00:00:01')));
    assert.ok(to !== undefined);
    const from = (mac: string, hosts = to.hosts): DhcpState => ({ ...to, hosts, pid: 7, leases: [{ address: '10.1.1.50' as Address, mac: mac as Mac }] });
    assert.ok(!dhcpSteps.remove(from('0a:00:00:00:00:01'), site, true).some(({ argv }) => argv.join(' ').includes('.leases')));
    assert.ok(dhcpSteps.remove(from('0a:00:00:00:00:01'), site, false).some(({ argv }) => argv.join(' ').includes('.leases')));
    assert.equal(dhcpSteps.same?.(from('0a:00:00:00:00:01'), to), true);
    assert.equal(dhcpSteps.same?.(from('0a:00:00:00:00:02'), to), false);
    const commands = (state: DhcpState): string => (dhcpSteps.change(state, to, site) ?? []).map(({ argv }) => argv[0]).join(' ');
    assert.equal(commands(from('0a:00:00:00:00:01', 'other')), 'tee kill');
    assert.equal(commands(from('0a:00:00:00:00:02')), 'kill sh rm sed tee nsenter');
  });
});
