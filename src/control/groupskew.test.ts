import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupSkew } from './groupskew.ts';

const members = (one: number, other: number): ReadonlyMap<string, number> => new Map([['leaf-1', one], ['leaf-2', other]]);

test('the window of a version is from its first member to its last', () => {
  const skew = new GroupSkew();
  assert.deepEqual(skew.heard('group/default/rack', 1, members(1, -1), 100), []);
  assert.deepEqual(skew.heard('group/default/rack', 1, members(1, 1), 130), [30]);
  assert.deepEqual(skew.heard('group/default/rack', 1, members(1, 1), 200), []);
});

test('a member that skips versions ends all of their windows at once', () => {
  const skew = new GroupSkew();
  for (const version of [1, 2]) skew.heard('group/default/rack', version, members(version, 0), version * 10);
  assert.deepEqual(skew.heard('group/default/rack', 5, members(2, 5), 50), [40, 30]);
  assert.deepEqual(skew.heard('group/default/rack', 5, members(5, 5), 57), [7]);
});

test('one that joins or leaves meanwhile is no skew, and a group of one has none', () => {
  const skew = new GroupSkew();
  skew.heard('group/default/rack', 1, members(1, 0), 10);
  assert.deepEqual(skew.heard('group/default/rack', 1, new Map([['leaf-1', 1]]), 500), []);
  assert.deepEqual(skew.heard('group/default/rack', 2, new Map([['leaf-1', 2]]), 600), []);
});
