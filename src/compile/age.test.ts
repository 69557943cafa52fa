import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOf } from './age.ts';
import { object } from './fixture.ts';

const vpc = (name: string, uid: string, born: number) => object('VPC', name, {}, { uid, born });

test('age goes by creation time, within a second by uids that carry time, else by name', () => {
  const timed = (rest: string) => `018f0000-0001-7${rest}-8000-000000000000`;
  const order = [
    vpc('d', 'x', 1),
    vpc('z', timed('000'), 2),
    vpc('b', timed('001'), 2),
    vpc('m', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 3),
    vpc('n', '00000000-58cc-4372-a567-0e02b2c3d479', 3),
  ];
  const sorted = order.toReversed().toSorted((left, right) => (ageOf(left) < ageOf(right) ? -1 : 1));
  assert.deepEqual(sorted.map(({ metadata }) => metadata.name), ['d', 'z', 'b', 'm', 'n']);
});
