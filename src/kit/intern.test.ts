import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Interner } from './intern.ts';

test('a shared text equals the text, whatever was shared before', () => {
  const interner = new Interner();
  fc.assert(fc.property(fc.string(), (text) => assert.equal(interner.share(text), text)));
});
