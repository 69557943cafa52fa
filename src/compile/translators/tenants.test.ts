import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refOf, type Resource } from '../../api/object.ts';
import * as make from '../fixture.ts';

const shop = make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' });
const lab = make.vpc('lab', { jobs: '10.2.0.0/16' });
const attach = (server: string, leaf: string, vpc: string, subnet: string, more: object = {}): Resource =>
  make.attachment(server, { vpc, subnet, connection: `${server}--${leaf}`, ...more });
/** In this order the VNIs are: shop 5000, front 5001, back 5002, lab 5003, jobs 5004. */
const tenants = [shop, lab];

test('a VPC is one VRF in a scope of its own, which no device holds before something is attached', () => {
  const { compiler } = make.compiled(...tenants);
  assert.deepEqual(make.rowsIn(compiler, 'vpc/5000'), { 'vrf/vrf5000': { name: 'vrf5000', vni: 5000, description: 'default/shop' } });
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'member', 'segment'), {});
  assert.deepEqual(compiler.factsOf(refOf(shop)), {
    vni: 5000,
    subnets: { front: { vni: 5001, gateway: '10.1.1.1' }, back: { vni: 5002, gateway: '10.1.2.1' } },
  });
});

test('an attachment brings its VPC, its segment, its port and its host to its leaf, and to no other', () => {
  const a1 = attach('a1', 'leaf-1', 'shop', 'front');
  const { compiler } = make.compiled(...tenants, a1);
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'member', 'segment', 'attachment', 'host'), {
    'attachment/E1/1': { port: 'E1/1', segment: 5001 },
    'host/5001/10.1.1.2': { segment: 5001, address: '10.1.1.2', mac: '02:00:00:00:00:01', port: 'E1/1', hostname: 'a1' },
    'member/vpc/5000': { scope: 'vpc/5000' },
    'segment/5001': {
      vni: 5001,
      vrf: 'vrf5000',
      gateways: ['10.1.1.1/24'],
      mtu: 9000,
      description: 'default/shop/front',
      dhcp: { leaseSeconds: 3600, dnsServers: [], ntpServers: [], routes: [] },
    },
  });
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-2', 'member', 'segment', 'attachment', 'host'), {});
  assert.deepEqual(compiler.factsOf(refOf(a1)), { server: 'a1', ports: ['leaf-1/E1/1'], address: '10.1.1.2/24' });
  assert.deepEqual(compiler.scopesOf(refOf(shop)), ['device/leaf-1', 'vpc/5000']);
});

test('the last attachment of a segment takes the segment along, the last of a VPC the VPC', () => {
  const [a1, b1] = [attach('a1', 'leaf-1', 'shop', 'front'), attach('b1', 'leaf-1', 'shop', 'front')];
  const { compiler } = make.compiled(...tenants, a1, b1);
  const leftBy = (object: Resource) => compiler.apply([make.remove(object)]).scopes.flatMap(({ deletes }) => deletes);
  assert.deepEqual(leftBy(a1), ['attachment/E1/1', 'host/5001/10.1.1.2']);
  assert.deepEqual(leftBy(b1), ['attachment/E1/2', 'host/5001/10.1.1.3', 'member/vpc/5000', 'segment/5001']);
});

test('settings of a subnet reach its segment: gateway, DNS servers, DHCP off', () => {
  const spec = {
    subnets: {
      front: { cidr: '10.1.1.0/24', gateway: '10.1.1.254', dhcp: { leaseSeconds: 600, dnsServers: ['10.1.1.53'] } },
      back: { cidr: '10.1.2.0/24', dhcp: { enabled: false } },
    },
  };
  const { compiler } = make.compiled(
    make.object('VPC', 'shop', spec),
    attach('a1', 'leaf-1', 'shop', 'front'),
    attach('b1', 'leaf-1', 'shop', 'back'),
  );
  const base = { vrf: 'vrf5000', mtu: 9000 };
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'segment'), {
    'segment/5001': {
      ...base,
      vni: 5001,
      gateways: ['10.1.1.254/24'],
      description: 'default/shop/front',
      dhcp: { leaseSeconds: 600, dnsServers: ['10.1.1.53'], ntpServers: [], routes: [] },
    },
    'segment/5002': { ...base, vni: 5002, gateways: ['10.1.2.1/24'], description: 'default/shop/back' },
  });
  assert.equal(Object.keys(make.rowsIn(compiler, 'device/leaf-1', 'host'))[0], 'host/5001/10.1.1.1');
});

