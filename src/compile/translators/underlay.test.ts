import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainFinalizer } from '../../api/drain.ts';
import { refOf } from '../../api/object.ts';
import * as make from '../fixture.ts';

test('a leaf is a BGP speaker with a VTEP, and its ids are shown in its status', () => {
  const { compiler } = make.compiled();
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'system', 'bgp', 'vtep'), {
    'bgp/underlay': {
      asn: 4_200_000_001,
      routerId: '172.30.8.2',
      networks: ['172.30.8.2/32', '172.30.12.1/32'],
      advertiseVnis: true,
    },
    'system/self': { hostname: 'leaf-1', role: 'leaf', routerId: '172.30.8.2' },
    'vtep/self': { address: '172.30.12.1', anycastMac: '02:00:5e:00:01:01' },
  });
  assert.deepEqual(compiler.factsOf({ kind: 'Switch', namespace: '', name: 'leaf-1' }), {
    asn: 4_200_000_001,
    routerID: '172.30.8.2',
    vtep: '172.30.12.1',
  });
});

test('a spine shares the ASN of the spines and has no VTEP', () => {
  const { compiler } = make.compiled();
  assert.deepEqual(make.rowsIn(compiler, 'device/spine-1', 'system', 'bgp', 'vtep'), {
    'bgp/underlay': { asn: 65_100, routerId: '172.30.8.1', networks: ['172.30.8.1/32'], advertiseVnis: false },
    'system/self': { hostname: 'spine-1', role: 'spine', routerId: '172.30.8.1' },
  });
});

test('what a switch pins is used, also when it is outside the pools', () => {
  const { compiler } = make.compiled(make.switchOf('leaf-1', 'leaf', { asn: 65_001, routerID: '192.0.2.1', vtep: '192.0.2.2' }));
  const facts = compiler.factsOf({ kind: 'Switch', namespace: '', name: 'leaf-1' });
  assert.deepEqual(facts, { asn: 65_001, routerID: '192.0.2.1', vtep: '192.0.2.2' });
});

test('a fabric link is two ports and two unnumbered sessions with BFD', () => {
  const { compiler } = make.compiled();
  const bfd = { intervalMilliseconds: 300, multiplier: 3 };
  assert.deepEqual(make.rowsIn(compiler, 'device/spine-1', 'port', 'bgpPeer'), {
    'bgpPeer/E1/1': { port: 'E1/1', bfd },
    'bgpPeer/E1/2': { port: 'E1/2', bfd },
    'port/E1/1': { interface: 'swp1', role: 'fabric', mtu: 9100, peer: 'leaf-1/E1/49' },
    'port/E1/2': { interface: 'swp2', role: 'fabric', mtu: 9100, peer: 'leaf-2/E1/49' },
  });
});

test('a numbered link takes a /31: the spine has the lower address whichever end is written first', () => {
  const { compiler } = make.compiled(
    make.fabric({ underlay: { links: 'numbered', bfd: { enabled: false } } }),
    make.connection('spine-1--leaf-1', [
      ['leaf-1/E1/49', 'spine-1/E1/1'],
      ['spine-1/E1/3', 'leaf-1/E1/50'],
    ]),
  );
  const port = { role: 'fabric', mtu: 9100 };
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'bgpPeer'), {
    'bgpPeer/E1/49': { port: 'E1/49', address: '172.30.128.0' },
    'bgpPeer/E1/50': { port: 'E1/50', address: '172.30.128.2' },
  });
  assert.deepEqual(make.rowsIn(compiler, 'device/spine-1', 'port'), {
    'port/E1/1': { ...port, interface: 'swp1', peer: 'leaf-1/E1/49', address: '172.30.128.0/31' },
    'port/E1/2': { ...port, interface: 'swp2', peer: 'leaf-2/E1/49', address: '172.30.128.4/31' },
    'port/E1/3': { ...port, interface: 'swp3', peer: 'leaf-1/E1/50', address: '172.30.128.2/31' },
  });
});

