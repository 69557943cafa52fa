import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClaimSpec } from '../../api/kinds/claim.ts';
import { refOf, type Resource } from '../../api/object.ts';
import type { Compiler } from '../engine.ts';
import * as make from '../fixture.ts';

const shop = make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' });
const server = make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' });
const slice = (name: string, mappings: readonly (string | object)[], spec: object = {}, born = 5): Resource =>
  make.mappingSlice(name, 'shop', mappings, spec, { born });

const scopeOfShop = (compiler: Compiler): string => `vpc/${String(compiler.factsOf(refOf(shop))['vni'])}`;
const segmentOf = (compiler: Compiler, subnet: string): number =>
  (compiler.factsOf(refOf(shop))['subnets'] as Record<string, { vni: number }>)[subnet]?.vni ?? 0;
const mappingsOf = (compiler: Compiler): Record<string, unknown> => make.rowsIn(compiler, scopeOfShop(compiler), 'mapping');
const said = (compiler: Compiler, object: Resource): string[] =>
  compiler.findingsOf(refOf(object)).map(({ severity, path, code }) => `${severity} ${path} ${code}`);

test('a mapping is one row in the scope of its VPC, in the segment that its address is in', () => {
  const other = { address: '10.1.2.8', mac: '0a:00:00:00:00:08', vtep: '192.0.2.2', vni: 77 };
  const object = slice('hosts', ['10.1.1.7', other]);
  const { compiler } = make.compiled(shop, object);
  const [front, back] = [segmentOf(compiler, 'front'), segmentOf(compiler, 'back')];
  assert.deepEqual(mappingsOf(compiler), {
    'mapping/10.1.1.7': { segment: front, address: '10.1.1.7', mac: '0a:00:00:00:00:07', vtep: '192.0.2.1' },
    'mapping/10.1.2.8': { segment: back, ...other },
  });
  assert.deepEqual(compiler.factsOf(refOf(object)), { mappings: 2 });
  assert.deepEqual(compiler.explain(scopeOfShop(compiler), 'mapping/10.1.1.7').map(({ kind, name }) => `${kind} ${name}`), ['MappingSlice hosts', 'VPC shop']);
});

test('every mapping with a fault is named, and the others stay in force', () => {
  const object = slice('hosts', ['10.1.1.7', '10.9.9.9', '10.1.1.1', '10.1.2.0', '10.1.2.255', '10.1.2.9']);
  const { compiler } = make.compiled(shop, object);
  assert.deepEqual(said(compiler, object), [
    'error spec.mappings[1].address AddressOutsideVPC',
    'error spec.mappings[2].address AddressIsGateway',
    'error spec.mappings[3].address AddressNotAHost',
    'error spec.mappings[4].address AddressNotAHost',
  ]);
  assert.deepEqual(Object.keys(mappingsOf(compiler)), ['mapping/10.1.1.7', 'mapping/10.1.2.9']);
});

test('a slice of one subnet holds addresses of that subnet only', () => {
  const object = slice('hosts', ['10.1.1.7', '10.1.2.7'], { subnet: 'back' });
  const { compiler } = make.compiled(shop, object);
  assert.deepEqual(said(compiler, object), ['error spec.mappings[0].address AddressOutsideSubnet']);
  const lost = slice('hosts', ['10.1.1.7'], { subnet: 'side' });
  assert.deepEqual(said(make.compiled(shop, lost).compiler, lost), ['error spec.subnet UnknownSubnet']);
  const nowhere = make.mappingSlice('hosts', 'shed', ['10.1.1.7']);
  assert.deepEqual(said(make.compiled(nowhere).compiler, nowhere), ['error spec.vpc UnknownVPC']);
});

test('a mapping cannot point at a switch of the fabric, at a VTEP that nobody declared, or at another segment', () => {
  const host = (last: number, vtep: string, more: object = {}): object => ({ address: `10.1.1.${last}`, mac: `0a:00:00:00:00:${last}`, vtep, ...more });
  const { compiler, claims } = make.compiled(shop);
  const own = claims.map(({ spec }) => spec as ClaimSpec).find(({ pool, owner }) => pool === 'vtep' && owner.name === 'leaf-2');
  assert.ok(own);
  const object = slice('hosts', [
    host(10, own.value),
    host(11, '198.51.100.1'),
    host(12, '192.0.2.1', { vni: segmentOf(compiler, 'front') }),
    host(13, '192.0.2.1', { vni: segmentOf(compiler, 'back') }),
    host(14, '192.0.2.1', { vni: 77 }),
    { ...host(15, '198.51.100.1', { vni: 5000 }), address: '10.9.9.9' },
    { ...host(16, '192.0.2.1'), mac: '02:00:5e:00:01:01' },
  ]);
  compiler.apply([make.put(object)]);
  assert.deepEqual(said(compiler, object), [
    'error spec.mappings[0].vtep VTEPOfFabric',
    'error spec.mappings[1].vtep UnknownVTEP',
    'error spec.mappings[3].vni VNIOfFabric',
    'error spec.mappings[5].address AddressOutsideVPC',
    'error spec.mappings[5].vni VNIOfFabric',
    'error spec.mappings[5].vtep UnknownVTEP',
    'error spec.mappings[6].mac MACIsGateway',
  ]);
  assert.deepEqual(Object.keys(mappingsOf(compiler)), ['mapping/10.1.1.12', 'mapping/10.1.1.14']);
  assert.ok(!('vni' in (mappingsOf(compiler)['mapping/10.1.1.12'] as object)), 'the VNI of the segment goes without saying');
});

