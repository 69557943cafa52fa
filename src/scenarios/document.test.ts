import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { scenarioDocument } from './document.ts';
import { currentDocument, documentFile, readCatalogue } from './results.ts';
import { readScenarios } from './scenario.ts';

test('docs/scenarios.md has every scenario, with its last result', () => {
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(documentFile, currentDocument());
  assert.equal(readFileSync(documentFile, 'utf8'), currentDocument(), 'run "npm run scenarios", or write the goldens');
});

test('scenarios cover cases of the catalogue, and rules, only', () => {
  const known = new Set(readCatalogue().map(({ id }) => id));
  const unknown = readScenarios().flatMap(({ name, covers }) => covers.filter((id) => !known.has(id) && !/^[CM]-\d+$/.test(id)).map((id) => `${name} covers ${id}`));
  assert.deepEqual(unknown, []);
});

test('a story that was not run, one that fails and what was lost are told', () => {
  const scenario = { name: '01-a', folder: '', story: 'A story | of two.', covers: ['S-05'], wiring: '/x/wiring.yaml', slow: false, steps: [] };
  const results = { day: '2026-01-31', pure: { '01-a': { failure: 'a | b' } }, lab: { '01-b': { seconds: 3, losses: ['a -> b: 1 of 9 packets lost'] } } };
  const text = scenarioDocument([scenario, { ...scenario, name: '01-b' }], [{ id: 'S-05', case: 'one' }, { id: 'S-99', case: 'two', later: 'gateway' }], results);
  assert.match(text, /\| 01-a \| A story \\\| of two\. \| S-05 \| wiring \| \*\*fails\*\*: a \\\| b \| not run \|/);
  assert.match(text, /\| 01-b \| .* \| not run \| passes \(3 s\) \|/);
  assert.match(text, /\| 01-b \| a -> b: 1 of 9 packets lost \|/);
  assert.match(text, /\| S-05 \| one \| 01, 01 \|\n\| S-99 \| two \| later: gateway \|/);
});
