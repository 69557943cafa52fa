import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../../kit/process.ts';
import type { InterfaceAddress } from '../../net/brand.ts';
import type { Row } from '../../goal/rows.ts';
import { attachment, host, mapping, segment, underlay, vrf } from './fixture/goals.ts';
import { connect, createHost, createSwitch } from './fixture/topology.ts';
import type { Host, Switch } from './fixture/topology.ts';

const mac = '0a:00:00:00:00:07';
const leafVtep = '10.255.0.11';

/** A leaf whose uplink is numbered, because what is at its other end speaks no BGP. */
const goal = (...rows: readonly Row[]): readonly Row[] => [
  ...underlay({ hostname: 'leaf', asn: 65001, routerId: leafVtep, fabricPorts: ['up1'], serverPorts: ['p1'], leaf: true }).map((row): Row =>
    row.table === 'port' && row.key === 'up1' ? { ...row, value: { ...row.value, address: '172.31.0.0/31' as InterfaceAddress } } : row,
  ),
  vrf(5001),
  segment(1001, 5001, '10.1.1.1/24'),
  segment(1002, 5001, '10.1.2.1/24'),
  attachment('p1', 1001),
  host('p1', 1001, '10.1.1.11', '0a:00:00:00:00:11'),
  ...rows,
];

describe('a host behind a VTEP that Heddle does not manage', () => {
  let leaf: Switch | undefined;
  let server: Host | undefined;
  let far: Host | undefined;
  const nodes = (): readonly [Switch, Host, Host] => {
    assert.ok(leaf !== undefined && server !== undefined && far !== undefined);
    return [leaf, server, far];
  };
  const converge = async (...rows: readonly Row[]): Promise<void> => {
    const [device] = nodes();
    const { failed, unrealisable } = await device.converge(goal(...rows));
    assert.deepEqual({ failed, unrealisable }, { failed: [], unrealisable: [] });
    assert.deepEqual((await device.plan(goal(...rows))).steps, []);
  };
  /** A VTEP by hand with one host on it, which knows the leaf's server and gateway and is known to nobody. */
  const raiseVtep = async (vni: number, address: string, gateway: string): Promise<void> => {
    const { namespace } = nodes()[2];
    const inside = (...words: readonly string[]): Promise<unknown> => run(['ip', '-n', namespace, ...words]);
    await run(['ip', '-n', namespace, 'link', 'delete', 'vx']).catch(() => {});
    await inside('link', 'add', 'vx', 'type', 'vxlan', 'id', `${vni}`, 'local', '172.31.0.1', 'remote', leafVtep, 'dstport', '4789', 'nolearning');
    await inside('link', 'set', 'vx', 'address', mac, 'mtu', '1400', 'up');
    await inside('address', 'add', `${address}/24`, 'dev', 'vx');
    await inside('route', 'replace', 'default', 'via', gateway, 'dev', 'vx');
    await inside('neighbour', 'replace', '10.1.1.11', 'lladdr', '0a:00:00:00:00:11', 'dev', 'vx');
    await inside('neighbour', 'replace', gateway, 'lladdr', '02:00:5e:00:01:01', 'dev', 'vx');
  };

  before(async () => {
    leaf = await createSwitch('map-leaf');
    server = await createHost('map-server', '0a:00:00:00:00:11');
    far = await createHost('map-far', mac);
    await connect(leaf.name, 'up1', far.namespace, 'wan');
    await connect(leaf.name, 'p1', server.namespace, 'eth0');
    await server.exec(['ip', 'link', 'set', 'eth0', 'address', server.mac, 'mtu', '1400', 'up']);
    await server.exec(['ip', 'address', 'add', '10.1.1.11/24', 'dev', 'eth0']);
    await server.exec(['ip', 'route', 'add', 'default', 'via', '10.1.1.1']);
    for (const words of [['link', 'set', 'wan', 'up'], ['address', 'add', '172.31.0.1/31', 'dev', 'wan'], ['route', 'add', `${leafVtep}/32`, 'via', '172.31.0.0']]) {
      await run(['ip', '-n', far.namespace, ...words]);
    }
  });
  after(async () => void (await Promise.all([leaf, server, far].map((node) => node?.destroy()))));

  it('is reached from its subnet while it is mapped, although it never spoke', async () => {
    const [device, from] = nodes();
    await raiseVtep(1001, '10.1.1.7', '10.1.1.1');
    await converge();
    assert.equal(await from.reaches('10.1.1.7', 5), false);
    await converge(mapping(1001, '10.1.1.7', mac, '172.31.0.1'));
    assert.ok(await from.reaches('10.1.1.7'));
    assert.doesNotMatch(await device.vtysh('show bgp l2vpn evpn route type macip'), /10\.1\.1\.7/, 'other leaves are not told that it is here');
    await converge();
    assert.equal(await from.reaches('10.1.1.7', 5), false);
  });

  it('is reached from another subnet, and under the VNI that its VTEP has for the segment', async () => {
    const [, from] = nodes();
    await raiseVtep(77, '10.1.2.7', '10.1.2.1');
    await converge(mapping(1002, '10.1.2.7', mac, '172.31.0.1', 77));
    // What comes back has VNI 77 too, which the leaf does not know: that it was asked is what can be seen.
    const capture = run(['timeout', '5', 'ip', 'netns', 'exec', nodes()[2].namespace, 'tcpdump', '-lni', 'vx', '-c', '1', 'icmp and dst 10.1.2.7']);
    await from.reaches('10.1.2.7', 20);
    assert.match((await capture).stdout, /10\.1\.1\.11 > 10\.1\.2\.7/);
  });

  it('is put back when somebody takes half of it away', async () => {
    const [device] = nodes();
    const rows = [mapping(1001, '10.1.1.7', mac, '172.31.0.1')];
    await converge(...rows);
    for (const part of ['self', 'master']) {
      await device.exec(['bridge', '-n', 'vrf5001', 'fdb', 'delete', mac, 'dev', 'vx1001', part]);
      const { steps } = await device.plan(goal(...rows));
      assert.deepEqual(steps.map(({ key, rows: served }) => [key, served]), [[`tunnel/vrf5001/vx1001/${mac}`, ['mapping/10.1.1.7']]]);
      await converge(...rows);
    }
  });
});
