import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderedUuids } from './uuid.ts';

test('uuids have the form of version 7 and begin with the time in milliseconds', () => {
  const next = orderedUuids(() => 0x018f_0000_0001);
  assert.match(next(), /^018f0000-0001-7000-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(next(), /^018f0000-0001-7001-/);
});

test('each uuid is greater than the one before while the clock stands still and when it steps back', () => {
  let now = 1_800_000_000_000;
  const next = orderedUuids(() => now);
  const made = Array.from({ length: 10_000 }, () => next());
  now -= 5000;
  made.push(next());
  now += 60_000;
  made.push(next());
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, made.length);
});
