import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Row } from '../../goal/rows.ts';
import { attachment, host, segment, underlay, vrf } from './fixture/goals.ts';
import { addSubinterface } from './fixture/tagging.ts';
import { connect, createHost, createSwitch } from './fixture/topology.ts';
import type { Host, Switch } from './fixture/topology.ts';

const leafRows = underlay({ hostname: 'leaf', asn: 65001, routerId: '10.255.0.11', fabricPorts: [], serverPorts: ['p1', 'p2', 'p3'], leaf: true });
const [first, second, third] = ['0a:00:00:00:00:21', '0a:00:00:00:00:22', '0a:00:00:00:00:23'] as const;
const vpcs = [vrf(5001), segment(1001, 5001, '10.1.1.1/24'), vrf(5002), segment(2001, 5002, '10.1.1.1/24')];
/** One VPC on each of two ports; the same prefix in both. */
const singles = [attachment('p2', 1001), host('p2', 1001, '10.1.1.12', second), attachment('p3', 2001), host('p3', 2001, '10.1.1.13', third)];
const native = [attachment('p1', 1001), host('p1', 1001, '10.1.1.11', first)];
const tagged = (vlan: number): readonly Row[] => [attachment('p1', 2001, vlan), host('p1', 2001, '10.1.1.11', first, vlan)];

