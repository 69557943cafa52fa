import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterRef } from '../intent.ts';
import * as make from '../fixture.ts';

const fabric = clusterRef('Fabric', 'default');
const space = clusterRef('AddressSpace', 'default');
const shop = make.vpc('shop', { front: '10.1.0.0/24' });

test('a fabric counts its switches, and the servers that are cabled to its leaves once each', () => {
  const second = make.connection('a1--leaf-2', [['a1/eth2', 'leaf-2/E1/5']]);
  const { compiler } = make.compiled(make.server('loose', 9), second, make.switchOf('leaf-9', 'leaf', { fabric: 'east' }));
  assert.deepEqual(compiler.factsOf(fabric), { switches: 3, servers: 4 });
});

test('an address space counts its VPCs, whichever namespace they are in', () => {
  const { compiler } = make.compiled(shop, make.vpc('shop', { front: '10.2.0.0/24' }, {}, { namespace: 'b' }), make.vpc('x', { y: '10.1.0.0/24' }, { addressSpace: 'other' }));
  assert.deepEqual(compiler.factsOf(space), { vpcs: 2 });
  assert.deepEqual(compiler.factsOf(clusterRef('AddressSpace', 'other')), { vpcs: 1 });
});

test('counts follow what comes and goes, and only those that changed are told', () => {
  const { compiler } = make.compiled();
  const told = (change: Parameters<typeof compiler.apply>[0][number]): unknown => Object.fromEntries(compiler.apply([change]).facts);
  assert.deepEqual(told(make.put(shop)), { 'AddressSpace/default': { vpcs: 1 } });
  const moved = make.vpc('shop', { front: '10.1.0.0/24' }, { addressSpace: 'other' });
  assert.deepEqual(told(make.put(moved)), { 'AddressSpace/default': { vpcs: 0 }, 'AddressSpace/other': { vpcs: 1 } });
  assert.deepEqual(told(make.remove(moved)), { 'AddressSpace/other': { vpcs: 0 } });
  const link = make.smallFabric().find(({ metadata }) => metadata.name === 'a1--leaf-1');
  assert.ok(link);
  assert.deepEqual(told(make.remove(link)), { 'Connection/a1--leaf-1': {}, 'Fabric/default': { switches: 3, servers: 3 } });
});

test('one more VPC costs the count of its space one run, however many are there', () => {
  const { compiler } = make.compiled(...Array.from({ length: 50 }, (_, n) => make.vpc(`v${n}`, { a: `10.9.${n}.0/24` })));
  const before = compiler.counters().translators;
  compiler.apply([make.put(shop)]);
  assert.equal(compiler.counters().translators - before, 2);
});
