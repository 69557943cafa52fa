import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkEvent } from './linkwatch.ts';

test('lines of ip monitor tell of carrier, in whatever namespace', () => {
  const said = [
    '12: p1@if11: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc noqueue state UP group default \\    link/ether 0a:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff',
    '[nsid 0]12: p1@if11: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 9000 qdisc noqueue master br1001 state LOWERLAYERDOWN',
    '[nsid current]3: E1-2: <BROADCAST,MULTICAST> mtu 9000 qdisc noop state DOWN',
    'Deleted 3: p9@NONE: <BROADCAST,MULTICAST> mtu 1500',
    'nsid 4 (iproute2 netns name: vrf5001)',
  ];
  assert.deepEqual(said.map(linkEvent), [
    { name: 'p1', carrier: true }, { name: 'p1', carrier: false }, { name: 'E1-2', carrier: false }, undefined, undefined,
  ]);
});
