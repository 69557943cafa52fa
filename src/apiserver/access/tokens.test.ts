/** Tokens that are not what they say: every way to forge one ends in a 401. */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { HeddleError } from '../../kit/error.ts';
import { objectOr, type JsonObject } from '../../kit/json.ts';
import { until } from '../../kit/testing.ts';
import { at, withServer, type TestServer } from '../testing.ts';
import { parseJwt } from './jwt.ts';
import { createKeySet } from './keyset.ts';
import { createOidc, type OidcOptions } from './oidc.ts';
import { createTokenIssuer, defaultAudience, tokenIssuer } from './tokens.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const keys = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
};

const signed = (alg: keyof typeof keys, claims: JsonObject, header: JsonObject = {}, key: KeyObject = keys[alg]): string => {
  const input = `${encode({ alg, kid: alg, ...header })}.${encode(claims)}`;
  const signature = sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
};

const jwk = (key: KeyObject, kid: string): JsonObject => ({ ...objectOr(createPublicKey(key).export({ format: 'jwk' })), kid });

const issuer = 'https://login.example';
const now = Math.floor(Date.now() / 1000);
const good = { iss: issuer, aud: 'heddle', sub: 'alice', exp: now + 600, groups: ['net', 'system:masters'] };

const inDirectory = async (body: (path: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'heddle-oidc-'));
  await body(directory).finally(() => rm(directory, { recursive: true }));
};

const bearer = (token: string) => ({ anonymous: true, headers: { authorization: `Bearer ${token}` } });

const whoIs = async ({ call }: TestServer, token: string): Promise<unknown> => {
  const reply = await call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { ...bearer(token), body: {} });
  return reply.status === 201 ? at(reply.json, 'status.userInfo') : reply.status;
};

