import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, tryRun } from './kit/process.ts';
import { labDown } from './lab/down.ts';
import { findManifest } from './lab/manifest.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The one `sh` block of the README, as it stands there. */
const tour = (): string => {
  const [, block] = /```sh\n([\s\S]*?)```/.exec(readFileSync(`${root}README.md`, 'utf8')) ?? [];
  assert.ok(block !== undefined, 'README.md has a block of shell commands');
  return block;
};

test('the ten lines of the README work as they stand there, with the oldest kubectl too', async (t) => {
  if (findManifest('lab') !== undefined) {
    assert.notEqual(process.env['CI'], 'true');
    t.skip('a lab named "lab" is up on this machine, and the README uses that name');
    return;
  }
  t.after(() => labDown({ name: 'lab' }));
  const { stdout } = await run(['sh', `${root}scripts/kubectl.sh`], { timeoutMilliseconds: 120_000 });
  const env = { ...process.env, PATH: `${dirname(stdout.trim())}:${process.env['PATH'] ?? ''}` };
  const output = await tryRun(['sh', '-eu'], { stdin: tour(), cwd: root, env, timeoutMilliseconds: 120_000 });
  assert.equal(output.status, 0, `${output.stdout}\n${output.stderr}`);
  assert.match(output.stdout, /vpcattachment\.heddle\.dev\/web-1 condition met/);
  assert.match(output.stdout, /1 received, 0% packet loss/);
  assert.equal(findManifest('lab'), undefined);
});
