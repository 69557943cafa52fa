/** Client libraries against the server: Debian's python3-kubernetes, and @kubernetes/client-node, which scripts/clientnode.sh fetches. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { withServer } from '../testing.ts';
import { run } from './kubectl.ts';
import { transcript } from './transcript.ts';

/** Debian's: another one in the way would not have its packages. */
const python = '/usr/bin/python3';

const steps = (out: string): string[][] => out.trim().split('\n').map((step) => [step]);

it('a Python program works with the resource API', async (context) => {
  const { code } = await run(python, ['-c', 'import kubernetes']);
  const isThere = code === 0;
  if (!isThere && process.env['CI'] !== 'true') return context.skip('python3-kubernetes is not installed');
  await withServer(async ({ server }) => {
    const { code: status, out, err } = await run(python, [join(import.meta.dirname, 'python.py'), server.kubeconfigPath]);
    assert.equal(status, 0, `${out}${err}`);
    transcript.note('python3-kubernetes', steps(out));
  });
});

it('a program on client-node works with the resource API, with informers', async (context) => {
  const { code, out: folder, err: problem } = await run('sh', [join(import.meta.dirname, '../../../scripts/clientnode.sh')]);
  if (code !== 0 && process.env['CI'] !== 'true') return context.skip(problem);
  assert.equal(code, 0, problem);
  await withServer(async ({ server }) => {
    const { code: status, out, err } = await run(process.execPath, [join(import.meta.dirname, 'clientnode.mjs'), folder.trim(), server.kubeconfigPath]);
    assert.equal(status, 0, `${out}${err}`);
    transcript.note('@kubernetes/client-node', steps(out));
  });
});
