import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refOf, type Resource } from '../../api/object.ts';
import * as make from '../fixture.ts';

const attach = (server: string, leaf: string, more: object = {}): Resource =>
  make.attachment(server, { vpc: 'shop', subnet: 'front', connection: `${server}--${leaf}`, ...more });
const both = make.addressSpace('default', '10.0.0.0/8', 'fd00::/8');
const shop = (front: object = {}, spec: object = {}): Resource =>
  make.object('VPC', 'shop', { subnets: { front: { cidr: '10.1.1.0/24', ipv6: { cidr: 'fd00:1:1::/64' }, ...front } }, ...spec });
const findings = (compiler: ReturnType<typeof make.compiled>['compiler'], object: Resource): string[] =>
  compiler.findingsOf(refOf(object)).map(({ path, message, code }) => `${path}: ${message} (${code})`);

test('a dual-stack subnet has two gateways, and each of its servers two addresses', () => {
  const a1 = attach('a1', 'leaf-1');
  const { compiler } = make.compiled(both, shop(), a1);
  const rows = make.rowsIn(compiler, 'device/leaf-1', 'segment', 'host');
  const [segment] = Object.values(rows).slice(-1) as { gateways: string[]; ipv6: string }[];
  assert.deepEqual([segment?.gateways, segment?.ipv6], [['10.1.1.1/24', 'fd00:1:1::1/64'], 'dhcp']);
  assert.deepEqual(Object.keys(rows).filter((key) => key.startsWith('host')), ['host/5001/10.1.1.2', 'host/5001/fd00:1:1::2']);
  const facts = compiler.factsOf(refOf(a1));
  assert.deepEqual([facts['address'], facts['ipv6Address']], ['10.1.1.2/24', 'fd00:1:1::2/64']);
});

test('with slaac the address follows from the MAC address and is claimed from nobody', () => {
  const a1 = attach('a1', 'leaf-1');
  const { compiler, claims } = make.compiled(both, shop({ ipv6: { cidr: 'fd00:1:1::/64', addressing: 'slaac' } }), a1);
  assert.equal(compiler.factsOf(refOf(a1))['ipv6Address'], 'fd00:1:1::ff:fe00:1/64');
  assert.equal(claims.some(({ metadata: { name } }) => name.includes('fd00')), false);
});

test('an IPv6 address can be pinned where addresses are given, once', () => {
  const [a1, b1] = [attach('a1', 'leaf-1', { ipv6Address: 'fd00:1:1::77' }), attach('b1', 'leaf-1', { ipv6Address: 'fd00:1:1::77' })];
  const { compiler } = make.compiled(both, shop(), a1, b1);
  assert.equal(compiler.factsOf(refOf(a1))['ipv6Address'], 'fd00:1:1::77/64');
  assert.match(findings(compiler, b1).join(), /spec\.ipv6Address: "fd00:1:1::77" is allocated to VPCAttachment "a1".*\(AddressInUse\)/);
  const cases: readonly [Resource, string, string][] = [
    [shop(), 'fd00:1:2::77', 'AddressOutsideSubnet'],
    [shop(), 'fd00:1:1::1', 'AddressIsGateway'],
    [shop(), 'fd00:1:1::', 'AddressNotAHost'],
    [shop({ ipv6: { cidr: 'fd00:1:1::/64', addressing: 'slaac' } }), 'fd00:1:1::77', 'AddressNotPinnable'],
    [make.vpc('shop', { front: '10.1.1.0/24' }), 'fd00:1:1::77', 'NoIPv6'],
  ];
  for (const [vpc, pin, code] of cases) {
    const pinned = attach('a1', 'leaf-1', { ipv6Address: pin });
    assert.deepEqual(make.compiled(both, vpc, pinned).compiler.findingsOf(refOf(pinned)).map((finding) => finding.code), [code], pin);
  }
});

test('IPv6 prefixes of a space belong to one VPC, whatever their lengths, and lie inside it', () => {
  const other = (cidr: string): Resource =>
    make.object('VPC', 'bank', { subnets: { a: { cidr: '10.2.1.0/24', ipv6: { cidr } } } }, { born: 9 });
  for (const cidr of ['fd00:1:1::/64', 'fd00:1::/32', 'fd00:1:1:0:8000::/65', 'fd00:1:1::/50', 'fd00:1:1::/126', 'fd00:1:1:0::/60']) {
    const bank = other(cidr);
    const codes = make.compiled(both, shop(), bank).compiler.findingsOf(refOf(bank)).map(({ code }) => code);
    assert.deepEqual(codes, ['SubnetOverlap'], cidr);
  }
  for (const cidr of ['fd00:1:2::/64', 'fd00:1:1:1::/64', 'fd00:2::/32']) {
    const bank = other(cidr);
    assert.deepEqual(make.compiled(both, shop(), bank).compiler.findingsOf(refOf(bank)), [], cidr);
  }
  const outside = other('2001:db8::/64');
  const { compiler } = make.compiled(both, make.fabric({ reserved: ['fd00:77::/32'] }), outside);
  assert.deepEqual(findings(compiler, outside), [
    'spec.subnets.a.ipv6.cidr: "2001:db8::/64" is outside AddressSpace "default", which has "10.0.0.0/8", "fd00::/8"; choose a prefix inside (OutsideAddressSpace)',
  ]);
  const reserved = other('fd00:77:1::/64');
  assert.deepEqual(
    make.compiled(both, make.fabric({ reserved: ['fd00:77::/32'] }), reserved).compiler.findingsOf(refOf(reserved)).map(({ code }) => code),
    ['ReservedPrefix'],
  );
});