test('a link keeps its /31 when a cable beside it is added or taken away', () => {
  const numbered = make.fabric({ underlay: { links: 'numbered' } });
  const { compiler, claims } = make.compiled(numbered);
  const before = make.rowsIn(compiler, 'device/leaf-1', 'bgpPeer')['bgpPeer/E1/49'];
  const wider = make.connection('spine-1--leaf-1', [
    ['spine-1/E1/9', 'leaf-1/E1/50'],
    ['spine-1/E1/1', 'leaf-1/E1/49'],
  ]);
  assert.deepEqual(compiler.apply([make.put(wider)]).scopes, []);
  make.settleAll(compiler, [numbered, wider], claims);
  const after = make.rowsIn(compiler, 'device/leaf-1', 'bgpPeer');
  assert.equal(Object.keys(after).length, 2);
  assert.deepEqual(after['bgpPeer/E1/49'], before);
});

test('a server port carries what segments carry, and names what is at its other end', () => {
  const { compiler } = make.compiled(make.fabric({ underlay: { mtu: 1600 } }));
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'port')['port/E1/1'], {
    interface: 'swp1',
    role: 'server',
    mtu: 1550,
    peer: 'a1/eth1',
  });
});

test('several cables from a server to one leaf are members of a bundle', () => {
  const bundle = make.connection(
    'a1--leaf-1',
    [
      ['a1/eth2', 'leaf-1/E1/7'],
      ['a1/eth1', 'leaf-1/E1/1'],
    ],
    { mtu: 1500 },
  );
  const { compiler } = make.compiled(bundle);
  const port = { role: 'server', mtu: 1500, bundle: 'bond-e1-7' };
  const rows = make.rowsIn(compiler, 'device/leaf-1', 'port');
  assert.deepEqual(rows['port/E1/1'], { ...port, interface: 'swp1', peer: 'a1/eth1' });
  assert.deepEqual(rows['port/E1/7'], { ...port, interface: 'swp7', peer: 'a1/eth2' });
  assert.deepEqual(compiler.factsOf(refOf(bundle)), { type: 'bundle' });
});

test('the type of a connection is shown before its switches have their ids', () => {
  const { compiler } = make.compiled();
  const waiting = [make.switchOf('leaf-9', 'leaf'), make.connection('x', [['b1/eth2', 'leaf-9/E1/1']])];
  compiler.apply(waiting.map(make.put));
  assert.deepEqual(compiler.factsOf({ kind: 'Connection', namespace: '', name: 'x' }), { type: 'unbundled' });
});

test('a pool that is changed renumbers nobody', () => {
  const { compiler } = make.compiled();
  const fabric = { asns: { leaves: { from: 65_001, to: 65_100 } }, underlay: { vteps: '192.0.2.0/24', routerIDs: '198.51.100.0/24' } };
  assert.deepEqual(compiler.apply([make.put(make.fabric(fabric))]).scopes, []);
});

test('a server on two leaves of a group is one Ethernet segment: the same port name and identifier on both', () => {
  const [left, right] = ['leaf-1', 'leaf-2'].map((name) => make.switchOf(name, 'leaf', { group: 'rack-1' }));
  const multihomed = make.connection('m', [['b1/eth2', 'leaf-1/E1/7'], ['leaf-2/E1/8', 'b1/eth1']], { fallback: true });
  const unplugged = make.connection('b1--leaf-1', [['b2/eth2', 'leaf-1/E1/2']]);
  assert.ok(left && right);
  const { compiler } = make.compiled(left, right, unplugged, multihomed);
  const port = { role: 'server', mtu: 9000, bundle: 'es-1', esi: '00:48:44:4c:00:00:00:00:00:01', fallback: true };
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'port')['port/E1/7'], { interface: 'swp7', peer: 'b1/eth2', ...port });
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-2', 'port')['port/E1/8'], { interface: 'swp8', peer: 'b1/eth1', ...port });
  assert.deepEqual(compiler.factsOf(refOf(multihomed)), { type: 'multihomed' });
});

