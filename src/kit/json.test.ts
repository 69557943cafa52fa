import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonObject, objectOr, optional } from './json.ts';

test('only objects are JSON objects: lists, null and scalars are not', () => {
  const table: [value: unknown, isObject: boolean][] = [[{}, true], [{ a: 1 }, true], [[], false], [null, false], ['a', false], [1, false], [undefined, false]];
  for (const [value, isObject] of table) {
    assert.equal(isJsonObject(value), isObject);
    assert.deepEqual(objectOr(value), isObject ? value : {});
  }
});

test('an optional member is absent, not undefined', () => {
  assert.deepEqual(Object.keys(optional('name', undefined)), []);
  assert.deepEqual(optional('name', ''), { name: '' });
});
