import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VrfPeerRow } from '../../goal/rows.ts';
import { vrfPeer } from './fixture/outside.ts';
import { sessionsIn } from './sessionwatch.ts';

const goal = { vrfPeer: new Map([vrfPeer('e1', 5003, '192.0.2.0', 65010), vrfPeer('e2', 5003, '2001:db8::1', 65010)].map((row) => [row.key, row.value as VrfPeerRow])) };

test('sessions of the goal are told with what was believed of both families, and those of the fabric are not', () => {
  const text = JSON.stringify({
    default: { ipv4Unicast: { peers: { e49: { state: 'Established', pfxRcd: 9 } } } },
    vrf5003: {
      ipv4Unicast: { peers: { '192.0.2.0': { state: 'Established', pfxRcd: 3 }, '192.0.2.9': { state: 'Active' } } },
      ipv6Unicast: { peers: { '192.0.2.0': { state: 'Established', pfxRcd: 2 }, '2001:db8:0::1': { state: 'Idle (Admin)' } } },
    },
  });
  assert.deepEqual(sessionsIn(text, goal), [
    { vrf: 'vrf5003', address: '192.0.2.0', state: 'Established', believed: 5 },
    { vrf: 'vrf5003', address: '2001:db8::1', state: 'Idle', believed: 0 },
  ]);
});

test('a session that bgpd does not know yet, and a state that is none, are not told', () => {
  assert.deepEqual(sessionsIn('{}', goal), []);
  assert.deepEqual(sessionsIn(JSON.stringify({ vrf5003: { ipv4Unicast: { peers: { '192.0.2.0': { state: 'Clearing' } } } } }), goal), []);
});