test('leaves cabled to each other have sessions with each other', () => {
  const numbered = make.fabric({ underlay: { links: 'numbered', bfd: { enabled: false } } });
  const mesh = make.connection('leaf-2--leaf-1', [['leaf-2/E1/50', 'leaf-1/E1/51'], ['leaf-1/E1/52', 'leaf-2/E1/53']]);
  const { compiler } = make.compiled(numbered, mesh);
  const upper = make.rowsIn(compiler, 'device/leaf-1', 'port', 'bgpPeer');
  const lower = make.rowsIn(compiler, 'device/leaf-2', 'port', 'bgpPeer');
  assert.deepEqual(upper['port/E1/51'], { interface: 'swp51', role: 'fabric', mtu: 9100, peer: 'leaf-2/E1/50', address: '172.30.128.4/31' });
  assert.deepEqual(upper['bgpPeer/E1/51'], { port: 'E1/51', address: '172.30.128.5' });
  assert.deepEqual(lower['bgpPeer/E1/50'], { port: 'E1/50', address: '172.30.128.4' });
  assert.deepEqual(lower['bgpPeer/E1/53'], { port: 'E1/53', address: '172.30.128.6' });
  assert.deepEqual(compiler.factsOf(refOf(mesh)), { type: 'mesh' });
});

test('a switch that is drained says so to its neighbours', () => {
  const { compiler } = make.compiled(make.switchOf('spine-1', 'spine', { drain: true }));
  const row = make.rowsIn(compiler, 'device/spine-1', 'bgp')['bgp/underlay'];
  assert.deepEqual(row, { asn: 65_100, routerId: '172.30.8.1', networks: ['172.30.8.1/32'], advertiseVnis: false, drained: true });
});

test('a link that is being deleted is drained as long as it is held for that, and then gone', () => {
  const { compiler } = make.compiled();
  const link = make.connection('spine-1--leaf-1', [['spine-1/E1/1', 'leaf-1/E1/49']]);
  const deleted = { ...link, metadata: { ...link.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const draining = { ...deleted, metadata: { ...deleted.metadata, finalizers: [drainFinalizer] } };
  compiler.apply([make.put(draining)]);
  assert.deepEqual(compiler.factsOf(refOf(link)), { type: 'fabric', draining: true });
  const bfd = { intervalMilliseconds: 300, multiplier: 3 };
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'bgpPeer'), { 'bgpPeer/E1/49': { port: 'E1/49', bfd, drained: true } });
  assert.deepEqual(make.rowsIn(compiler, 'device/spine-1', 'bgpPeer')['bgpPeer/E1/2'], { port: 'E1/2', bfd });
  compiler.apply([make.put(deleted)]);
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'bgpPeer'), {});
});

test('a gateway is a device of the underlay like a leaf, cabled to a spine or a leaf', () => {
  const gateway = make.object('Gateway', 'gw-1', { group: 'edge', priority: 7 });
  const links = [
    make.connection('gw-1--spine-1', [['spine-1/E1/9', 'gw-1/E1/1']]),
    make.connection('gw-1--leaf-1', [['gw-1/E1/2', 'leaf-1/E1/9']]),
  ];
  const { compiler } = make.compiled(gateway, ...links);
  const rows = make.rowsIn(compiler, 'device/gw-1');
  assert.deepEqual(Object.keys(rows).toSorted(), ['bgp/underlay', 'bgpPeer/E1/1', 'bgpPeer/E1/2', 'port/E1/1', 'port/E1/2', 'system/self', 'vtep/self']);
  assert.deepEqual(rows['system/self'], { hostname: 'gw-1', role: 'gateway', routerId: '172.30.8.4' });
  assert.deepEqual(compiler.factsOf(refOf(gateway)), { asn: 4_200_000_003, routerID: '172.30.8.4', vtep: '172.30.12.3' });
  for (const link of links) assert.deepEqual(compiler.factsOf(refOf(link)), { type: 'gateway' });
});
