import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findKubeconfig, readKubeconfig } from './kubeconfig.ts';

const folder = mkdtempSync(join(tmpdir(), 'heddle-kubeconfig-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test('the flag wins over HEDDLE_KUBECONFIG, that over KUBECONFIG, that over what runs, that over the home directory', () => {
  const running = [join(folder, 'gone'), file('running', '')];
  const env = { HEDDLE_KUBECONFIG: 'h', KUBECONFIG: ':k:l', HOME: folder };
  assert.equal(findKubeconfig({ flag: 'f', env, running }), 'f');
  assert.equal(findKubeconfig({ env, running }), 'h');
  assert.equal(findKubeconfig({ env: { ...env, HEDDLE_KUBECONFIG: '' }, running }), 'k');
  assert.equal(findKubeconfig({ env: { HOME: folder }, running }), join(folder, 'running'));
  assert.throws(() => findKubeconfig({ env: { HOME: folder }, running: [] }), /no API server is known: start one/);
  const two = [...running, file('second', '')];
  assert.throws(() => findKubeconfig({ env: { HOME: folder }, running: two }), /several API servers run here: say which .*running, .*second/);
  assert.equal(findKubeconfig({ flag: 'f', env, running: two }), 'f');
});

test('certificates may be inside the file or beside it', () => {
  file('ca.pem', 'the authority');
  const access = readKubeconfig(
    file(
      'config',
      `
current-context: here
contexts: [{ name: here, context: { cluster: c, user: u, namespace: red } }]
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:6443/", certificate-authority: ca.pem } }]
users: [{ name: u, user: { client-certificate-data: ${Buffer.from('me').toString('base64')}, token: t } }]
`,
    ),
  );
  assert.deepEqual(access, {
    server: 'https://127.0.0.1:6443',
    authority: 'the authority',
    certificate: 'me',
    token: 't',
    insecure: false,
    namespace: 'red',
    file: join(folder, 'config'),
  });
});

test('a broken kubeconfig says which part of which file is missing', () => {
  const broken = file('broken', 'current-context: x\ncontexts: []\n');
  assert.throws(() => readKubeconfig(broken), { message: `kubeconfig "${broken}" has no context "x"` });
  assert.throws(() => readKubeconfig(join(folder, 'absent')), /kubeconfig ".*absent" cannot be read/);
});