test('peerings carry both families', () => {
  const bank = make.object('VPC', 'bank', { subnets: { a: { cidr: '10.2.1.0/24', ipv6: { cidr: 'fd00:2:1::/64' } } } });
  const { compiler } = make.compiled(both, shop(), bank, make.peering('p', [[{ vpc: 'shop' }, { vpc: 'bank' }]]));
  const leaks = Object.values(make.rowsIn(compiler, 'vpc/5000', 'leak')) as { pairings: { local: string[]; remote: string[] }[] }[];
  assert.deepEqual(leaks.flatMap(({ pairings }) => pairings), [{ local: ['10.1.1.0/24', 'fd00:1:1::/64'], remote: ['10.2.1.0/24', 'fd00:2:1::/64'] }].slice(0, leaks.length));
});

test('in mode l3 segments are not stretched and servers have single addresses; nobody can be mapped into one', () => {
  const a1 = attach('a1', 'leaf-1');
  const slice = make.mappingSlice('far', 'shop', ['10.1.1.77']);
  const { compiler } = make.compiled(both, shop({}, { mode: 'l3' }), a1, slice);
  const [segment] = Object.values(make.rowsIn(compiler, 'device/leaf-1', 'segment')) as { mode?: string }[];
  assert.equal(segment?.mode, 'l3');
  const facts = compiler.factsOf(refOf(a1));
  assert.deepEqual([facts['address'], facts['ipv6Address']], ['10.1.1.2/32', 'fd00:1:1::2/128']);
  assert.deepEqual(findings(compiler, slice), [
    'spec.vpc: VPC "shop" is of mode l3, whose segments end at their leaf, so no host elsewhere can be in one; use mode l2 (NotStretched)',
  ]);
  const changed = compiler.apply([make.put(shop())]);
  assert.ok(changed.scopes.some(({ scope, upserts }) => scope === 'device/leaf-1' && upserts.some(({ table }) => table === 'segment')));
});

test('static routes are rows of their VPC, and nobody else\'s', () => {
  const routed = shop({}, { staticRoutes: [{ prefix: '10.99.0.0/24', nextHops: ['10.1.1.9', '10.1.1.8'] }, { prefix: '::/0', nextHops: ['fd00:1:1::9'] }] });
  const { compiler } = make.compiled(both, routed);
  assert.deepEqual(make.rowsIn(compiler, 'vpc/5000', 'route'), {
    'route/vrf5000/10.99.0.0/24': { vrf: 'vrf5000', prefix: '10.99.0.0/24', nextHops: ['10.1.1.9', '10.1.1.8'] },
    'route/vrf5000/::/0': { vrf: 'vrf5000', prefix: '::/0', nextHops: ['fd00:1:1::9'] },
  });
});

test('hosts of a subnet may announce its single addresses, or what it says; others of the space may not have that', () => {
  const a1 = attach('a1', 'leaf-1');
  const rowsWith = (hostBGP: object) => make.rowsIn(make.compiled(both, shop({ hostBGP }), a1).compiler, 'device/leaf-1', 'hostPeering');
  const common = { segment: 5001, vrf: 'vrf5000', range: ['10.1.1.0/24', 'fd00:1:1::/64'] };
  assert.deepEqual(rowsWith({}), {
    'hostPeering/5001': {
      ...common,
      accept: [{ prefix: '10.1.1.0/24', minLength: 32, maxLength: 32 }, { prefix: 'fd00:1:1::/64', minLength: 128, maxLength: 128 }],
    },
  });
  const services = { prefixes: [{ cidr: '10.77.0.0/24', minLength: 28, maxLength: 32 }] };
  assert.deepEqual(rowsWith(services), { 'hostPeering/5001': { ...common, accept: [{ prefix: '10.77.0.0/24', minLength: 28, maxLength: 32 }] } });
  const bank = make.vpc('bank', { a: '10.77.0.0/26' }, {}, { born: 9 });
  const { compiler } = make.compiled(both, shop({ hostBGP: services }), bank);
  assert.deepEqual(compiler.findingsOf(refOf(bank)).map(({ code }) => code), ['SubnetOverlap']);
});

test('a VPC that routes a peer\'s prefix elsewhere cannot be peered with it', () => {
  const routed = shop({}, { staticRoutes: [{ prefix: '10.2.1.0/25', nextHops: ['10.1.1.9'] }, { prefix: '0.0.0.0/0', nextHops: ['10.1.1.9'] }] });
  const peering = make.peering('p', [[{ vpc: 'shop' }, { vpc: 'bank' }]]);
  const { compiler } = make.compiled(both, routed, make.vpc('bank', { a: '10.2.1.0/24' }), peering);
  assert.deepEqual(findings(compiler, peering), [
    'spec.permit[0]: VPC "shop" routes "10.2.1.0/25" elsewhere (spec.staticRoutes), which is of "10.2.1.0/24" of VPC "bank"; remove the route or leave the subnet out (PeeringOverlap)',
  ]);
});

test('a next hop that no server has is warned of, until one has it', () => {
  const routed = shop({}, { staticRoutes: [{ prefix: '10.99.0.0/24', nextHops: ['10.1.1.9', '10.1.1.2'] }] });
  const warnings = (...more: Resource[]): string[] => findings(make.compiled(both, routed, attach('a1', 'leaf-1'), ...more).compiler, routed);
  assert.deepEqual(warnings(), [
    'spec.staticRoutes[0].nextHops[0]: no server of the VPC has "10.1.1.9", so packets for "10.99.0.0/24" are lost there; pin it on a VPCAttachment (spec.address) or name another (NextHopUnknown)',
  ]);
  assert.deepEqual(warnings(attach('b1', 'leaf-1', { address: '10.1.1.9' })), []);
});
