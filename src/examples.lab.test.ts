import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSources } from './cli/source.ts';
import { labCheck } from './lab/check.ts';
import { labDown } from './lab/down.ts';
import { testName } from './lab/testing.ts';
import { labUp } from './lab/up.ts';

test('the data centre of the examples stands, and all of it connects as it says', async (t) => {
  const name = testName();
  t.after(() => labDown({ name }));
  const { sources } = await readSources([fileURLToPath(new URL('../examples/datacenter', import.meta.url))], async () => '');
  const lab = await labUp({ name, objects: sources.map(({ object }) => object) });
  lab.close();
  const { ok, pairs } = await labCheck({ name });
  assert.ok(ok, JSON.stringify(pairs.filter(({ expected, actual }) => expected !== actual)));
  const allowed = new Set(pairs.filter(({ actual }) => actual === 'allow').map(({ from, to }) => `${from} ${to}`));
  for (const pair of ['web-1 internet', 'web-2 db-1', 'db-2 host-1/eth1.101']) assert.ok(allowed.has(pair), pair);
});
