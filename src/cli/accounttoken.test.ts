/** Tokens and kubeconfigs for programs: what `heddle token create` prints lets in whom it says, for as long as it says. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { createApiClient } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { parseJwt } from '../apiserver/access/jwt.ts';
import { openWorkbench, type Workbench } from './testing.ts';

let bench: Workbench;
before(async () => {
  bench = await openWorkbench();
});
after(() => bench.close());

const claimsOf = (token: string): JsonObject => parseJwt(token)?.claims ?? {};

/** Who the server says that the kubeconfig is. */
const whoIs = async (kubeconfig: string): Promise<JsonObject> => {
  const file = join(bench.folder, 'given');
  writeFileSync(file, kubeconfig, { mode: 0o600 });
  const client = createApiClient(readKubeconfig(file));
  try {
    const { body } = await client.call({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: {} });
    return objectOr(objectOr(objectOr(body)['status'])['userInfo']);
  } finally {
    client.close();
  }
};

describe('heddle token create', () => {
  it('makes the account, and prints a token that is good for the time asked for', async () => {
    const { status, out, note } = await bench.heddle('token create --for ci --duration 30m');
    assert.equal(status, 0, note);
    const { sub, exp, iat } = claimsOf(out.trim());
    assert.equal(sub, 'system:serviceaccount:default:ci');
    assert.equal(Number(exp) - Number(iat), 1800);
    assert.match(note, /^good until \d{4}-\S+Z; ends at once when ServiceAccount "default\/ci" is deleted\n$/);
    assert.match((await bench.heddle('get serviceaccount ci')).out, /^NAME +.*\nci /);
    const again = await bench.heddle('token create --for ci');
    assert.equal(again.status, 0, again.note);
    assert.equal(Number(claimsOf(again.out.trim())['exp']) - Number(claimsOf(again.out.trim())['iat']), 86_400);
  });

  it('prints a kubeconfig of that account alone, in its groups', async () => {
    const { status, out, note } = await bench.heddle('token create --for robot --group ops --group net -o kubeconfig');
    assert.equal(status, 0, note);
    const config: unknown = parse(out);
    const { users } = objectOr(config);
    assert.ok(Array.isArray(users) && users.length === 1 && isJsonObject(users[0]));
    assert.deepEqual(Object.keys(objectOr(users[0]['user'])), ['token'], 'nothing of who asked for it');
    const { username, groups } = await whoIs(out);
    assert.equal(username, 'system:serviceaccount:default:robot');
    assert.deepEqual(groups, ['system:serviceaccounts', 'system:serviceaccounts:default', 'ops', 'net', 'system:authenticated']);
  });

  it('gives nobody groups that he could not act as, nor tokens of other namespaces', async () => {
    const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'owner', namespace: 'default' }, subjects: [{ kind: 'ServiceAccount', name: 'owner', namespace: 'default' }], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'heddle-tenant' } };
    await bench.server.client.create(binding);
    const owner = join(bench.folder, 'owner');
    writeFileSync(owner, (await bench.heddle('token create --for owner -o kubeconfig')).out, { mode: 0o600 });
    assert.equal((await bench.heddle(`token create --for mine --kubeconfig ${owner}`)).status, 0);
    const masters = await bench.heddle(`token create --for mine --group system:masters --kubeconfig ${owner}`);
    assert.equal(masters.status, 1);
    assert.match(masters.note, /groups "system:masters" is forbidden: User "system:serviceaccount:default:owner" cannot impersonate/);
    const elsewhere = await bench.heddle(`token create --for mine -n kube-system --kubeconfig ${owner}`);
    assert.equal(elsewhere.status, 1);
    assert.match(elsewhere.note, /forbidden/);
  });

  it('refuses what makes no sense, and says what would', async () => {
    for (const [words, told] of [
      ['token create', /give either --device NAME or --for NAME/],
      ['token create --for a --device b', /give either --device NAME or --for NAME/],
      ['token create --for a --duration 1m', /may not be less than 10 minutes/],
      ['token create --for a --duration soon', /"soon"/],
      ['token create --for A_B', /A_B/],
    ] as const) {
      const { status, note } = await bench.heddle(words);
      assert.notEqual(status, 0, words);
      assert.match(note, told, words);
    }
  });

  it('prints a token that says who it is and no more, and none that can be altered', async () => {
    const token = (await bench.heddle('token create --for ci')).out.trim();
    const statusWith = (text: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request(`${bench.server.url}/api/v1/namespaces`, { ca: bench.server.ca.certificate, agent: false, headers: { authorization: `Bearer ${text}` } }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        sent.on('error', reject);
        sent.end();
      });
    assert.equal(await statusWith(token), 403, 'known, and may do nothing yet');
    assert.equal(await statusWith(`${token.slice(0, -4)}AAAA`), 401);
  });
});