test('an attachment over a bundle names the bundle, and the host has the MAC that is declared', () => {
  const bundle = make.connection('a1--leaf-1', [
    ['a1/eth2', 'leaf-1/E1/7'],
    ['a1/eth1', 'leaf-1/E1/1'],
  ]);
  const { compiler } = make.compiled(...tenants, bundle, attach('a1', 'leaf-1', 'shop', 'front', { address: '10.1.1.77' }));
  assert.deepEqual(make.rowsIn(compiler, 'device/leaf-1', 'attachment', 'host'), {
    'attachment/bond-e1-7': { port: 'bond-e1-7', segment: 5001 },
    'host/5001/10.1.1.77': { segment: 5001, address: '10.1.1.77', mac: '02:00:00:00:00:01', port: 'bond-e1-7', hostname: 'a1' },
  });
});

test('a server without a MAC address is attached without a host row, a pinned address is held all the same', () => {
  const server = make.object('Server', 'a1', { ports: { eth1: {} } });
  const { compiler } = make.compiled(...tenants, server, attach('a1', 'leaf-1', 'shop', 'front', { address: '10.1.1.77' }));
  assert.deepEqual(Object.keys(make.rowsIn(compiler, 'device/leaf-1', 'attachment', 'host')), ['attachment/E1/1']);
  assert.equal(compiler.demandsOf({ kind: 'VPCAttachment', namespace: 'default', name: 'a1' })[0]?.pin, '10.1.1.77');
});

test('a VPC that is deleted and made again has other ids, and its attachments follow', () => {
  const a1 = attach('a1', 'leaf-1', 'shop', 'front');
  const { compiler, claims } = make.compiled(...tenants, a1);
  const again = make.vpc('shop', { front: '10.1.1.0/24' }, {}, { uid: 'again' });
  make.settleAll(compiler, [again, a1], claims);
  assert.deepEqual(Object.keys(make.rowsIn(compiler, 'device/leaf-1', 'member', 'segment')), ['member/vpc/5005', 'segment/5006']);
  assert.deepEqual(compiler.rows('vpc/5000'), []);
});

test('a quarantined claim answers no demand', () => {
  const { compiler, claims } = make.compiled(...tenants);
  const l3 = claims.find(({ metadata }) => metadata.name === 'vni-5000');
  assert.ok(l3);
  compiler.apply([make.put({ ...l3, status: { phase: 'Quarantined' } })]);
  assert.deepEqual(compiler.rows('vpc/5000'), []);
  compiler.apply([make.put({ ...l3, status: { phase: 'Bound' } })]);
  assert.equal(compiler.rows('vpc/5000').length, 1);
});

