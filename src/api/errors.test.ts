/**
 * Error goldens: testdata/errors/NN-name.yaml holds a wrong object and, as a second document, the very text a user gets.
 * With HEDDLE_WRITE_GOLDENS=1 the texts are written anew, to be read in the diff.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { formatFinding } from '../kit/error.ts';
import { checkObject } from './check.ts';
import { kindByName } from './kinds.ts';
import type { Resource } from './object.ts';

const folder = join(import.meta.dirname, '../../testdata/errors');

describe('what users are told of wrong objects', () => {
  for (const file of readdirSync(folder).toSorted()) test(file, () => checkGolden(join(folder, file)));
});

function checkGolden(path: string): void {
  const text = readFileSync(path, 'utf8');
  const [object, expected] = parseAllDocuments(text).map((document): unknown => document.toJS());
  const resource = object as Resource;
  const kind = kindByName(resource.kind);
  assert.ok(kind);
  const lines = checkObject(kind, kind.defaults(resource)).map((finding) => `${formatFinding(finding)} (${finding.code})`);
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') {
    writeFileSync(path, `${text.split('\n---\n')[0]?.trimEnd()}\n---\n${stringify(lines, { lineWidth: 0 })}`);
    return;
  }
  assert.ok(lines.length > 0);
  assert.deepEqual(lines, expected);
}
