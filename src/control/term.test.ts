import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryStore } from '../store/memory.ts';
import { takeTerm } from './term.ts';

test('terms grow from one, and no two control planes get the same', async () => {
  const store = createMemoryStore();
  assert.equal(await takeTerm(store), 1);
  assert.deepEqual((await Promise.all([takeTerm(store), takeTerm(store), takeTerm(store)])).sort(), [2, 3, 4]);
  assert.equal(await takeTerm(store), 5);
});
