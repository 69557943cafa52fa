import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runInProcess } from './inprocess.ts';

describe('small commands without a process', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heddle-small-'));
  const file = join(directory, 'file');
  after(() => rmSync(directory, { recursive: true }));

  it('write, make and remove files as tee, touch and rm do', async () => {
    const other = join(directory, 'other');
    assert.equal((await runInProcess(['tee', file, other], 'text\n'))?.status, 0);
    assert.deepEqual([readFileSync(file, 'utf8'), readFileSync(other, 'utf8')], ['text\n', 'text\n']);
    assert.equal((await runInProcess(['touch', file]))?.status, 0);
    assert.equal(readFileSync(file, 'utf8'), 'text\n');
    assert.equal((await runInProcess(['rm', '-f', file, join(directory, 'never')]))?.status, 0);
    assert.deepEqual(await runInProcess(['tee', join(directory, 'no', 'such')], ''), {
      status: 1, stdout: '', stderr: `tee: No such file or directory: ENOENT: no such file or directory, open '${join(directory, 'no', 'such')}'`,
    });
  });

  it('look for a socket', async () => {
    const path = join(directory, 'socket');
    assert.equal((await runInProcess(['test', '-S', path]))?.status, 1);
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    assert.equal((await runInProcess(['test', '-S', path]))?.status, 0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('signal every process that there is, and say when one is gone', async () => {
    const child = spawn('sleep', ['100']);
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    const output = await runInProcess(['kill', '-KILL', '4194304', `${child.pid}`]);
    assert.equal(await ended, 'SIGKILL');
    assert.deepEqual(output, { status: 1, stdout: '', stderr: 'kill: No such process' });
  });

  it('signal nobody for a word that is no process id, which the system takes for a whole group', async () => {
    // A signal that nobody minds, if it were sent.
    for (const word of ['', '0', '1e3', ' 7', 'x']) {
      assert.deepEqual(await runInProcess(['kill', '-WINCH', word]), { status: 1, stdout: '', stderr: `kill: "${word}" is no process id` });
    }
  });

  it('are only those forms that steps are made of', async () => {
    assert.deepEqual(await Promise.all([runInProcess(['rm', file]), runInProcess(['test', '-f', file]), runInProcess(['ip', 'link'])]), [undefined, undefined, undefined]);
  });
});