describe('a token of an identity provider', () => {
  it('is good when issuer, audience, time and signature are, by every algorithm, and never makes one of ours of its user', () =>
    inDirectory(async (directory) => {
      const jwks = join(directory, 'jwks.json');
      await writeFile(jwks, JSON.stringify({ keys: Object.entries(keys).map(([kid, key]) => jwk(key, kid)) }));
      await withServer(
        async (test) => {
          const alice = { username: `${issuer}#alice`, groups: ['net', 'system:authenticated'] };
          for (const alg of ['RS256', 'ES256', 'EdDSA'] as const) assert.deepEqual(await whoIs(test, signed(alg, good)), alice, alg);
          const none = `${encode({ alg: 'none' })}.${encode(good)}.`;
          const publicPem = createPublicKey(keys.RS256).export({ type: 'spki', format: 'pem' });
          const confused = `${encode({ alg: 'HS256', kid: 'RS256' })}.${encode(good)}`;
          const forged: readonly string[] = [
            none,
            `${none}x`,
            `${confused}.${createHmac('sha256', publicPem).update(confused).digest('base64url')}`,
            signed('ES256', good, {}, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
            signed('ES256', good, { kid: 'RS256' }),
            signed('ES256', good, { alg: 'RS256' }),
            signed('ES256', good, { crit: ['exp'] }),
            signed('ES256', { ...good, exp: now - 60 }),
            signed('ES256', { ...good, exp: undefined }),
            signed('ES256', { ...good, exp: 'never' }),
            signed('ES256', { ...good, nbf: now + 60 }),
            signed('ES256', { ...good, aud: 'other' }),
            signed('ES256', { ...good, aud: undefined }),
            signed('ES256', { ...good, iss: 'https://evil.example' }),
            signed('ES256', { ...good, iss: tokenIssuer }),
            signed('ES256', { ...good, sub: '' }),
            signed('ES256', good).replace(/.$/, ''),
            'x.y.z',
          ];
          for (const token of forged) assert.equal(await whoIs(test, token), 401, token);
          const parts = signed('ES256', good).split('.');
          assert.equal(await whoIs(test, `${parts[0]}.${encode({ ...good, sub: 'root' })}.${parts[2]}`), 401);
        },
        { oidc: { issuer, clientId: 'heddle', jwks } },
      );
    }));

  it('is judged by the keys that the discovery document of its issuer names, and of no other issuer', async () => {
    const asked: string[] = [];
    let [named, redirects] = ['', false];
    const provider = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (redirects) response.writeHead(302, { location: `${named}/keys` }).end();
      else if (request.url === '/realm/.well-known/openid-configuration') response.end(JSON.stringify({ issuer: named, jwks_uri: `${named}/keys` }));
      else if (request.url === '/realm/keys') response.end(JSON.stringify({ keys: [jwk(keys.ES256, 'ES256'), { kty: 'oct', kid: 'secret', k: 'aGVkZGxl' }] }));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const address = provider.address();
    const realm = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/realm`;
    try {
      named = realm;
      await withServer(
        async (test) => {
          assert.deepEqual(await whoIs(test, signed('ES256', { ...good, iss: realm })), { username: `${realm}#alice`, groups: ['net', 'system:authenticated'] });
          assert.equal(await whoIs(test, signed('ES256', good)), 401);
          const secret = `${encode({ alg: 'HS256', kid: 'secret' })}.${encode({ ...good, iss: realm })}`;
          assert.equal(await whoIs(test, `${secret}.${createHmac('sha256', 'heddle').update(secret).digest('base64url')}`), 401);
        },
        { oidc: { issuer: realm, clientId: 'heddle' } },
      );
      assert.deepEqual(asked.slice(0, 2), ['/realm/.well-known/openid-configuration', '/realm/keys']);
      const codeOf = (issuerNow: string) => createKeySet({ issuer: issuerNow }).keysFor('ES256').then(String, (thrown: unknown) => HeddleError.from(thrown).code);
      named = 'https://somebody.else.example';
      assert.equal(await codeOf(realm), 'Unavailable', 'the document is of another issuer');
      [named, redirects] = [realm, true];
      assert.equal(await codeOf(realm), 'Unavailable', 'keys come from where the issuer says, not from where that leads');
    } finally {
      provider.closeAllConnections();
      await new Promise((resolve) => provider.close(resolve));
    }
  });

  it('has the names that its options say', async () => {
    const keySet = { generation: () => 1, keysFor: async () => [createPublicKey(keys.ES256)] };
    const nameBy = async (options: Partial<OidcOptions>, claims: JsonObject): Promise<unknown> => {
      const jwt = parseJwt(signed('ES256', { ...good, ...claims }));
      const user = jwt && (await createOidc({ issuer, clientId: 'heddle', ...options }, keySet).userOf(jwt, now));
      return user && [user.name, ...user.groups];
    };
    const anybody = 'system:authenticated';
    assert.deepEqual(await nameBy({ usernamePrefix: '-' }, {}), ['alice', 'net', anybody]);
    assert.deepEqual(await nameBy({ usernameClaim: 'email' }, { email: 'a@b.c', email_verified: true }), ['a@b.c', 'net', anybody]);
    assert.equal(await nameBy({ usernameClaim: 'email' }, { email: 'a@b.c', email_verified: false }), undefined);
    assert.deepEqual(await nameBy({ usernamePrefix: 'x:', groupsClaim: 'roles', groupsPrefix: 'x:' }, { roles: 'ops' }), ['x:alice', 'x:ops', anybody]);
    assert.equal(await nameBy({ usernamePrefix: '-' }, { sub: 'system:admin' }), undefined);
  });

  it('is judged by the keys of the moment: new ones are looked for, those that went count no more', () =>
    inDirectory(async (directory) => {
      const jwks = join(directory, 'jwks.json');
      const write = (...names: (keyof typeof keys)[]) => writeFile(jwks, JSON.stringify({ keys: names.map((name) => jwk(keys[name], name)) }));
      let clock = 0;
      await write('ES256');
      const keySet = createKeySet({ issuer, jwks }, () => clock);
      assert.equal((await keySet.keysFor('ES256')).length, 1);
      await write('EdDSA');
      assert.equal((await keySet.keysFor('EdDSA')).length, 0, 'not asked for again at once');
      clock += 20_000;
      assert.equal((await keySet.keysFor('EdDSA')).length, 1);
      assert.deepEqual([(await keySet.keysFor('ES256')).length, keySet.generation()], [0, 2]);
      await write('RS256');
      assert.equal(keySet.generation(), 2);
      clock += 600_000;
      await until('new keys are looked for though nobody asks for one', () => keySet.generation() === 3);
      await write('EdDSA');
      clock += 600_000;
      assert.equal((await keySet.keysFor('EdDSA')).length, 1);
      await rm(jwks);
      clock += 600_000;
      assert.equal((await keySet.keysFor('EdDSA')).length, 1, 'a provider that is away takes nobody out');
      const nowhere = createKeySet({ issuer, jwks: join(directory, 'none') }, () => clock);
      await assert.rejects(nowhere.keysFor('x'), (thrown) => HeddleError.from(thrown).code === 'Unavailable');
    }));
});