test('a VNI that another segment has stays refused when the range that VNIs come from is moved', () => {
  const { compiler } = make.compiled(shop);
  const object = slice('hosts', [{ address: '10.1.1.12', mac: '0a:00:00:00:00:12', vtep: '192.0.2.1', vni: segmentOf(compiler, 'back') }]);
  compiler.apply([make.put(object)]);
  assert.deepEqual(said(compiler, object), ['error spec.mappings[0].vni VNIOfFabric']);
  compiler.apply([make.put(make.fabric({ overlay: { vnis: { from: 900_000, to: 900_100 }, externalVTEPs: ['192.0.2.0/24'] } }))]);
  assert.deepEqual(said(compiler, object), ['error spec.mappings[0].vni VNIOfFabric']);
  assert.deepEqual(mappingsOf(compiler), {});
});

test('a VNI of a network that is not Heddle\'s belongs to the tenant who named it first, behind that VTEP', () => {
  const other = { ...make.vpc('other', { front: '10.3.1.0/24' }), metadata: { ...shop.metadata, name: 'other', namespace: 'rivals', uid: 'other' } };
  const hosts = ['192.0.2.1', '192.0.2.2'].map((vtep, index) => ({ address: `10.3.1.${index + 7}`, mac: `0a:00:00:00:01:0${index}`, vtep, vni: 77 }));
  const rival = { ...make.mappingSlice('hosts', 'other', hosts, {}, { born: 6 }) };
  const foreign: Resource = { ...rival, metadata: { ...rival.metadata, namespace: 'rivals', uid: 'rival' } };
  const own = slice('own', [{ address: '10.1.1.7', mac: '0a:00:00:00:00:07', vtep: '192.0.2.1', vni: 77 }]);
  const again = slice('again', [{ address: '10.1.1.8', mac: '0a:00:00:00:00:08', vtep: '192.0.2.1', vni: 77 }], {}, 9);
  const { compiler } = make.compiled(shop, other, own, again, foreign);
  assert.deepEqual(said(compiler, foreign), ['error spec.mappings[0].vni VNITaken']);
  assert.deepEqual([said(compiler, own), said(compiler, again)], [[], []]);
  for (const gone of [own, again]) compiler.apply([make.remove(gone)]);
  assert.deepEqual(said(compiler, foreign), []);
  compiler.apply([make.put(again)]);
  assert.deepEqual([said(compiler, foreign), said(compiler, again)], [[], ['error spec.mappings[0].vni VNITaken']]);
});

test('declaring VTEPs lets mappings in and out, and runs only slices that name one of them', () => {
  const near = slice('near', ['10.1.1.7']);
  const far = slice('far', [{ address: '10.1.1.8', mac: '0a:00:00:00:00:08', vtep: '198.51.100.1' }]);
  const { compiler } = make.compiled(shop, near, far);
  const declare = (...externalVTEPs: string[]): number => {
    const { translators } = compiler.counters();
    compiler.apply([make.put(make.fabric({ overlay: { externalVTEPs } }))]);
    return compiler.counters().translators - translators;
  };
  assert.deepEqual(said(compiler, far), ['error spec.mappings[0].vtep UnknownVTEP']);
  const runs = declare('192.0.2.0/24', '203.0.113.0/24');
  assert.equal(declare('192.0.2.0/24', '198.51.100.0/24'), runs + 1);
  assert.deepEqual(Object.keys(mappingsOf(compiler)), ['mapping/10.1.1.7', 'mapping/10.1.1.8']);
  assert.equal(declare(), runs + 2);
  assert.deepEqual([said(compiler, near).length, mappingsOf(compiler)], [1, {}]);
});

test('two slices that map an address differently are both told, and the older one stands', () => {
  const [elder, younger] = [slice('b', ['10.1.1.7', '10.1.1.8'], {}, 1), slice('a', [{ address: '10.1.1.7', mac: '0a:00:00:00:00:aa', vtep: '192.0.2.9' }], {}, 2)];
  const { compiler } = make.compiled(shop, elder, younger);
  assert.deepEqual([said(compiler, elder), said(compiler, younger)], [['error  Conflict'], ['error  Conflict']]);
  const { mac } = mappingsOf(compiler)['mapping/10.1.1.7'] as { mac: string };
  assert.equal(mac, '0a:00:00:00:00:07');
  compiler.apply([make.remove(elder)]);
  assert.deepEqual([said(compiler, younger), Object.keys(mappingsOf(compiler))], [[], ['mapping/10.1.1.7']]);
});

