/** Real packets between two VPCs and an outside network: the right leaf meets it, both VPCs are on the left one. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../goal/rows.ts';
import { attachment, host, leak, segment, vrf } from './fixture/goals.ts';
import { createLeaves } from './fixture/leaves.ts';
import type { Leaves } from './fixture/leaves.ts';
import { createRouter, externalPort, externalVrf, staticRoute, vrfPeer, vrfPort } from './fixture/outside.ts';
import type { PeerOptions, PlaceOptions } from './fixture/outside.ts';
import { connect } from './fixture/topology.ts';
import type { Switch } from './fixture/topology.ts';

const inside = ['10.0.0.0/8', '10.255.0.0/16'];
const [shop, team, out] = [5001, 5002, 5003];

const peered = (vpc: number, prefixes: readonly string[], outside: readonly string[]): readonly Row[] => [
  leak(vpc, out, [[prefixes, outside]]),
  leak(out, vpc, [[outside, prefixes]]),
];

describe('an outside network behind a Linux leaf', () => {
  let leaves: Leaves;
  let router: Switch;
  const vpcs = [vrf(shop), vrf(team), externalVrf(out, inside)];
  const onLeft = (...rows: readonly Row[]): readonly Row[] => [
    ...vpcs,
    segment(1001, shop, '10.1.1.1/24'), attachment('p1', 1001), host('p1', 1001, '10.1.1.11', leaves.host(0).mac),
    segment(2001, team, '10.2.1.1/24'), attachment('p2', 2001), host('p2', 2001, '10.2.1.11', leaves.host(1).mac),
    ...rows,
  ];
  const onRight = (place: PlaceOptions, peer: PeerOptions, ...rows: readonly Row[]): readonly Row[] =>
    [...vpcs, externalPort('e1'), vrfPort('e1', out, '192.0.2.1/31', place), vrfPeer('e1', out, '192.0.2.0', 65010, peer), ...rows];
  const both = [...peered(shop, ['10.1.1.0/24'], ['0.0.0.0/0']), ...peered(team, ['10.2.1.0/24'], ['0.0.0.0/0'])];
  const configure = async (...lines: readonly string[]): Promise<void> => void (await router.vtysh('configure terminal', 'router bgp 65010', ...lines));
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      if (await holds()) return;
      await sleep(100);
    }
    assert.fail(`not within 10 s: ${what}`);
  };
  const settled = async (rows: readonly Row[]): Promise<void> => {
    let left: readonly { readonly key: string }[] = [];
    for (let attempt = 0; attempt < 20; attempt += 1) {
      left = (await leaves.right.plan([...leaves.fabric.right, ...rows])).steps;
      if (left.length === 0) return;
      await sleep(100);
    }
    assert.deepEqual(left, [], 'the border has nothing left to do');
  };

  before(async () => {
    leaves = await createLeaves('ext');
    router = await createRouter('ext-out', 65010);
    await connect(leaves.right.name, 'e1', router.name, 'e1');
    for (const words of ['address add 192.0.2.0/31 dev e1', 'link set dev e1 up', 'address add 203.0.113.1/24 dev lo', 'address add 10.1.1.99/32 dev lo']) {
      await router.exec(['ip', ...words.split(' ')] as [string, ...string[]]);
    }
    await configure('neighbor 192.0.2.1 remote-as external', 'neighbor 192.0.2.1 timers connect 1', 'address-family ipv4 unicast', 'network 203.0.113.0/24', 'network 10.1.1.99/32');
    await leaves.give(0, ['10.1.1.11/24'], ['10.1.1.1']);
    await leaves.give(1, ['10.2.1.11/24'], ['10.2.1.1']);
  });
  after(async () => void (await Promise.all([leaves?.destroy(), router?.destroy()])));

  it('is reached by VPCs that peer with it, over the leaf that meets it, and by no other', async () => {
    await leaves.converge(onLeft(...both), onRight({}, { outboundCommunity: '50000:50001' }, ...both));
    assert.ok(await leaves.host(0).reaches('203.0.113.1', 100));
    assert.ok(await leaves.host(1).reaches('203.0.113.1'));
    await settled(onRight({}, { outboundCommunity: '50000:50001' }, ...both));
    await leaves.converge(onLeft(...both.slice(0, 2)), onRight({}, {}, ...both.slice(0, 2)));
    assert.equal(await leaves.host(1).reaches('203.0.113.1', 5), false);
    assert.ok(await leaves.host(0).reaches('203.0.113.1'));
  });

  it('leads no VPC into another, with a default route neither, nor to addresses of switches', async () => {
    await leaves.converge(onLeft(...both), onRight({}, {}, ...both));
    assert.ok(await leaves.host(1).reaches('203.0.113.1', 100));
    for (const address of ['10.2.1.11', '10.2.1.1', '192.0.2.1', '10.255.0.12']) {
      assert.equal(await leaves.host(0).reaches(address, 5), false, address);
    }
    assert.equal(await leaves.host(1).reaches('10.1.1.11', 5), false);
    assert.ok(await leaves.host(0).reaches('192.0.2.0'), 'the router itself is outside');
  });

  it('tells servers when a packet is too large for it, whatever address says so', async () => {
    const narrow = [...peered(shop, ['10.1.1.0/24'], ['203.0.113.0/24'])];
    await leaves.converge(onLeft(...narrow), onRight({}, {}, ...narrow));
    await leaves.right.exec(['ip', '-n', 'vrf5003', 'link', 'set', 'dev', 'e1', 'mtu', '1280']);
    assert.ok(await leaves.host(0).reaches('203.0.113.1', 100));
    const { stdout } = await leaves.host(0).exec(['ping', '-c', '2', '-W', '1', '-M', 'do', '-s', '1400', '203.0.113.1']);
    assert.match(stdout, /mtu = 1280/i);
    await leaves.right.exec(['ip', '-n', 'vrf5003', 'link', 'set', 'dev', 'e1', 'mtu', '1500']);
  });

  it('hears of the prefixes of its VPCs and of nothing else, with the community', async () => {
    await leaves.converge(onLeft(...both), onRight({}, { outboundCommunity: '50000:50001' }, ...both));
    await eventually('both VPCs are announced', async () => {
      const text = await router.vtysh('show bgp ipv4 unicast neighbors 192.0.2.1 routes json');
      return JSON.stringify(Object.keys(JSON.parse(text || '{}').routes ?? {}).toSorted()) === '["10.1.1.0/24","10.2.1.0/24"]';
    });
    const heard = (): Promise<string> => router.vtysh('show bgp ipv4 unicast 10.1.1.0/24');
    await eventually('with the community', async () => (await heard()).includes('Community: 50000:50001'));
    const rows = onRight({}, { outboundCommunity: '50000:50001' }, ...both);
    const drained = leaves.fabric.right.map((row): Row => (row.table === 'bgp' ? { ...row, value: { ...row.value, drained: true } } : row));
    const { failed } = await leaves.right.converge([...drained, ...rows]);
    assert.deepEqual(failed, []);
    await eventually('it hears that the leaf goes away', async () => /Community: 50000:50001 graceful-shutdown/.test(await heard()));
    await leaves.converge(onLeft(...both), rows);
    await eventually('and that it stays', async () => !(await heard()).includes('graceful-shutdown'));
  });

  it('is not believed about what is inside, and what it takes back is gone until it comes again', async () => {
    await leaves.converge(onLeft(...both), onRight({}, {}, ...both));
    const known = async (): Promise<string> => leaves.left.vtysh('show bgp vrf vrf5003 ipv4 unicast json');
    await eventually('the prefix is known', async () => (await known()).includes('203.0.113.0/24'));
    assert.ok(!(await known()).includes('10.1.1.99'));
    await configure('address-family ipv4 unicast', 'no network 203.0.113.0/24');
    await eventually('the prefix is gone', async () => !(await leaves.host(0).reaches('203.0.113.1', 1)));
    await configure('address-family ipv4 unicast', 'network 203.0.113.0/24');
    assert.ok(await leaves.host(0).reaches('203.0.113.1', 100));
  });

  it('is believed only with the community, and only about what is accepted', async () => {
    const strict = { inboundCommunity: '65010:7' };
    await leaves.converge(onLeft(...both), onRight({}, strict, ...both));
    await eventually('it is not believed', async () => !(await leaves.host(0).reaches('203.0.113.1', 1)));
    await router.vtysh('configure terminal', 'route-map TAG permit 10', 'set community 65010:7');
    await configure('address-family ipv4 unicast', 'neighbor 192.0.2.1 route-map TAG out');
    await eventually('it is believed', () => leaves.host(0).reaches('203.0.113.1', 1));
    await leaves.converge(onLeft(...both), onRight({}, { ...strict, accept: ['198.51.100.0/24'] }, ...both));
    await eventually('it is not believed', async () => !(await leaves.host(0).reaches('203.0.113.1', 1)));
    await leaves.converge(onLeft(...both), onRight({}, { ...strict, accept: ['203.0.0.0/16'] }, ...both));
    await eventually('it is believed', () => leaves.host(0).reaches('203.0.113.1', 1));
    await settled(onRight({}, { ...strict, accept: ['203.0.0.0/16'] }, ...both));
  });

  it('sends in what the list permits, in its order', async () => {
    const inbound = [
      { action: 'deny', protocol: 'icmp', source: '203.0.113.0/24', destination: '10.2.0.0/16' },
      { action: 'permit', protocol: 'icmp' },
      { action: 'permit', protocol: 'tcp', established: true },
      { action: 'permit', protocol: 'udp', source: '203.0.113.0/24', ports: { from: 53, to: 60 } },
      { action: 'deny', protocol: 'icmp', source: '203.0.113.0/24', icmpType: 3, icmpCode: 1 },
      { action: 'permit', protocol: 'icmp', destination: 'fd00::/8', icmpType: 128 },
    ] as never;
    await leaves.converge(onLeft(...both), onRight({ inbound }, {}, ...both));
    assert.ok(await leaves.host(0).reaches('203.0.113.1', 100));
    assert.equal(await leaves.host(1).reaches('203.0.113.1', 5), false);
    await settled(onRight({ inbound }, {}, ...both));
  });

  it('is written down where it speaks no BGP, answers for addresses inside, and several routers share the way there', async () => {
    await configure('no neighbor 192.0.2.1');
    await router.exec(['ip', 'route', 'replace', '10.0.0.0/8', 'via', '192.0.2.1']);
    const rows = [staticRoute(out, '203.0.113.0/24', ['192.0.2.0']), staticRoute(out, '0.0.0.0/0', ['192.0.2.0'])];
    const border = [...vpcs, externalPort('e1'), vrfPort('e1', out, '192.0.2.1/31', { proxyFor: ['10.1.1.0/28'] }), ...rows, ...both];
    await leaves.converge(onLeft(...rows, ...both), border);
    assert.ok(await leaves.host(0).reaches('203.0.113.1', 100));
    assert.ok(await leaves.host(1).reaches('203.0.113.1'));
    assert.equal(await leaves.host(0).reaches('10.2.1.11', 5), false);
    await settled(border);
    await router.exec(['ip', 'route', 'replace', '10.1.1.0/24', 'dev', 'e1']);
    assert.ok(await leaves.host(0).reaches('203.0.113.1', 30), 'the router outside takes the server for a neighbour of its own');
  });

  it('leaves nothing behind when it goes', async () => {
    await leaves.converge(onLeft(...both), onRight({}, { inboundCommunity: '65010:7', outboundCommunity: '50000:1', accept: ['203.0.0.0/16'] }, ...both));
    await leaves.converge([], []);
    await settled([]);
    assert.doesNotMatch(await leaves.right.vtysh('show running-config'), /vrf500|prefix-list|community-list/);
  });
});