describe('VLANs on a server port', () => {
  let leaf: Switch | undefined;
  let servers: readonly Host[] = [];
  const device = (): Switch => {
    assert.ok(leaf !== undefined);
    return leaf;
  };
  const at = (index: number): Host => {
    const found = servers[index];
    assert.ok(found !== undefined);
    return found;
  };
  const converge = async (...rows: readonly (readonly Row[])[]): Promise<void> => {
    const goal = [...leafRows, ...vpcs, ...singles, ...rows.flat()];
    const { failed, unrealisable } = await device().converge(goal);
    assert.deepEqual({ failed, unrealisable }, { failed: [], unrealisable: [] });
    assert.deepEqual((await device().plan(goal)).steps.map(({ key }) => key), []);
  };
  /** Whether a server answers through the interface of another that is named. */
  const reaches = async (from: Host, port: string, address: string, attempts = 10): Promise<boolean> => {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if ((await from.exec(['ping', '-I', port, '-c', '1', '-W', '0.2', address])).status === 0) return true;
    }
    return false;
  };

  before(async () => {
    leaf = await createSwitch('vlans-leaf');
    servers = await Promise.all([first, second, third].map((mac, index) => createHost(`vlans-s${index}`, mac)));
    for (const [index, server] of servers.entries()) {
      await connect('vlans-leaf', `p${index + 1}`, server.namespace, 'eth0');
      await server.exec(['ip', 'link', 'set', 'eth0', 'address', server.mac, 'up']);
      await server.exec(['ip', 'address', 'add', `10.1.1.1${index + 1}/24`, 'dev', 'eth0']);
    }
    await addSubinterface('vlans-s0', 'eth0', 20, first);
    await at(0).exec(['ip', 'address', 'add', '10.1.1.11/24', 'dev', 'eth0.20']);
  });
  after(async () => void (await Promise.all([leaf, ...servers].map((node) => node?.destroy()))));

  it('put one port into two VPCs with the same prefix, with real tags on the wire', async () => {
    await converge(native, tagged(20));
    const wire = at(0).exec(['timeout', '3', 'tcpdump', '-c', '2', '-nn', '-e', '-i', 'eth0', 'vlan', '20', 'and', 'icmp']);
    assert.ok(await reaches(at(0), 'eth0', '10.1.1.12'), 'without a tag it is in the first VPC');
    assert.ok(await reaches(at(0), 'eth0.20', '10.1.1.13'), 'with tag 20 it is in the second');
    for (let count = 0; count < 5; count += 1) await reaches(at(0), 'eth0.20', '10.1.1.13', 1);
    assert.match((await wire).stdout, /802\.1Q \(0x8100\).* vlan 20,.*10\.1\.1\.1[13] > 10\.1\.1\.1[13]/);
    assert.equal(await reaches(at(0), 'eth0', '10.1.1.13', 3), false);
    assert.equal(await reaches(at(0), 'eth0.20', '10.1.1.12', 3), false);
  });

  it('are adopted by a driver that starts anew', async () => {
    await device().restartAgent();
    assert.deepEqual((await device().plan([...leafRows, ...vpcs, ...singles, ...native, ...tagged(20)])).steps, []);
  });

  it('change without the link going down for the others', async () => {
    const pings = at(0).exec(['ping', '-I', 'eth0', '-i', '0.01', '-c', '200', '-W', '1', '10.1.1.12']);
    await converge(native, tagged(30));
    assert.equal(await reaches(at(0), 'eth0.20', '10.1.1.13', 3), false, 'nobody takes VLAN 20 any more');
    await converge(native, tagged(20));
    assert.match((await pings).stdout, /200 packets transmitted, 200 received/);
    assert.ok(await reaches(at(0), 'eth0.20', '10.1.1.13'));
  });

  it('let nothing pass that has another tag, none, or two', async () => {
    await converge(tagged(20));
    assert.equal(await reaches(at(0), 'eth0', '10.1.1.12', 3), false, 'there is no untagged attachment any more');
    assert.ok(await reaches(at(0), 'eth0.20', '10.1.1.13'));
    // What a server sends without a tag must not reach the underlay, where the loopback of the leaf would answer.
    await at(0).exec(['ip', 'route', 'add', '10.255.0.11/32', 'dev', 'eth0']);
    const mac = (await device().exec(['cat', '/sys/class/net/p1/address'])).stdout.trim();
    await at(0).exec(['ip', 'neighbour', 'replace', '10.255.0.11', 'lladdr', mac, 'dev', 'eth0']);
    assert.equal(await reaches(at(0), 'eth0', '10.255.0.11', 3), false);
    await at(0).exec(['ip', 'route', 'delete', '10.255.0.11/32', 'dev', 'eth0']);
    // A neighbour in the first VPC that tags its frames must not get into the second VPC through the trunk.
    await converge(native, tagged(20));
    await addSubinterface('vlans-s1', 'eth0', 20, second);
    await at(1).exec(['ip', 'address', 'add', '10.1.1.77/24', 'dev', 'eth0.20']);
    assert.equal(await reaches(at(1), 'eth0.20', '10.1.1.11', 3), false);
  });

  it('are set up anew when something of them is lost', async () => {
    const goal = [...leafRows, ...vpcs, ...singles, ...native, ...tagged(20)];
    for (const accident of [
      ['tc', 'filter', 'delete', 'dev', 'p1', 'ingress', 'pref', '20'],
      ['tc', 'qdisc', 'delete', 'dev', 'p1.20', 'clsact'],
      ['ip', 'link', 'delete', 'p1.0'],
      ['tc', 'qdisc', 'delete', 'dev', 'p1', 'clsact'],
    ] as const) {
      assert.equal((await device().exec(accident)).status, 0, accident.join(' '));
      assert.ok((await device().plan(goal)).steps.length > 0, accident.join(' '));
      await converge(native, tagged(20));
      assert.ok(await reaches(at(0), 'eth0.20', '10.1.1.13'), accident.join(' '));
      assert.ok(await reaches(at(0), 'eth0', '10.1.1.12'), accident.join(' '));
    }
  });

  it('leave nothing behind', async () => {
    await converge(native);
    assert.ok(await reaches(at(0), 'eth0', '10.1.1.12'));
    const { failed, keys } = await device().converge([]);
    assert.deepEqual({ failed, keys }, { failed: [], keys: [] });
    assert.doesNotMatch((await device().exec(['ip', '-o', 'link'])).stdout, /p1\./);
    assert.equal((await device().exec(['tc', 'filter', 'show', 'dev', 'p1', 'ingress'])).stdout, '');
  });
});
