import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Prefix } from '../net/brand.ts';
import { Pool } from './pool.ts';

test('an IPv6 prefix hands out its first free address without looking at the others', () => {
  const pool = new Pool();
  const candidates = { type: 'addresses', prefix: 'fd00:1::/64' as Prefix, except: ['fd00:1::1' as Address] } as const;
  // Pinned, beyond what a double can count to.
  pool.take('fd00:1::ffff:ffff:ffff:fffe');
  pool.take('fd00:1::3');
  assert.deepEqual([1, 2, 3].map(() => pool.takeFirst(candidates)), ['fd00:1::2', 'fd00:1::4', 'fd00:1::5']);
  pool.giveBack('fd00:1::4');
  pool.giveBack('fd00:1::ffff:ffff:ffff:fffe');
  assert.deepEqual([1, 2].map(() => pool.takeFirst(candidates)), ['fd00:1::4', 'fd00:1::6']);
});

test('a small IPv6 prefix is used up but for the anycast address of all routers', () => {
  const pool = new Pool();
  const candidates = { type: 'addresses', prefix: 'fd00:1::/126' as Prefix, except: ['fd00:1::1' as Address] } as const;
  assert.deepEqual([1, 2, 3].map(() => pool.takeFirst(candidates)), ['fd00:1::2', 'fd00:1::3', undefined]);
});
