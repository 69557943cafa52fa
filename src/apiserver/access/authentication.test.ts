import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openCertificateAuthority } from '../pki/authority.ts';
import { readKubeconfig, withServer } from '../testing.ts';

const inDirectory = async (body: (path: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'heddle-pki-'));
  await body(directory).finally(() => rm(directory, { recursive: true }));
};

const statusWith = (url: string, path: string, tls: { ca: string; cert?: string; key?: string }): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(url + path, { agent: false, ...tls }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });

describe('the certificate authority', () => {
  it('is made once, with keys that only their owner can read', () =>
    inDirectory(async (directory) => {
      const first = await openCertificateAuthority(directory);
      await first.keptServer('server', ['localhost']);
      const again = await openCertificateAuthority(directory);
      assert.equal(again.certificate, first.certificate);
      assert.equal((await stat(join(directory, 'ca.key'))).mode & 0o777, 0o600);
      assert.equal((await stat(join(directory, 'server.key'))).mode & 0o777, 0o600);
      const authority = new X509Certificate(first.certificate);
      assert.ok(authority.ca && authority.verify(authority.publicKey));
    }));

  it('keeps a server certificate while it is good, and makes it anew for a name it lacks or another authority', () =>
    inDirectory(async (directory) => {
      const ca = await openCertificateAuthority(directory);
      const first = await ca.keptServer('server', ['localhost', '127.0.0.1', '::1']);
      const certificate = new X509Certificate(first.certificate);
      assert.ok(certificate.checkHost('localhost') && certificate.checkIP('127.0.0.1') && certificate.checkIP('::1'));
      assert.ok(certificate.checkIssued(new X509Certificate(ca.certificate)));
      assert.equal((await ca.keptServer('server', ['localhost'])).certificate, first.certificate);
      const second = await ca.keptServer('server', ['localhost', 'fabric.example']);
      assert.ok(new X509Certificate(second.certificate).checkHost('fabric.example'));
      await rm(join(directory, 'ca.crt'));
      const other = await openCertificateAuthority(directory);
      const third = await other.keptServer('server', ['localhost']);
      assert.ok(new X509Certificate(third.certificate).verify(new X509Certificate(other.certificate).publicKey));
    }));
});

describe('authentication', () => {
  it('lets the certificate of the kubeconfig do everything, in a file that only its owner can read', () =>
    withServer(async ({ server, call }) => {
      assert.equal((await stat(server.kubeconfigPath)).mode & 0o777, 0o600);
      assert.equal((await call('GET', '/api/v1/namespaces')).status, 200);
      assert.match(await readFile(server.kubeconfigPath, 'utf8'), new RegExp(`server: ${server.url}`));
    }));

  it('shows health and version to everyone, and 403 with who may not do what for the rest', () =>
    withServer(async ({ call }) => {
      for (const path of ['/version', '/healthz', '/readyz']) assert.equal((await call('GET', path, { anonymous: true })).status, 200);
      const denied = await call('GET', '/api/v1/namespaces/default', { anonymous: true });
      assert.equal(denied.status, 403);
      assert.equal(denied.json['message'], 'namespaces "default" is forbidden: User "system:anonymous" cannot get resource "namespaces" in API group "" in the namespace "default"');
      for (const path of ['/metrics', '/apis', '/openapi/v2']) assert.equal((await call('GET', path, { anonymous: true })).status, 403);
    }));

  it('refuses a certificate of another authority, and a certificate of ours without the group', () =>
    withServer(({ server }) =>
      inDirectory(async (directory) => {
        const { ca } = await readKubeconfig(server.kubeconfigPath);
        const stranger = await (await openCertificateAuthority(directory)).issueClient({ commonName: 'admin', organizations: ['system:masters'] });
        assert.equal(await statusWith(server.url, '/api/v1/namespaces', { ca, cert: stranger.certificate, key: stranger.key }), 401);
        const guest = await server.ca.issueClient({ commonName: 'guest' });
        assert.equal(await statusWith(server.url, '/api/v1/namespaces', { ca, cert: guest.certificate, key: guest.key }), 403);
      }),
    ));

  it('knows the bearer tokens of the token file and no others', () =>
    inDirectory(async (directory) => {
      const tokenFile = join(directory, 'tokens');
      await writeFile(tokenFile, '# robots\nsecret-1,ci,1,"system:masters,builders"\nsecret-2,viewer,2\n');
      await withServer(
        async ({ call }) => {
          const status = async (token: string) => (await call('GET', '/metrics', { anonymous: true, headers: { authorization: `Bearer ${token}` } })).status;
          assert.deepEqual([await status('secret-1'), await status('secret-2'), await status('secret-3')], [200, 403, 401]);
        },
        { tokenFile },
      );
    }));
});
