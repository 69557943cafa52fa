import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from './clock.ts';

test('a manual clock wakes sleepers in the order of their time, at their time', async () => {
  const clock = manualClock(1000);
  const woken: string[] = [];
  for (const [name, span] of [['late', 30], ['early', 10]] as const) {
    void clock.sleep(span).then(() => woken.push(`${name}@${clock.now()}`));
  }
  await clock.advance(20);
  assert.deepEqual(woken, ['early@1010']);
  await clock.advance(20);
  assert.deepEqual(woken, ['early@1010', 'late@1030']);
  assert.equal(clock.now(), 1040);
  assert.equal(clock.monotonic(), 40);
});

test('a sleep that is aborted rejects and is never woken', async () => {
  const clock = manualClock();
  const abort = new AbortController();
  const sleeping = clock.sleep(10, abort.signal);
  abort.abort(new Error('enough'));
  await assert.rejects(sleeping, /enough/);
});
