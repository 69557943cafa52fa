/** What is generated is checked in, so that a checkout runs without a generator; this holds it to its sources. */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, tryRun } from './kit/process.ts';

const root = join(import.meta.dirname, '..');

const texts = (folder: string): Record<string, string> =>
  Object.fromEntries(globSync('**/gen/**/*_pb.ts', { cwd: folder }).sort().map((file) => [file, readFileSync(join(folder, file), 'utf8')]));

/** protoc is a Debian package that set-up brings; under CI it must be there. */
const hasGenerator = async (): Promise<boolean> => {
  const { status } = await tryRun(['sh', '-c', 'command -v protoc']);
  return status === 0;
};

test('generated code is what "npm run generate" makes of proto/ now', async (context) => {
  if (!(await hasGenerator()) && process.env['CI'] !== 'true') {
    context.skip('protoc is not installed');
    return;
  }
  const fresh = mkdtempSync(join(tmpdir(), 'heddle-generated-'));
  try {
    await run(['sh', join(root, 'scripts', 'generate.sh'), fresh]);
    assert.deepEqual(texts(join(root, 'src')), texts(fresh));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
});
