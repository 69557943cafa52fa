import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../api/object.ts';
import { interfacesOf, vlansOf } from './servers.ts';
import type { Cable } from './topology.ts';

const cable = (connection: string, server: string, port: string, leaf: string): Cable => ({
  connection,
  ends: [{ node: server, port, interface: port }, { node: leaf, port: 'E1/1', interface: 'swp1' }],
});
const cables = [cable('single', 's1', 'eth1', 'leaf-1'), cable('double', 's1', 'eth2', 'leaf-1'), cable('double', 's1', 'eth3', 'leaf-2')];
const nodes = [
  { name: 's1', role: 'server', namespace: 'x.s1' },
  { name: 'leaf-1', role: 'leaf', namespace: 'x.leaf-1' },
] as const;
const object = (kind: string, name: string, spec: object): Resource => ({ apiVersion: 'heddle.dev/v1alpha1', kind, metadata: { name }, spec });

test('a connection of several cables is one interface of the server, over its ports', () => {
  assert.deepEqual(interfacesOf(cables, 's1'), [{ name: 'eth1', ports: [] }, { name: 'bond-eth2', ports: ['eth2', 'eth3'] }]);
  assert.deepEqual(interfacesOf(cables, 's2'), []);
});

test('every VLAN that is attached is an interface named after the first port, over the bundle where there is one', () => {
  const attachments = [
    object('VPCAttachment', 'a', { vpc: 'shop', connection: 'single' }),
    object('VPCAttachment', 'b', { vpc: 'shop', connection: 'single', vlan: 20 }),
    object('VPCAttachment', 'c', { vpc: 'lab', connection: 'double', vlan: 30 }),
    object('VPCAttachment', 'thief', { vpc: 'lab', connection: 'double', vlan: 30 }),
    object('VPCAttachment', 'd', { vpc: 'lab', connection: 'none', vlan: 40 }),
  ];
  const connections = [object('Connection', 'single', {}), object('Connection', 'double', {})];
  assert.deepEqual(vlansOf({ cables, nodes }, attachments, connections), new Map([['s1', ['eth1.20 eth1 20', 'eth2.30 bond-eth2 30']]]));
});
