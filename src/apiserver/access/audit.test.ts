import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { until } from '../../kit/testing.ts';
import { at, robot, withServer } from '../testing.ts';
import { openAuditLog, type AuditedRequest } from './audit.ts';

const inDirectory = async (body: (path: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'heddle-audit-'));
  await body(directory).finally(() => rm(directory, { recursive: true }));
};

const linesOf = async (path: string): Promise<unknown[]> =>
  (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '').map((line): unknown => JSON.parse(line));

const request = (id: string): AuditedRequest => ({
  id,
  user: { name: 'alice', groups: ['g'] },
  verb: 'get',
  uri: '/version',
  source: '127.0.0.1',
  userAgent: 'test',
  code: 200,
  started: 0,
  ended: 1.5,
  reason: 'allowed',
});

const quiet = { error: () => undefined };

describe('the audit log', () => {
  it('has a line for every request: who, as whom, what, from where and with which outcome', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'audit.log');
      await withServer(
        async ({ call, server }) => {
          const reply = await call('POST', '/apis/test.heddle.dev/v1/namespaces/default/robots?dryRun=All&access_token=hush', { body: robot('r'), headers: { authorization: 'Bearer hush' } });
          assert.equal(reply.status, 401);
          await call('POST', '/apis/test.heddle.dev/v1/namespaces/default/robots', { body: robot('r') });
          const refused = await call('GET', '/api/v1/namespaces/default/secrets', { headers: { 'impersonate-user': 'bob' } });
          assert.equal(refused.status, 403);
          await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token: 'hush' } } });
          const lines = await until('all are written', async () => {
            const found = await linesOf(path);
            return found.length === 4 && found;
          });
          const [unknown, made, other, review] = lines;
          assert.deepEqual([at(unknown, 'responseStatus.code'), at(unknown, 'user.username')], [401, 'system:anonymous']);
          assert.equal(at(unknown, 'requestURI'), '/apis/test.heddle.dev/v1/namespaces/default/robots?dryRun=All&access_token=redacted');
          assert.deepEqual([at(made, 'user.username'), at(made, 'verb'), at(made, 'responseStatus.code')], ['admin', 'create', 201]);
          assert.deepEqual(at(made, 'objectRef'), { resource: 'robots', namespace: 'default', apiGroup: 'test.heddle.dev', apiVersion: 'v1' });
          assert.deepEqual(at(made, 'sourceIPs'), ['127.0.0.1']);
          assert.deepEqual([at(other, 'user.username'), at(other, 'impersonatedUser.username')], ['admin', 'bob']);
          assert.deepEqual([at(other, 'auditID'), at(other, 'responseStatus.code')], [refused.headers['audit-id'], 403]);
          assert.equal(at(review, 'objectRef.resource'), 'tokenreviews');
          assert.ok(!(await readFile(path, 'utf8')).includes('hush'));
          await rename(path, `${path}.1`);
          server.reopenLogs();
          await call('GET', '/version');
          await until('the new file has a line', async () => (await linesOf(path).catch(() => [])).length === 1);
          assert.equal((await linesOf(`${path}.1`)).length, 4);
        },
        { auditLog: path },
      );
    }));

  it('goes on serving when the disk is full, says so once, counts what is lost and writes again when there is room', async () => {
    const [metrics, written, said]: [Registry, string[], string[]] = [new Registry(), [], []];
    let isFull = false;
    const openFile = async () => ({
      appendFile: async (text: unknown) => {
        if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
        written.push(String(text));
      },
      close: async () => undefined,
    });
    const audit = await openAuditLog({ path: '/full', metrics, log: { error: (_, message) => said.push(message) }, openFile });
    const lost = async (): Promise<boolean> => /^apiserver_audit_error_total\{plugin="log"\} 3$/m.test(await metrics.metrics());
    audit.write(request('1'));
    await until('the first is written', () => written.length === 1);
    isFull = true;
    for (const id of ['2', '3', '4']) audit.write(request(id));
    await until('the lost are counted', lost);
    isFull = false;
    audit.write(request('5'));
    await audit.close();
    assert.deepEqual(said, ['the audit log loses requests; serving goes on']);
    assert.deepEqual(written.join('').split('\n').filter((line) => line !== '').map((line) => String(at(JSON.parse(line), 'auditID'))), ['1', '5']);
  });

  it('begins a new file before one grows too large, and keeps as many as it is told', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'audit.log');
      const ids = async (file: string): Promise<string[]> => (await linesOf(file).catch(() => [])).map((line) => String(at(line, 'auditID')));
      const length = async (): Promise<number> => (await readFile(path)).byteLength;
      const first = await openAuditLog({ path, metrics: new Registry(), log: quiet });
      first.write(request('1'));
      await first.close();
      const audit = await openAuditLog({ path, metrics: new Registry(), log: quiet, rotation: { bytes: 2 * (await length()), backups: 2 } });
      // One at a time: lines that come together are written together.
      for (const id of ['2', '3', '4', '5', '6', '7', '8']) {
        audit.write(request(id));
        await until('it is written', async () => (await ids(path)).includes(id));
      }
      await audit.close();
      assert.deepEqual(await Promise.all(['', '.1', '.2', '.3'].map((end) => ids(path + end))), [['7', '8'], ['5', '6'], ['3', '4'], []]);
    }));

  it('must be there at the start', () =>
    assert.rejects(openAuditLog({ path: '/nowhere/at/all/audit.log', metrics: new Registry(), log: quiet }), /cannot be opened.*choose another file with --audit-log/));
});