describe('a token of a ServiceAccount', () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const ask = (spec: JsonObject = {}, groups = ''): JsonObject => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', ...(groups === '' ? {} : { metadata: { annotations: { 'heddle.dev/groups': groups } } }), spec });
  const make = ({ call }: TestServer) => call('POST', accounts, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'ci' } } });

  it('is of that account, ends with it, and one of the same name made later is another', () =>
    withServer(async (test) => {
      const { call } = test;
      await make(test);
      const issued = await call('POST', `${accounts}/ci/token`, { body: ask({ expirationSeconds: 3600 }) });
      assert.equal(issued.status, 201, issued.text);
      const token = String(at(issued.json, 'status.token'));
      const user = objectOr(await whoIs(test, token));
      assert.deepEqual([user['username'], user['groups']], ['system:serviceaccount:default:ci', ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated']]);
      const review = await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token } } });
      assert.deepEqual([at(review.json, 'status.authenticated'), at(review.json, 'status.user.username')], [true, 'system:serviceaccount:default:ci']);
      await call('DELETE', `${accounts}/ci`);
      assert.equal(await whoIs(test, token), 401);
      await make(test);
      assert.equal(await whoIs(test, token), 401);
    }));

  it('is for whom it was asked for, for no less than ten minutes, and in other groups only by who could act as them', () =>
    withServer(async (test) => {
      const { call } = test;
      await make(test);
      const other = await call('POST', `${accounts}/ci/token`, { body: ask({ audiences: ['vault'] }) });
      assert.equal(await whoIs(test, String(at(other.json, 'status.token'))), 401);
      assert.equal((await call('POST', `${accounts}/ci/token`, { body: ask({ expirationSeconds: 60 }) })).status, 422);
      assert.equal((await call('POST', `${accounts}/nobody/token`, { body: ask() })).status, 404);
      assert.equal((await call('GET', `${accounts}/ci/token`)).status, 405);
      const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'a' }, subjects: [{ kind: 'User', name: 'alice' }], roleRef: { kind: 'ClusterRole', name: 'heddle-tenant' } };
      assert.equal((await call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', { body: binding })).status, 201);
      const asAlice = { headers: { 'impersonate-user': 'alice' } };
      assert.equal((await call('POST', `${accounts}/ci/token`, { ...asAlice, body: ask() })).status, 201);
      const refused = await call('POST', `${accounts}/ci/token`, { ...asAlice, body: ask({}, 'system:masters') });
      assert.equal(refused.json['message'], 'groups "system:masters" is forbidden: User "alice" cannot impersonate resource "groups" in API group "" at the cluster scope');
    }));

  it('says nothing when it has ended, or when somebody else signed it', () => {
    const [ours, theirs] = [createTokenIssuer(keys.ES256), createTokenIssuer(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)];
    const account = { namespace: 'n', name: 'a', uid: 'u', groups: [], audiences: [defaultAudience] };
    const jwt = parseJwt(ours.issue(account, 1000, 2000));
    assert.ok(jwt);
    assert.equal(ours.verify(jwt, 1500, [defaultAudience])?.uid, 'u');
    assert.equal(ours.verify(jwt, 2011, [defaultAudience]), undefined);
    assert.equal(ours.verify(jwt, 900, [defaultAudience]), undefined);
    assert.equal(theirs.verify(jwt, 1500, [defaultAudience]), undefined);
  });
});
