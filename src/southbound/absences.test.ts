import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Absences, type AbsencesOptions } from './absences.ts';

const crowd = Array.from({ length: 1001 }, (_, number) => `leaf-${number}`);

const absences = (options: Partial<AbsencesOptions> = {}): Absences =>
  new Absences({ grace: 2000, areDialling: () => false, ...options });

test('a device that is away for longer than the grace is told once', () => {
  const some = absences();
  assert.equal(some.left('a', 0), false);
  assert.deepEqual(some.overdue(1999), []);
  assert.deepEqual(some.overdue(2000), ['a']);
  assert.deepEqual(some.overdue(4000), []);
});

test('a device that is back in time was not away', () => {
  const some = absences();
  some.left('a', 0);
  some.returned('a', 1000);
  assert.deepEqual(some.overdue(60_000), []);
});

test('without a grace every absence is told at once', () => {
  assert.equal(absences({ grace: 0 }).left('a', 0), true);
});

test('a crowd has 5 ms more for each as long as it is returning', () => {
  const some = absences();
  for (const device of crowd) some.left(device, 0);
  for (const [index, device] of crowd.slice(0, 1000).entries()) {
    some.returned(device, 5 * index);
    assert.deepEqual(some.overdue(5 * index), []);
  }
  assert.deepEqual(some.overdue(4995 + 999), []);
  assert.deepEqual(some.overdue(4995 + 1000), ['leaf-1000']);
});

test('a crowd that does not return is told after the grace of one', () => {
  const some = absences();
  for (const device of crowd) some.left(device, 0);
  assert.equal(some.overdue(2000).length, crowd.length);
});

test('a crowd whose handshakes are under way is returning, but not for ever', () => {
  const some = absences({ areDialling: () => true });
  for (const device of crowd) some.left(device, 0);
  assert.deepEqual(some.overdue(6999), []);
  assert.equal(some.overdue(7000).length, crowd.length);
});

test('one device is not told later because others come and go one by one', () => {
  const some = absences();
  some.left('a', 0);
  some.left('b', 1500);
  some.returned('b', 1990);
  assert.deepEqual(some.overdue(2005), ['a']);
  some.left('c', 3000);
  some.returned('c', 4000);
  some.left('a', 5000);
  assert.deepEqual(some.overdue(7000), ['a']);
});
