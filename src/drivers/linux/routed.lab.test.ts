import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Row, RouteRow } from '../../goal/rows.ts';
import { attachment, host, peering, routedSegment, vrf } from './fixture/goals.ts';
import { createLeaves } from './fixture/leaves.ts';
import type { Leaves } from './fixture/leaves.ts';

const route = (vni: number, prefix: string, ...nextHops: readonly string[]): Row =>
  ({ table: 'route', key: `vrf${vni}/${prefix}`, value: { vrf: `vrf${vni}`, prefix, nextHops } as RouteRow });

describe('routes of a VPC through two Linux leaves', () => {
  let leaves: Leaves;
  before(async () => void (leaves = await createLeaves('rtd')));
  after(async () => leaves.destroy());

  const segments = (mode?: 'l3'): readonly Row[] => [
    vrf(5001),
    routedSegment(1001, 5001, ['10.1.1.1/24', 'fd00:1:1::1/64'], mode === undefined ? {} : { mode }),
    routedSegment(1002, 5001, ['10.1.2.1/24', 'fd00:1:2::1/64'], mode === undefined ? {} : { mode }),
  ];
  const held = (port: string, vni: number, index: number, ...addresses: readonly string[]): readonly Row[] =>
    [attachment(port, vni), ...addresses.map((address) => host(port, vni, address, leaves.host(index).mac))];
  const onLeft = (): readonly Row[] => [...held('p1', 1001, 0, '10.1.1.11', 'fd00:1:1::11'), ...held('p2', 1001, 1, '10.1.1.12', 'fd00:1:1::12')];
  const onRight = (): readonly Row[] => [...held('p1', 1001, 2, '10.1.1.13', 'fd00:1:1::13'), ...held('p2', 1002, 3, '10.1.2.14', 'fd00:1:2::14')];

  const giveSingle = async (): Promise<void> => {
    for (const [index, last] of [11, 12, 13].entries()) {
      await leaves.give(index, [`10.1.1.${last}/32`, `fd00:1:1::${last}/128`], ['10.1.1.1', 'fd00:1:1::1']);
    }
    await leaves.give(3, ['10.1.2.14/32', 'fd00:1:2::14/128'], ['10.1.2.1', 'fd00:1:2::1']);
  };
  const giveWhole = async (): Promise<void> => {
    for (const [index, last] of [11, 12, 13].entries()) {
      await leaves.give(index, [`10.1.1.${last}/24`, `fd00:1:1::${last}/64`], ['10.1.1.1', 'fd00:1:1::1']);
    }
    await leaves.give(3, ['10.1.2.14/24', 'fd00:1:2::14/64'], ['10.1.2.1', 'fd00:1:2::1']);
  };
  const all = ['10.1.1.12', '10.1.1.13', '10.1.2.14', 'fd00:1:1::12', 'fd00:1:1::13', 'fd00:1:2::14'];
  const reachAll = async (attempts: number, addresses = all): Promise<void> => {
    for (const address of addresses) assert.ok(await leaves.host(0).reaches(address, attempts), address);
  };
  const settled = async (rows: readonly Row[]): Promise<void> => {
    const left = async (): Promise<readonly string[]> => (await leaves.plan('left', rows)).steps.map(({ command }) => command);
    assert.deepEqual(await left(), [], 'nothing is left to do');
  };

  it('where nothing is stretched every server is a route of its own, also one that never spoke', async () => {
    await leaves.converge([...segments('l3'), ...onLeft()], [...segments('l3'), ...onRight()]);
    await giveSingle();
    await reachAll(100);
    await settled([...segments('l3'), ...onLeft()]);
    assert.doesNotMatch((await leaves.left.exec(['ip', '-n', 'vrf5001', '-o', 'link', 'show', 'type', 'vxlan'])).stdout, /vx100[12]/);
  });

  it('servers that take the subnet for one link reach those behind other leaves too', async () => {
    await giveWhole();
    await reachAll(50, all.filter((address) => address.includes('.')));
    assert.equal(await leaves.host(0).reaches('10.1.1.99', 3), false, 'nobody');
  });

  it('the mode of a live VPC changes, and back', async () => {
    await leaves.converge([...segments(), ...onLeft()], [...segments(), ...onRight()]);
    await reachAll(100);
    await settled([...segments(), ...onLeft()]);
    assert.match((await leaves.left.exec(['ip', 'netns', 'exec', 'vrf5001', 'sysctl', 'net.ipv4.conf.br1001.proxy_arp'])).stdout, /= 0/);
    await leaves.converge([...segments('l3'), ...onLeft()], [...segments('l3'), ...onRight()]);
    await giveSingle();
    await reachAll(100);
    await settled([...segments('l3'), ...onLeft()]);
  });

  it('a static route leads all leaves of the VPC by a server, over several next hops, and never a peer', async () => {
    const bank = [vrf(5002), routedSegment(2001, 5002, ['10.2.1.1/24'])];
    const routes = [route(5001, '10.99.0.0/24', '10.1.1.12', '10.1.1.13'), route(5001, 'fd00:99::/64', 'fd00:1:1::12'), route(5001, '10.1.2.77/32', '10.1.1.12')];
    const leaks = peering(5001, ['10.1.1.0/24'], 5002, ['10.2.1.0/24']);
    const left = [...segments(), ...bank, ...onLeft(), ...routes, ...leaks];
    const right = [
      vrf(5001), ...segments().filter(({ key }) => key === '1002'), ...bank, ...routes, ...leaks,
      ...held('p1', 2001, 2, '10.2.1.13'), ...held('p2', 1002, 3, '10.1.2.14', 'fd00:1:2::14'),
    ];
    await leaves.converge(left, right);
    await giveWhole();
    await leaves.give(2, ['10.2.1.13/24'], ['10.2.1.1']);
    await leaves.host(1).exec(['ip', 'address', 'add', '10.99.0.1/32', 'dev', 'lo']);
    await leaves.host(1).exec(['ip', 'address', 'add', '10.1.2.77/32', 'dev', 'lo']);
    await leaves.host(1).exec(['ip', 'address', 'add', 'fd00:99::1/128', 'dev', 'lo', 'nodad']);
    // One of the next hops is not there: only the other may be asked for now.
    const single = left.map((row) => (row.key === 'vrf5001/10.99.0.0/24' ? route(5001, '10.99.0.0/24', '10.1.1.12') : row));
    await leaves.converge(single, right);
    assert.ok(await leaves.host(3).reaches('10.99.0.1', 100), 'from a leaf without the next hop');
    assert.ok(await leaves.host(0).reaches('10.99.0.1', 50), 'from the same leaf');
    assert.ok(await leaves.host(3).reaches('fd00:99::1', 50), 'IPv6');
    assert.ok(await leaves.host(0).reaches('10.1.2.77', 50), 'a single address of a subnet');
    assert.ok(await leaves.host(2).reaches('10.1.1.12', 50), 'the peer reaches the server itself');
    assert.equal(await leaves.host(2).reaches('10.99.0.1', 5), false, 'a peer learns no static route');
    await settled(single);
    await leaves.converge(left, right);
    assert.match((await leaves.left.exec(['ip', '-n', 'vrf5001', 'route', 'show', '10.99.0.0/24'])).stdout, /nexthop via 10\.1\.1\.12[^]*nexthop via 10\.1\.1\.13/);
    await settled(left);
    const without = left.filter(({ table }) => table !== 'route');
    await leaves.converge(without, right.filter(({ table }) => table !== 'route'));
    assert.equal(await leaves.host(3).reaches('10.99.0.1', 5), false, 'after it went');
    await settled(without);
  });
});
