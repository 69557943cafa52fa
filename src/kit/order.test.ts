import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { byText } from './order.ts';

test('texts sort as code units do, as without a comparison', () => {
  assert.deepEqual(['b', 'A', 'a10', 'a9', ''].sort(byText), ['', 'A', 'a10', 'a9', 'b']);
  fc.assert(fc.property(fc.array(fc.string()), (texts) => assert.deepEqual(texts.toSorted(byText), texts.toSorted())));
});
