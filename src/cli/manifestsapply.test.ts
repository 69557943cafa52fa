/** What of the manifests our own API server serves goes through kubectl's server-side dry run; of the rest it says what it is. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../kit/log.ts';
import { tryRun } from '../kit/process.ts';
import { processIo } from './io.ts';
import { runProgram } from './program.ts';
import { openControlPlane } from './server.ts';

const program = '/usr/bin/kubectl';

test('namespace and access of the manifests are accepted by a server-side dry run, which writes nothing', { skip: !existsSync(program) && 'kubectl is not installed' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-manifests-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const plane = await openControlPlane({ data: join(folder, 'server'), listen: '127.0.0.1:0', southbound: '127.0.0.1:0', store: 'memory' }, createLogger({ name: 'test', level: 'silent' }));
  t.after(() => plane.close());
  const quiet = { ...processIo(new AbortController().signal), note: () => undefined };
  assert.equal(await runProgram(['manifests', '-o', join(folder, 'made'), '-n', 'fabric'], quiet), 0);
  const dryRun = (file: string) =>
    tryRun([program, '--kubeconfig', plane.kubeconfigPath, 'apply', '--dry-run=server', '-f', join(folder, 'made', file)], { env: { HOME: folder, PATH: process.env['PATH'] } });

  const namespace = await dryRun('20-namespace.yaml');
  assert.equal(namespace.stdout, 'namespace/fabric created (server dry run)\n', namespace.stderr);
  await assert.rejects(plane.client.get({ kind: 'Namespace', namespace: '', name: 'fabric' }), { code: 'NotFound' });
  await plane.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fabric' } });
  const access = await dryRun('30-access.yaml');
  const lines = access.stdout.trim().split('\n');
  assert.equal(lines.length, 9, access.stderr);
  assert.ok(lines.every((line) => /^(serviceaccount|(cluster)?role(binding)?\.rbac\.authorization\.k8s\.io)\/heddle-[a-z]+ (created|configured|unchanged) \(server dry run\)$/.test(line)), access.stdout);
  assert.deepEqual((await plane.client.list('Role')).items.filter(({ metadata }) => metadata.namespace === 'fabric'), []);
  const workload = await dryRun('40-controller.yaml');
  assert.match(workload.stderr, /no matches for kind "Deployment" in version "apps\/v1"/);
});
