import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../store/memory.ts';
import { takeTerm } from './term.ts';

test('terms grow, and no two control planes get the same', async () => {
  const store = createMemoryStore();
  assert.equal(await takeTerm(store, 100), 100);
  assert.deepEqual((await Promise.all([takeTerm(store, 100), takeTerm(store, 100), takeTerm(store, 100)])).sort(), [101, 102, 103]);
  assert.equal(await takeTerm(store, 50), 104, 'a clock that goes back takes nothing back');
});

test('a store that was lost does not begin below what devices have seen', async () => {
  const seen = await takeTerm(createMemoryStore(), 100);
  assert.ok((await takeTerm(createMemoryStore(), 101)) > seen);
});