test('a subnet that is being added waits alone, the others stay as they are', () => {
  const a1 = attach('a1', 'leaf-1', 'shop', 'front');
  const { compiler } = make.compiled(...tenants, a1);
  const { scopes } = compiler.apply([make.put(make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24', more: '10.1.3.0/24' }))]);
  assert.deepEqual(scopes, []);
  assert.deepEqual(compiler.findingsOf(refOf(shop)).map(({ code, path }) => [code, path]), [['Pending', 'spec.subnets.more']]);
});

const peered = [...tenants, attach('a1', 'leaf-1', 'shop', 'front'), attach('b2', 'leaf-2', 'lab', 'jobs')];
const half = (vni: number, peerVni: number, pairings: object[]) => ({ vrf: `vrf${vni}`, vni, peerVrf: `vrf${peerVni}`, peerVni, pairings });

test('a peering leaks what it permits, in the scopes of both VPCs, and makes their leaves hold both', () => {
  const { compiler } = make.compiled(...peered, make.peering('p', [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'lab' }]]));
  assert.deepEqual(make.rowsIn(compiler, 'vpc/5000', 'leak'), {
    'leak/vrf5000/vrf5003': half(5000, 5003, [{ local: ['10.1.1.0/24'], remote: ['10.2.0.0/16'] }]),
  });
  assert.deepEqual(make.rowsIn(compiler, 'vpc/5003', 'leak'), {
    'leak/vrf5003/vrf5000': half(5003, 5000, [{ local: ['10.2.0.0/16'], remote: ['10.1.1.0/24'] }]),
  });
  for (const leaf of ['leaf-1', 'leaf-2']) {
    assert.deepEqual(Object.keys(make.rowsIn(compiler, `device/${leaf}`, 'member')), ['member/vpc/5000', 'member/vpc/5003']);
  }
  assert.deepEqual(make.rowsIn(compiler, 'device/spine-1', 'member'), {});
});

test('peerings of the same two VPCs add up, whichever side is written first, and end one by one without a trace', () => {
  const { compiler } = make.compiled(...peered);
  const before = make.dump(compiler, peered);
  const first = make.peering('first', [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'lab' }]]);
  const second = make.peering('second', [[{ vpc: 'lab' }, { vpc: 'shop', subnets: ['back'] }]]);
  const pairings = (): unknown => make.rowsIn(compiler, 'vpc/5000', 'leak')['leak/vrf5000/vrf5003'];
  const front = { local: ['10.1.1.0/24'], remote: ['10.2.0.0/16'] };
  const back = { local: ['10.1.2.0/24'], remote: ['10.2.0.0/16'] };
  compiler.apply([make.put(first), make.put(second)]);
  assert.deepEqual(pairings(), half(5000, 5003, [front, back]));
  assert.deepEqual(compiler.findingsOf(refOf(second)), []);
  compiler.apply([make.remove(first)]);
  assert.deepEqual(pairings(), half(5000, 5003, [back]));
  compiler.apply([make.remove(second)]);
  assert.equal(make.dump(compiler, peered), before);
});

test('a peering with another tenant has no rows before there is consent, nor after', () => {
  const theirs = { namespace: 'partner' };
  const others = [make.vpc('bank', { desk: '10.3.0.0/16' }, {}, theirs), make.attachment('b1', { vpc: 'bank', subnet: 'desk', connection: 'b1--leaf-1' }, theirs)];
  const peering = make.peering('p', [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'bank', namespace: 'partner' }]]);
  const consent = make.object('PeeringConsent', 'for-shop', { vpc: 'bank', subnets: [], peer: { namespace: 'default' } }, theirs);
  const { compiler } = make.compiled(...peered, ...others, peering);
  const before = make.dump(compiler, [...peered, ...others, peering]);
  const leaks = (): number => [...compiler.scopes()].flatMap((scope) => Object.keys(make.rowsIn(compiler, scope, 'leak'))).length;
  assert.deepEqual([leaks(), compiler.findingsOf(refOf(peering)).map(({ code }) => code)], [0, ['AwaitingConsent']]);
  compiler.apply([make.put(consent)]);
  assert.deepEqual([leaks(), compiler.findingsOf(refOf(peering))], [2, []]);
  compiler.apply([make.remove(consent)]);
  assert.equal(make.dump(compiler, [...peered, ...others, peering]), before);
});

test('a faulty pairing permits nothing, the other pairings stay', () => {
  const { compiler } = make.compiled(
    ...peered,
    make.peering('p', [
      [{ vpc: 'shop', subnets: ['front'] }, { vpc: 'lab' }],
      [{ vpc: 'shop', subnets: ['none'] }, { vpc: 'lab' }],
    ]),
  );
  assert.deepEqual(make.rowsIn(compiler, 'vpc/5000', 'leak'), {
    'leak/vrf5000/vrf5003': half(5000, 5003, [{ local: ['10.1.1.0/24'], remote: ['10.2.0.0/16'] }]),
  });
});

test('a leaf where a VPC comes to be attached gets its peers as well, and no peers of peers', () => {
  const third = make.vpc('third', { x: '10.9.0.0/24' });
  const permit = (left: string, right: string) => make.peering(`${left}-${right}`, [[{ vpc: left }, { vpc: right }]]);
  const { compiler, claims } = make.compiled(...peered, third, permit('shop', 'lab'), permit('lab', 'third'));
  const members = () => Object.keys(make.rowsIn(compiler, 'device/leaf-1', 'member'));
  assert.deepEqual(members(), ['member/vpc/5000', 'member/vpc/5003']);
  make.settleAll(compiler, [attach('b1', 'leaf-1', 'lab', 'jobs')], claims);
  assert.deepEqual(members(), ['member/vpc/5000', 'member/vpc/5003', 'member/vpc/5005']);
});
