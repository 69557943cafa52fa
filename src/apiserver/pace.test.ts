import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../kit/testing.ts';
import { Pace, type Paced } from './pace.ts';

const counter = (): Paced & { flushed: number } => ({
  flushed: 0,
  flush() {
    this.flushed += 1;
  },
});

test('what comes after a pause goes out at once, what follows within a moment goes out together', async () => {
  const pace = new Pace();
  const stream = counter();
  pace.request(stream);
  assert.equal(stream.flushed, 1);
  for (let more = 0; more < 10; more += 1) pace.request(stream);
  assert.equal(stream.flushed, 1);
  await until('the rest went out', () => stream.flushed === 2);
});

test('a stream that wrote by itself is not asked again, and others are not held up by it', async () => {
  const pace = new Pace();
  const [one, other] = [counter(), counter()];
  for (const stream of [one, other, one, other]) pace.request(stream);
  pace.forget(one);
  await until('the other went out', () => other.flushed === 2);
  assert.equal(one.flushed, 1);
});
