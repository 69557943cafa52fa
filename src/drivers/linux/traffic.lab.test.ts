import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Row } from '../../goal/rows.ts';
import { attachment, host, leak, segment, underlay, vrf } from './fixture/goals.ts';
import { connect, createHost, createSwitch } from './fixture/topology.ts';
import type { Host, Switch } from './fixture/topology.ts';

const uplink = (hostname: string, asn: number, routerId: string): readonly Row[] =>
  underlay({ hostname, asn, routerId, fabricPorts: ['up1'], serverPorts: ['p1', 'p2'], leaf: true });

const fabric = {
  spine: underlay({ hostname: 'spine', asn: 65100, routerId: '10.255.0.1', fabricPorts: ['dn1', 'dn2'], serverPorts: [], leaf: false }),
  left: uplink('left', 65001, '10.255.0.11'),
  right: uplink('right', 65002, '10.255.0.12'),
};

describe('packets through two Linux leaves and a spine', () => {
  let [spine, left, right]: readonly Switch[] = [];
  let hosts: readonly Host[] = [];
  const at = (index: number): Host => {
    const found = hosts[index];
    assert.ok(found);
    return found;
  };
  const switches = (): readonly [Switch, Switch, Switch] => {
    assert.ok(spine !== undefined && left !== undefined && right !== undefined);
    return [spine, left, right];
  };
  const converge = async (device: Switch, rows: readonly Row[]): Promise<void> => {
    const { failed, unrealisable } = await device.converge(rows);
    assert.deepEqual({ failed, unrealisable }, { failed: [], unrealisable: [] });
  };
  const give = async (server: Host, address: string, gateway: string): Promise<void> => {
    await server.exec(['ip', 'address', 'flush', 'dev', 'eth0']);
    await server.exec(['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
    await server.exec(['ip', 'route', 'add', 'default', 'via', gateway]);
  };
  const held = (port: string, vni: number, address: string, server: Host): readonly Row[] =>
    [attachment(port, vni), host(port, vni, address, server.mac)];

  before(async () => {
    [spine, left, right] = await Promise.all(['spine', 'left', 'right'].map((name) => createSwitch(`hdt-${name}`)));
    hosts = await Promise.all([0, 1, 2, 3].map((index) => createHost(`hdt-h${index}`, `0a:00:00:00:00:1${index}`)));
    const [top, one, two] = switches();
    await connect(top.name, 'dn1', one.name, 'up1');
    await connect(top.name, 'dn2', two.name, 'up1');
    for (const [index, server] of hosts.entries()) {
      await connect(index < 2 ? one.name : two.name, `p${(index % 2) + 1}`, server.namespace, 'eth0');
      await server.exec(['ip', 'link', 'set', 'eth0', 'address', server.mac, 'mtu', '1500', 'up']);
    }
    await Promise.all([converge(top, fabric.spine), converge(one, fabric.left), converge(two, fabric.right)]);
  });
  after(async () => void (await Promise.all([spine, left, right, ...hosts].map((node) => node?.destroy()))));

  it('hosts of one VPC reach each other across leaves and subnets, hosts of another with the same prefix do not', async () => {
    const [, one, two] = switches();
    const shop = [vrf(5001), segment(1001, 5001, '10.1.1.1/24'), segment(1002, 5001, '10.1.2.1/24')];
    const copy = [vrf(5003), segment(1003, 5003, '10.1.1.1/24')];
    await Promise.all([
      converge(one, [...fabric.left, ...shop, ...copy, ...held('p1', 1001, '10.1.1.11', at(0)), ...held('p2', 1003, '10.1.1.99', at(1))]),
      converge(two, [...fabric.right, ...shop, ...held('p1', 1001, '10.1.1.12', at(2)), ...held('p2', 1002, '10.1.2.11', at(3))]),
    ]);
    await give(at(0), '10.1.1.11', '10.1.1.1');
    await give(at(1), '10.1.1.99', '10.1.1.1');
    await give(at(2), '10.1.1.12', '10.1.1.1');
    await give(at(3), '10.1.2.11', '10.1.2.1');
    assert.ok(await at(0).reaches('10.1.1.12', 100), 'within a subnet, across leaves');
    assert.ok(await at(0).reaches('10.1.2.11'), 'across subnets and leaves, to a host that never spoke');
    assert.ok(await at(3).reaches('10.1.1.12'), 'across subnets on one leaf');
    assert.equal(await at(1).reaches('10.1.1.11', 5), false);
    assert.equal(await at(1).reaches('10.1.2.11', 5), false);
  });

  it('two VPCs that peer twice exchange only what one pairing permits, and nothing when the peering goes', async () => {
    const [, one, two] = switches();
    const vpcs = [
      vrf(5001), segment(1001, 5001, '10.1.1.1/24'), segment(1002, 5001, '10.1.2.1/24'),
      vrf(5002), segment(2001, 5002, '10.2.1.1/24'), segment(2002, 5002, '10.2.2.1/24'),
    ];
    const pairings = [[['10.1.1.0/24'], ['10.2.1.0/24']], [['10.1.2.0/24'], ['10.2.2.0/24']]] as const;
    const leaks = [leak(5001, 5002, pairings), leak(5002, 5001, pairings.map(([near, far]) => [far, near] as const))];
    const onLeft = [...fabric.left, ...vpcs, ...held('p1', 1001, '10.1.1.11', at(0)), ...held('p2', 1002, '10.1.2.11', at(1))];
    const onRight = [...fabric.right, ...vpcs, ...held('p1', 2001, '10.2.1.11', at(2)), ...held('p2', 2002, '10.2.2.11', at(3))];
    await Promise.all([converge(one, onLeft), converge(two, onRight)]);
    await give(at(0), '10.1.1.11', '10.1.1.1');
    await give(at(1), '10.1.2.11', '10.1.2.1');
    await give(at(2), '10.2.1.11', '10.2.1.1');
    await give(at(3), '10.2.2.11', '10.2.2.1');
    assert.ok(await at(0).reaches('10.1.2.11'));
    assert.equal(await at(0).reaches('10.2.1.11', 5), false, 'not before the peering');
    await Promise.all([converge(one, [...onLeft, ...leaks]), converge(two, [...onRight, ...leaks])]);
    assert.ok(await at(0).reaches('10.2.1.11'), 'first pairing');
    assert.ok(await at(3).reaches('10.1.2.11'), 'second pairing, from the other side');
    assert.equal(await at(0).reaches('10.2.2.11', 5), false, 'from one pairing into the other');
    assert.equal(await at(2).reaches('10.1.2.11', 5), false, 'from one pairing into the other, back');
    assert.equal(await at(0).reaches('10.2.2.1', 5), false, 'a gateway of the peer outside the pairing');
    // Half a peering, as while one half is already gone, permits nothing.
    await Promise.all([converge(one, [...onLeft, ...leaks.slice(0, 1)]), converge(two, [...onRight, ...leaks.slice(0, 1)])]);
    assert.equal(await at(0).reaches('10.2.1.11', 5), false, 'one half alone');
    await Promise.all([converge(one, onLeft), converge(two, onRight)]);
    assert.equal(await at(0).reaches('10.2.1.11', 5), false, 'after the peering');
  });

  it('a change of tenants leaves BGP sessions alone', async () => {
    const [, one] = switches();
    const established = async (): Promise<unknown> =>
      Object.values(JSON.parse(await one.vtysh('show bgp neighbors json')) as Record<string, { connectionsEstablished: number }>)
        .map(({ connectionsEstablished }) => connectionsEstablished);
    const before = await established();
    await converge(one, [...fabric.left, vrf(5009), segment(1009, 5009, '10.9.1.1/24')]);
    await converge(one, fabric.left);
    assert.deepEqual(await established(), before);
  });

  it('a server gets its reserved address, gateway, name servers and MTU by DHCP, also after the reservation changed', async () => {
    const [, one] = switches();
    const vpc = [vrf(5001), segment(1001, 5001, '10.1.1.1/24', true)];
    const script = ['sh', '-c', 'printf "#!/bin/sh\\n[ \\"\\$1\\" = bound ] && echo \\$ip \\$mask \\$router \\$dns \\$mtu\\n" > "$0" && chmod +x "$0"', `${one.runDirectory}/lease`] as const;
    await one.exec(script);
    const lease = async (): Promise<string> =>
      (await at(0).exec(['udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '20', '-T', '1', '-O', 'mtu', '-s', `${one.runDirectory}/lease`])).stdout.trim();
    await converge(one, [...fabric.left, ...vpc, ...held('p1', 1001, '10.1.1.50', at(0))]);
    await at(0).exec(['ip', 'address', 'flush', 'dev', 'eth0']);
    assert.match(await lease(), /10\.1\.1\.50 (24|255\.255\.255\.0) 10\.1\.1\.1 192\.0\.2\.53 8950/);
    await converge(one, [...fabric.left, ...vpc, ...held('p1', 1001, '10.1.1.51', at(0))]);
    assert.match(await lease(), /^10\.1\.1\.51 /m);
  });

  it('a server that asks for its address, again and again, leaves its permanent neighbour as it was written', async () => {
    const [, one] = switches();
    const rows = [...fabric.left, vrf(5001), segment(1001, 5001, '10.1.1.1/24', true), ...held('p1', 1001, '10.1.1.50', at(0))];
    const planned = async (): Promise<readonly string[]> => (await one.plan(rows)).steps.map(({ key }) => key);
    for (let attempt = 0; attempt < 20 && (await planned()).length > 0; attempt += 1) await converge(one, rows);
    await at(0).exec(['ip', 'address', 'flush', 'dev', 'eth0']);
    for (let time = 0; time < 3; time += 1) {
      const { status, stderr } = await at(0).exec(['udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', '20', '-T', '1', '-s', '/bin/true']);
      assert.equal(status, 0, stderr);
      const { stdout } = await one.exec(['ip', '-n', 'vrf5001', 'neighbour', 'show', '10.1.1.50', 'dev', 'br1001']);
      assert.match(stdout, /PERMANENT/);
      assert.deepEqual(await planned(), []);
    }
  });
});
