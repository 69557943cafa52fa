import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../store/memory.ts';
import { takeTerm } from './term.ts';

test('terms grow, and no two control planes get the same', async () => {
  const store = createMemoryStore();
  const take = async (least: number): Promise<number> => (await takeTerm(store, least)).term;
  assert.equal(await take(100), 100);
  assert.deepEqual((await Promise.all([take(100), take(100), take(100)])).sort(), [101, 102, 103]);
  assert.equal(await take(50), 104, 'a clock that goes back takes nothing back');
});

test('a store that was lost does not begin below what devices have seen', async () => {
  const seen = await takeTerm(createMemoryStore(), 100);
  assert.ok((await takeTerm(createMemoryStore(), 101)).term > seen.term);
});

test('one who lost the Lease before it took its term takes none, one who only renewed it does', async () => {
  const store = createMemoryStore();
  const renew = async (value: string): Promise<number> => (await store.commit([{ type: 'put', key: 'lease', value }]))[0]?.entry.revision ?? 0;
  const mine = await renew('mine');
  const later = await renew('mine again');
  let asked = 0;
  const renewing = (): { type: 'check'; key: string; expected: number } => ({ type: 'check', key: 'lease', expected: (asked += 1) === 1 ? mine : later });
  assert.equal((await takeTerm(store, 5, renewing)).term, 5);
  await renew('somebody else');
  await assert.rejects(takeTerm(store, 5, () => ({ type: 'check', key: 'lease', expected: later })), { code: 'Conflict' });
  assert.equal((await takeTerm(store, 1)).term, 6, 'the one in between was not taken');
});
