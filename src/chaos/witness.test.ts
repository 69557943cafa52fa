import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { apiVersion, type Resource } from '../api/object.ts';
import type { Fabric } from './intent.ts';
import { Witness } from './witness.ts';

const cluster = (kind: string, name: string, spec: unknown = {}): Resource => ({ apiVersion, kind, metadata: { name }, spec });
const tenant = (kind: string, name: string, spec: unknown): Resource => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'default', uid: `uid-${name}`, generation: 1 },
  spec,
});
const vpc = (name: string, cidr: string, mark = '10.255.0.1'): Resource =>
  tenant('VPC', name, { subnets: { front: { cidr, dhcp: { dnsServers: [mark] } } } });
const attach = (name: string, of: string, connection: string): Resource =>
  tenant('VPCAttachment', name, { vpc: of, subnet: 'front', connection });
const peering = (left: string, right: string): Resource =>
  tenant('VPCPeering', `${left}--${right}`, { permit: [[{ vpc: left }, { vpc: right }]] });

const cables = ['s1--leaf-1', 's2--leaf-2'].map((name) => cluster('Connection', name));
const wiring = [...['leaf-1', 'leaf-2'].map((name) => cluster('Switch', name)), ...cables];
const fabric: Fabric = {
  objects: wiring,
  devices: ['leaf-1', 'leaf-2'],
  leaves: ['leaf-1', 'leaf-2'],
  ports: new Map([
    ['s1--leaf-1', { leaf: 'leaf-1', port: 'E1/1' }],
    ['s2--leaf-2', { leaf: 'leaf-2', port: 'E1/1' }],
  ]),
};
const [red, blue] = [vpc('red', '10.1.0.0/24'), vpc('blue', '10.2.0.0/24')];

const programmed = (object: Resource): Resource => ({
  ...object,
  status: { conditions: [{ type: 'Programmed', status: 'True', reason: 'Programmed', message: '', observedGeneration: 1 }] },
});

