/**
 * The main job without root. A scratch user would stay in the machine's files, so "nobody" gets its subordinate ids in a
 * mount namespace that only this test sees; the package is shown there too, wherever it lives.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { networkNamespaces } from './host.ts';
import { tryRun, type Argv, type Output } from '../kit/process.ts';

const packageRoot = join(import.meta.dirname, '..', '..');
const scene = 'mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && mount --bind "$2" /mnt && shift 2 && exec "$@"';

/** Runs a program of the package as user nobody, whose subordinate ids are `ids` (subuid(5)). */
const asNobody = async (ids: string, words: readonly string[]): Promise<Output> => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-rootless-'));
  try {
    const file = join(folder, 'ids');
    writeFileSync(file, ids);
    const nobody: Argv = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const node: Argv = ['/mnt/node_modules/.bin/node', '--disable-warning=ExperimentalWarning', ...words];
    return await tryRun(['unshare', '--mount', 'sh', '-c', scene, 'sh', file, packageRoot, ...nobody, ...node], { timeoutMilliseconds: 120_000 });
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test('without root the main job runs in a user namespace: every pair as intended, and nothing is left', async () => {
  const before = networkNamespaces();
  const done = await asNobody('nobody:200000:65536\n', ['/mnt/src/cli/demo.ts', '--once']);
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.match(done.stdout, /connectivity: (\d+) of \1 ordered pairs as intended/);
  assert.match(done.stdout, /removed the lab/);
  assert.deepEqual(networkNamespaces().filter((name) => name.includes('.demo.') && !before.includes(name)), []);
});

test('without subordinate ids the main job says which file lacks them and how to add them', async () => {
  const done = await asNobody('', ['/mnt/src/cli/demo.ts', '--once']);
  assert.equal(done.status, 1);
  assert.match(done.stderr, /missing: a range of 1000 or more ids for "nobody" in \/etc\/subuid/);
  assert.match(done.stderr, /get it: sudo usermod --add-subuids \S+ --add-subgids \S+ nobody/);
});
