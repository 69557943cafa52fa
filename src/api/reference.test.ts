import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { kinds } from './kinds.ts';
import { referenceOf } from './reference.ts';

const page = new URL('../../docs/resources.md', import.meta.url);

test('docs/resources.md says what the schemas say', () => {
  const expected = `${referenceOf(kinds).trimEnd()}\n`;
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(page, expected);
  assert.equal(readFileSync(page, 'utf8'), expected, 'stale: HEDDLE_WRITE_GOLDENS=1 npm test -- reference');
});

test('the reference reaches into maps and nested lists', () => {
  const text = referenceOf(kinds);
  assert.match(text, /`subnets\.<name>\.cidr` \*/);
  assert.match(text, /`permit\[\]\[\]\.vpc` \*/);
});