test('an address that a server holds is not mapped: the server keeps it, and both are told', () => {
  const object = slice('hosts', ['10.1.1.7', '10.1.1.2', '10.1.2.2']);
  const { compiler, claims } = make.compiled(shop, server);
  compiler.apply([make.put(object)]);
  assert.deepEqual(said(compiler, object), ['error spec.mappings[1].address AddressInUse']);
  assert.match(compiler.findingsOf(refOf(object))[0]?.message ?? '', /^"10\.1\.1\.2" is the address of VPCAttachment "a1"/);
  assert.deepEqual(said(compiler, server), ['warning spec.address AddressMapped']);
  assert.deepEqual(Object.keys(mappingsOf(compiler)), ['mapping/10.1.1.7', 'mapping/10.1.2.2']);
  assert.equal(Object.keys(make.rowsIn(compiler, 'device/leaf-1', 'host')).length, 1);
  compiler.apply([server, ...claims.filter(({ metadata }) => metadata.name.startsWith('host.'))].map(make.remove));
  assert.deepEqual(said(compiler, object), []);
  assert.equal(Object.keys(mappingsOf(compiler)).length, 3);
});

test('an address that an older slice maps cannot be pinned by a server', () => {
  const pinned = (born: number): Resource =>
    make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1', address: '10.1.1.7' }, { born });
  const object = slice('hosts', ['10.1.1.7'], {}, 5);
  const late = make.compiled(shop, object, pinned(9)).compiler;
  assert.deepEqual([said(late, pinned(9)), said(late, object)], [['error spec.address AddressMapped'], []]);
  assert.deepEqual(Object.keys(mappingsOf(late)), ['mapping/10.1.1.7']);
  const early = make.compiled(shop, object, pinned(1)).compiler;
  assert.deepEqual([said(early, pinned(1)), said(early, object)], [['warning spec.address AddressMapped'], ['error spec.mappings[0].address AddressInUse']]);
});

test('one mapping more, less or changed is one row, also in the middle of many', () => {
  const hosts: (string | object)[] = Array.from({ length: 200 }, (_, number) => `10.1.1.${number + 10}`);
  const { compiler } = make.compiled(shop, slice('hosts', hosts));
  const scope = scopeOfShop(compiler);
  const apply = (mappings: readonly (string | object)[]): unknown => {
    const { scopes, contributions } = compiler.apply([make.put(slice('hosts', mappings))]);
    assert.deepEqual([...contributions].map(([key, names]) => [key, ...names]), [['MappingSlice/default/hosts', scope], ['VPC/default/shop', scope]]);
    return scopes.map(({ scope: name, upserts, deletes }) => [name, upserts.map(({ key }) => key), deletes]);
  };
  assert.deepEqual(apply(hosts.toSpliced(100, 1)), [[scope, [], ['mapping/10.1.1.110']]]);
  assert.deepEqual(apply(hosts), [[scope, ['10.1.1.110'], []]]);
  assert.deepEqual(apply(['10.1.1.5', ...hosts]), [[scope, ['10.1.1.5'], []]]);
  assert.deepEqual(apply(hosts.with(50, { address: '10.1.1.60', mac: '0a:00:00:00:00:ff', vtep: '192.0.2.1' })), [[scope, ['10.1.1.60'], ['mapping/10.1.1.5']]]);
  assert.deepEqual(apply(hosts), [[scope, ['10.1.1.60'], []]]);
});

test('rows that say the same stay the very same, whatever their order', () => {
  const hosts = Array.from({ length: 50 }, (_, number) => `10.1.1.${number + 10}`);
  const { compiler } = make.compiled(shop, slice('hosts', hosts));
  const scope = scopeOfShop(compiler);
  const before = new Map(compiler.rows(scope).map((row) => [row.key, row]));
  compiler.apply([make.put(slice('hosts', [...hosts.toReversed(), '10.1.2.9']))]);
  for (const row of compiler.rows(scope)) if (row.key !== '10.1.2.9') assert.equal(row, before.get(row.key));
});

test('a device more that holds the VPC is a row of its own and none in the scope that all of them share', () => {
  const { compiler, claims } = make.compiled(shop, slice('hosts', ['10.1.2.7']));
  const scope = scopeOfShop(compiler);
  const before = compiler.rows(scope);
  const other = make.attachment('a2', { vpc: 'shop', subnet: 'front', connection: 'a2--leaf-2' });
  make.settleAll(compiler, [server, other], claims);
  for (const device of ['device/leaf-1', 'device/leaf-2']) {
    assert.deepEqual(make.rowsIn(compiler, device, 'member', 'mapping'), { [`member/${scope}`]: { scope } });
  }
  assert.ok(compiler.rows(scope).every((row, position) => row === before[position]));
});
