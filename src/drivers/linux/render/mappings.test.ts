import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Row } from '../../../goal/rows.ts';
import { merge } from '../../../goal/tables.ts';
import { attachment, host, mapping, segment, underlay, vrf } from '../fixture/goals.ts';
import type { LinuxActual } from '../model.ts';
import { stepsOf } from '../steps/all.ts';
import { render } from './render.ts';
import type { Rendered } from './render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const actual: LinuxActual = { items: new Map(), unclaimed: new Map(), capabilities: new Set() };
const leaf = [
  ...underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: [], serverPorts: [], leaf: true }),
  vrf(5001),
  segment(1001, 5001, '10.1.1.1/24'),
];
const port: Row = { table: 'port', key: 'p1', value: { interface: 'p1', role: 'server', mtu: 9000, peer: 's/1' } };
const rendered = (...rows: readonly Row[]): Rendered => render(merge([[...leaf, ...rows]]), actual, site);
const mac = '0a:00:00:00:00:07';

describe('mappings on a Linux switch', () => {
  it('are a MAC address behind a VTEP and a neighbour that nobody is told of', () => {
    const { items, unrealisable } = rendered(mapping(1001, '10.1.1.7', mac, '192.0.2.1', 77));
    const tunnel = items.get(`tunnel/vrf5001/vx1001/${mac}`);
    assert.ok(tunnel?.kind === 'tunnel');
    assert.deepEqual(
      stepsOf.tunnel.create(tunnel.state, site).map(({ argv }) => argv.join(' ')),
      [`bridge -n vrf5001 fdb replace ${mac} dev vx1001 dst 192.0.2.1 vni 77 self master static`],
    );
    const entry = items.get('neighbour/vrf5001/br1001/10.1.1.7');
    assert.deepEqual(entry?.state, { place: 'vrf5001', device: 'br1001', address: '10.1.1.7', mac, advertised: false });
    assert.deepEqual([tunnel.rows, entry?.rows, unrealisable], [['mapping/10.1.1.7'], ['mapping/10.1.1.7'], []]);
  });

  it('are nothing on a switch without their segment', () => {
    const { items, unrealisable } = rendered(mapping(1002, '10.1.2.7', mac, '192.0.2.1'));
    assert.deepEqual([[...items.keys()].filter((key) => key.includes('1002') || key.includes(mac)), unrealisable], [[], []]);
  });

  it('are refused where the MAC address is somewhere else already', () => {
    const rows = [port, attachment('p1', 1001), host('p1', 1001, '10.1.1.11', '0a:00:00:00:00:0b')];
    const { unrealisable } = rendered(
      ...rows,
      mapping(1001, '10.1.1.7', mac, '192.0.2.1'),
      mapping(1001, '10.1.1.8', mac, '192.0.2.1'),
      mapping(1001, '10.1.1.9', mac, '192.0.2.2'),
      mapping(1001, '10.1.1.10', '0a:00:00:00:00:0b', '192.0.2.2'),
    );
    assert.deepEqual(unrealisable.filter(({ row }) => row.startsWith('mapping/')), [
      { row: 'mapping/10.1.1.9', code: 'Conflict', message: `MAC address "${mac}" in segment 1001 is that of mapping "10.1.1.7", behind another VTEP` },
      { row: 'mapping/10.1.1.10', code: 'Conflict', message: 'MAC address "0a:00:00:00:00:0b" in segment 1001 is that of host 10.1.1.11 of this device' },
    ]);
  });

  it('that contradict one another are decided in the same way whatever order they came in', () => {
    const rows = [mapping(1001, '10.1.1.8', mac, '192.0.2.2'), mapping(1001, '10.1.1.7', mac, '192.0.2.1'), mapping(1001, '10.1.1.9', mac, '192.0.2.1')];
    const [one, other] = [rendered(...rows), rendered(...rows.toReversed())];
    for (const { items, unrealisable } of [one, other]) {
      const tunnel = items.get(`tunnel/vrf5001/vx1001/${mac}`);
      assert.equal(tunnel?.kind === 'tunnel' && tunnel.state.vtep, '192.0.2.1');
      assert.deepEqual(unrealisable.map(({ row }) => row).filter((row) => row.startsWith('mapping/')), ['mapping/10.1.1.8']);
    }
  });
});
