import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lossOf } from './pings.ts';

test('lost packets and the longest gap are read from what ping prints', () => {
  const answer = (n: number, time: number): string => `[1763.${time}] 64 bytes from 10.1.1.2: icmp_seq=${n} ttl=64 time=0.05 ms`;
  const silence = (n: number): string => `[1763.1] no answer yet for icmp_seq=${n}`;
  const output = [answer(1, 100), silence(2), silence(3), answer(4, 145), silence(5), answer(5, 150), silence(6), answer(7, 172)].join('\n');
  assert.deepEqual(lossOf(output), { sent: 7, lost: 3, longestGapMilliseconds: 45, lostAtEnd: 0 });
  assert.deepEqual(lossOf('PING 10.1.1.2 56(84) bytes of data.\n'), { sent: 0, lost: 0, longestGapMilliseconds: 0, lostAtEnd: 0 });
  assert.deepEqual(lossOf([answer(1, 100), silence(2), silence(3)].join('\n')), { sent: 3, lost: 2, longestGapMilliseconds: 0, lostAtEnd: 2 });
});