describe('the witness', () => {
  let now: number;
  let witness: Witness;
  const holds = (device: string, row: string, value: object | undefined): void =>
    witness.onRow(device, row, value && JSON.stringify(value));
  const wants = (...objects: Resource[]): void => {
    now += 1000;
    witness.intend([...wiring, ...objects]);
    for (const object of objects) witness.accepted(object);
    now += 1000;
  };
  const segment = (device: string, of: string, vni: number, mark = '10.255.0.1'): void =>
    holds(device, `segment/${vni}`, { vni, description: `default/${of}/front`, dhcp: { dnsServers: [mark] } });

  beforeEach(() => {
    now = 0;
    witness = new Witness(fabric, () => now);
  });

  test('a device may hold rows of the VPCs that are attached to it, and of their peers', () => {
    wants(red, blue, attach('a', 'red', 's1--leaf-1'), peering('red', 'blue'));
    holds('leaf-1', 'vrf/vrf1', { vni: 1, name: 'vrf1', description: 'default/red' });
    holds('leaf-1', 'vrf/vrf2', { vni: 2, name: 'vrf2', description: 'default/blue' });
    holds('leaf-1', 'leak/vrf1/vrf2', { vrf: 'vrf1', peerVrf: 'vrf2' });
    segment('leaf-1', 'red', 11);
    holds('leaf-1', 'attachment/E1/1', { port: 'E1/1', segment: 11 });
    assert.deepEqual(witness.faults, []);
  });

  test('a row of any other VPC is a fault, also of one that was left before everything was last right', () => {
    wants(red, blue, attach('a', 'red', 's1--leaf-1'));
    holds('leaf-1', 'vrf/vrf2', { vni: 2, name: 'vrf2', description: 'default/blue' });
    assert.equal(witness.faults.length, 1);
    witness.renew([...wiring, red]);
    holds('leaf-1', 'vrf/vrf1', { vni: 1, name: 'vrf1', description: 'default/red' });
    assert.match(witness.faults[1] ?? '', /leaf-1 held vrf\/vrf1 of VPC default\/red, which it was no part of/);
  });

  test('a device that is not declared any more may keep its VRFs, but no port in them', () => {
    wants(red, attach('a', 'red', 's1--leaf-1'));
    const left = [...wiring.filter(({ metadata }) => metadata.name !== 'leaf-1'), red];
    witness.intend(left);
    witness.renew(left);
    holds('leaf-1', 'vrf/vrf1', { vni: 1, name: 'vrf1', description: 'default/red' });
    segment('leaf-1', 'red', 11);
    assert.deepEqual(witness.faults, []);
    holds('leaf-1', 'attachment/E1/1', { port: 'E1/1', segment: 11 });
    assert.equal(witness.faults.length, 1);
  });

  test('a port in a subnet that nobody attached it to is a fault, whichever of the two rows came last', () => {
    wants(red, blue, attach('a', 'red', 's1--leaf-1'), attach('b', 'blue', 's2--leaf-2'));
    segment('leaf-1', 'red', 11);
    holds('leaf-1', 'attachment/E1/1', { port: 'E1/2', segment: 11 });
    assert.match(witness.faults[0] ?? '', /port E1\/2 in default\/red\/front/);
    segment('leaf-2', 'blue', 12);
    holds('leaf-2', 'host/12/10.2.0.2', { port: 'E1/1', segment: 12 });
    assert.equal(witness.faults.length, 1);
    segment('leaf-2', 'red', 12);
    assert.ok(witness.faults.length > 1);
  });

  test('a leak between VPCs that never peered is a fault once both are there', () => {
    wants(red, blue, attach('a', 'red', 's1--leaf-1'), attach('b', 'blue', 's1--leaf-1'));
    holds('leaf-1', 'vrf/vrf1', { vni: 1, name: 'vrf1', description: 'default/red' });
    holds('leaf-1', 'leak/vrf1/vrf2', { vrf: 'vrf1', peerVrf: 'vrf2' });
    assert.deepEqual(witness.faults, []);
    holds('leaf-1', 'vrf/vrf2', { vni: 2, name: 'vrf2', description: 'default/blue' });
    assert.equal(witness.faults.length, 1);
  });

  test('a VNI means one thing on all devices of the fabric; what a device that was removed still holds does not count', () => {
    wants(red, blue, attach('a', 'red', 's1--leaf-1'), attach('b', 'blue', 's2--leaf-2'));
    segment('leaf-1', 'red', 11);
    segment('leaf-2', 'blue', 11);
    assert.match(witness.faults[0] ?? '', /VNI 11 is default\/blue\/front on leaf-2 and at the same time default\/red\/front on leaf-1/);
    holds('leaf-2', 'segment/11', undefined);
    witness.intend([cluster('Switch', 'leaf-2'), ...cables, red, blue, attach('b', 'blue', 's2--leaf-2')]);
    segment('leaf-2', 'blue', 11);
    assert.equal(witness.faults.length, 1);
  });

  test('an object that is called programmed before its device holds it is a fault', () => {
    const attachment = attach('a', 'red', 's1--leaf-1');
    wants(red, attachment);
    witness.onObject(programmed(attachment));
    now += 1000;
    segment('leaf-1', 'red', 11);
    holds('leaf-1', 'attachment/E1/1', { port: 'E1/1', segment: 11 });
    witness.judge();
    assert.match(witness.faults[0] ?? '', /VPCAttachment\/default\/a generation 1 was called programmed, but leaf-1 never had port E1\/1/);
  });

  test('an object that was held once since it was asked for may be called programmed', () => {
    const attachment = attach('a', 'red', 's1--leaf-1');
    wants(red, attachment);
    segment('leaf-1', 'red', 11);
    holds('leaf-1', 'attachment/E1/1', { port: 'E1/1', segment: 11 });
    holds('leaf-1', 'attachment/E1/1', undefined);
    now += 1000;
    for (const object of [attachment, red]) witness.onObject(programmed(object));
    witness.judge();
    assert.deepEqual([witness.judged, witness.faults], [2, []]);
  });

  test('a VPC is programmed when its segments are as this generation says', () => {
    wants(vpc('red', '10.1.0.0/24', '10.255.0.7'), attach('a', 'red', 's1--leaf-1'));
    segment('leaf-1', 'red', 11, '10.255.0.6');
    witness.onObject(programmed(vpc('red', '10.1.0.0/24', '10.255.0.7')));
    witness.judge();
    assert.match(witness.faults[0] ?? '', /leaf-1 never had default\/red\/front with 10.255.0.7/);
  });

  test('a peering is programmed when both directions are on every device that has one of the VPCs attached', () => {
    const pair = peering('red', 'blue');
    wants(red, blue, attach('a', 'red', 's1--leaf-1'), pair);
    for (const [vni, of] of ['red', 'blue'].entries()) {
      holds('leaf-1', `vrf/vrf${vni}`, { vni, name: `vrf${vni}`, description: `default/${of}` });
    }
    holds('leaf-1', 'leak/vrf0/vrf1', { vrf: 'vrf0', peerVrf: 'vrf1' });
    witness.onObject(programmed(pair));
    witness.judge();
    assert.deepEqual(witness.faults.filter((fault) => fault.includes('never had')).length, 1);
    assert.match(witness.faults[0] ?? '', /the leak from blue to red/);
  });
});
