import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addMember, getOrMake, removeMember } from './maps.ts';

test('a value is made once', () => {
  const map = new Map<string, number[]>();
  getOrMake(map, 'a', () => []).push(1);
  getOrMake(map, 'a', () => assert.fail('made again')).push(2);
  assert.deepEqual(map.get('a'), [1, 2]);
});

test('an index holds no key without members', () => {
  const index = new Map<string, Set<string>>();
  for (const member of ['x', 'y', 'x']) addMember(index, 'a', member);
  assert.deepEqual([...(index.get('a') ?? [])], ['x', 'y']);
  removeMember(index, 'a', 'x');
  removeMember(index, 'b', 'x');
  assert.equal(index.size, 1);
  removeMember(index, 'a', 'y');
  assert.equal(index.size, 0);
});
