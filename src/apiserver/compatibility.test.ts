/**
 * What the clients' suites noted, held against what is recorded; runs after them (files run in the order of their names).
 * HEDDLE_WRITE_GOLDENS=1 records the clients that were played, all suites must have run for that.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compatibilityPage, type Recorded } from './clients/document.ts';
import { transcript } from './clients/transcript.ts';

const root = join(import.meta.dirname, '../..');
const [recordFile, pageFile] = [join(root, 'testdata/compatibility.json'), join(root, 'docs/kubernetes-compatibility.md')];

const recorded = (): Recorded => (existsSync(recordFile) ? (JSON.parse(readFileSync(recordFile, 'utf8')) as Recorded) : {});

test('what clients are said to do is what they were seen to do', (context) => {
  const seen = transcript.commands;
  if (Object.keys(seen).length === 0) return context.skip('no client was played');
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(recordFile, `${JSON.stringify({ ...recorded(), ...seen }, null, 1)}\n`);
  for (const [client, commands] of Object.entries(seen)) {
    const known = recorded()[client];
    // A version that nobody recorded yet is none of which something wrong was said.
    if (known === undefined) continue;
    const [more, less] = [commands.filter((command) => !known.includes(command)), known.filter((command) => !commands.includes(command))];
    // Only in CI does every version play every suite.
    assert.deepEqual({ more, less: process.env['CI'] === 'true' ? less : [] }, { more: [], less: [] }, `${client}: record it anew with HEDDLE_WRITE_GOLDENS=1`);
  }
});

test('the page of compatible clients is up to date', () => {
  const page = compatibilityPage(recorded());
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(pageFile, page);
  assert.equal(readFileSync(pageFile, 'utf8'), page);
});
