import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../net/brand.ts';
import type { Violation } from '../../verify/verifier.ts';
import { statementOf, type Reader } from './statement.ts';

const leak = (objects: readonly string[]): Violation => ({
  code: 'Leak', message: 'blue/db reaches red/web', rows: [{ scope: 'vpc/5000', row: 'leak/vrf5000/vrf5001' }], objects, before: false,
  witness: {
    packet: { source: '10.7.0.5' as Address, destination: '10.1.0.5' as Address, protocol: 'tcp', port: 443 },
    place: { device: 'leaf-9', port: 'E1/7' }, hops: [], outcome: 'delivered to a host',
  },
});
const both = ['VPC/red/web', 'VPC/blue/db', 'Connection/b1--leaf-9'];
const readBy = (namespace: string): Reader => ({ namespace, objectsOf: () => [{ kind: 'VPCPeering', namespace: 'red', name: 'p' }, { kind: 'VPC', namespace: 'blue', name: 'db' }] });
const said = (objects: readonly string[], namespace: string): string => statementOf({ type: 'fault', violation: leak(objects), rows: 2 }, readBy(namespace)).message;

test('an operator reads the whole of what is wrong', () => {
  const message = said(both, '');
  for (const part of ['blue/db reaches red/web', 'tcp 10.7.0.5 -> 10.1.0.5 port 443, in at leaf-9 E1/7, delivered to a host', 'vpc/5000 leak', 'VPC/blue/db', 'Connection/b1--leaf-9', '2 rows are withheld']) {
    assert.ok(message.includes(part), part);
  }
});

test('a tenant reads nothing of another: no name, no address, no port, no row that both have a part in', () => {
  const message = said(both, 'red');
  for (const part of ['blue', '10.7.0.5', 'leaf-9', 'E1/7', 'vpc/5000']) assert.ok(!message.includes(part), message);
  assert.match(message, /a packet gets out of its VPC .*; of VPC\/red\/web; 2 rows are withheld/);
});

test('a tenant reads the packet when nobody else has a part in it', () => {
  assert.match(said(['VPC/red/web'], 'red'), /packet tcp 10\.7\.0\.5 -> 10\.1\.0\.5 port 443; of/);
});
