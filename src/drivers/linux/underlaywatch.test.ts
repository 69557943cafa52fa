import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../net/brand.ts';
import type { PortRow } from '../../goal/rows.ts';
import { underlayIn } from './underlaywatch.ts';

const port = (name: string): PortRow => ({ interface: name, role: 'fabric', mtu: 9000, peer: 'spine-1/E1/1' });
const goal = {
  port: new Map([['E1/49', port('e49')], ['E1/50', port('e50')], ['E1/51', port('e51')]]),
  bgpPeer: new Map([
    ['E1/49', { port: 'E1/49' }], ['E1/50', { port: 'E1/50', address: '172.16.0.0' as Address }], ['E1/51', { port: 'E1/51' }], ['E1/52', { port: 'E1/52' }],
  ]),
};

test('a session is told by the port that it goes over, numbered or not, and no session that bgpd does not have', () => {
  const peers = { e49: { state: 'Established' }, '172.16.0.0': { state: 'Active' }, e9: { state: 'Idle' } };
  const text = JSON.stringify({ ipv4Unicast: { routerId: '10.255.0.1', peers }, l2VpnEvpn: { peers } });
  assert.deepEqual(underlayIn(text, goal), [{ port: 'E1/49', established: true }, { port: 'E1/50', established: false }]);
});

test('every state but Established is the same, so that a neighbour who never answers is told once', () => {
  for (const state of ['Idle', 'Idle (Admin)', 'Connect', 'Active', 'OpenSent', 'OpenConfirm']) {
    assert.deepEqual(underlayIn(JSON.stringify({ ipv4Unicast: { peers: { e49: { state } } } }), goal), [{ port: 'E1/49', established: false }]);
  }
  assert.deepEqual(underlayIn('{}', goal), []);
});
