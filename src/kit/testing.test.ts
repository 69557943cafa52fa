import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './testing.ts';

test('what is waited for is answered as soon as it is there', async () => {
  const answers = [undefined, false, 0, 1] as const;
  let asked = 0;
  assert.equal(await until('a number', () => answers[asked++]), 0);
  assert.equal(asked, 3);
});

test('waiting ends, and says what for', async () => {
  await assert.rejects(until('the sun', () => false, 0), /waited in vain: the sun/);
});

test('a look that throws ends the waiting: it is a fault, not a state', async () => {
  await assert.rejects(until('x', () => Promise.reject(new Error('broken'))), /broken/);
});
