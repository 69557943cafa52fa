/** Roles at work over HTTPS: who is let in to what, from when, until when, and on every server of a store. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import { kinds } from '../../api/kinds.ts';
import type { JsonObject } from '../../kit/json.ts';
import { until } from '../../kit/testing.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { at, readKubeconfig, robot, withServer, type TestServer } from '../testing.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const inDefault = `${rbac}/namespaces/default`;
const robots = '/apis/test.heddle.dev/v1/namespaces/default/robots';
const as = (user: string, ...groups: string[]) => ({ headers: { 'impersonate-user': user, ...(groups.length === 0 ? {} : { 'impersonate-group': groups.join(',') }) } });
const rule = (verbs: string[], more: JsonObject = {}): JsonObject => ({ verbs, apiGroups: ['test.heddle.dev'], resources: ['robots'], ...more });

const give = async ({ call }: TestServer, rules: JsonObject[], user = 'alice', name = 'r'): Promise<void> => {
  const role = await call('POST', `${inDefault}/roles`, { body: { metadata: { name }, rules } });
  const binding = await call('POST', `${inDefault}/rolebindings`, { body: { metadata: { name }, subjects: [{ kind: 'User', name: user }], roleRef: { kind: 'Role', name } } });
  assert.deepEqual([role.status, binding.status], [201, 201], role.text + binding.text);
};

const may = async ({ call }: TestServer, user: string, resourceAttributes: JsonObject): Promise<unknown> => {
  const reply = await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { ...as(user), body: { spec: { resourceAttributes } } });
  return at(reply.json, 'status.allowed');
};

describe('a role', () => {
  it('lets in to what it says and says why, in its namespace only', () =>
    withServer(async (test) => {
      const { call } = test;
      await give(test, [rule(['get', 'list', 'create'])]);
      assert.equal((await call('POST', robots, { ...as('alice'), body: robot('r') })).status, 201);
      assert.equal((await call('GET', `${robots}/r`, as('alice'))).status, 200);
      assert.equal((await call('DELETE', `${robots}/r`, as('alice'))).status, 403);
      assert.equal((await call('GET', '/apis/test.heddle.dev/v1/robots', as('alice'))).status, 403);
      const review = await call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { spec: { user: 'alice', resourceAttributes: { namespace: 'default', verb: 'get', group: 'test.heddle.dev', resource: 'robots' } } } });
      assert.equal(review.status, 201);
      assert.deepEqual(at(review.json, 'status'), { allowed: true, reason: 'RBAC: allowed by RoleBinding "r/default" of Role "r" to User "alice"' });
    }));

  it('with names lets in to lists and watches that ask for such a name, and to no others', () =>
    withServer(async (test) => {
      const { call } = test;
      await give(test, [rule(['list', 'watch', 'patch'], { resourceNames: ['mine'] })]);
      const status = async (query: string) => (await call('GET', `${robots}${query}`, as('alice'))).status;
      assert.equal(await status('?fieldSelector=metadata.name%3Dmine'), 200);
      for (const query of ['', '?fieldSelector=metadata.name%3Dother', '?fieldSelector=metadata.name!%3Dmine', '?labelSelector=a']) assert.equal(await status(query), 403, query);
      // To apply what is not there is to create it.
      const apply = (body: unknown) => call('PATCH', `${robots}/mine?fieldManager=m&force=true`, { headers: { ...as('alice').headers, 'content-type': 'application/apply-patch+yaml' }, body });
      assert.match(String((await apply(robot('mine'))).json['message']), /cannot create resource "robots"/);
      await call('POST', robots, { body: robot('mine') });
      assert.equal((await apply(robot('mine', { speed: 2 }))).status, 200);
    }));

  it('that is taken away ends the watches that it allowed', () =>
    withServer(async (test) => {
      await give(test, [rule(['list', 'watch'])]);
      const credentials = await readKubeconfig(test.server.kubeconfigPath);
      const ended = new Promise<void>((resolve, reject) => {
        const sent = request(`${test.server.url}${robots}?watch=1`, { ...credentials, agent: false, ...as('alice') }, (response) => {
          response.resume();
          response.on('end', resolve);
          test.call('DELETE', `${inDefault}/rolebindings/r`).catch(reject);
        });
        sent.on('error', reject);
        sent.end();
      });
      await ended;
    }));

  it('made of others has their rules, and those of one that comes later', () =>
    withServer(async (test) => {
      const { call } = test;
      const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
      await call('POST', `${inDefault}/rolebindings`, { body: { metadata: { name: 'v' }, subjects: [{ kind: 'User', name: 'alice' }], roleRef: { kind: 'ClusterRole', name: 'admin' } } });
      const asked = { namespace: 'default', verb: 'fly', group: 'x', resource: 'kites' };
      assert.deepEqual([await may(test, 'alice', { ...asked, verb: 'list', group: 'test.heddle.dev', resource: 'robots' }), await may(test, 'alice', asked)], [true, false]);
      await call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'kites', labels }, rules: [{ verbs: ['fly'], apiGroups: ['x'], resources: ['kites'] }] } });
      await until('view, edit and admin have it', () => may(test, 'alice', asked).then((allowed) => allowed === true));
      await call('DELETE', `${rbac}/clusterroles/kites`);
      await until('and have it no more', () => may(test, 'alice', asked).then((allowed) => allowed === false));
    }));

  it('is not handed on by a label: who makes others of it must have what is in it', () =>
    withServer(async ({ call }) => {
      const bound = { metadata: { name: 'carol' }, subjects: [{ kind: 'User', name: 'carol' }], roleRef: { kind: 'ClusterRole', name: 'heddle-admin' } };
      assert.equal((await call('POST', `${rbac}/clusterrolebindings`, { body: bound })).status, 201);
      const label = (name: string) =>
        call('PATCH', `${rbac}/clusterroles/${name}`, {
          headers: { ...as('carol').headers, 'content-type': 'application/merge-patch+json' },
          body: { metadata: { labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } } },
        });
      const refused = await label('cluster-admin');
      assert.equal(refused.status, 403, refused.text);
      assert.match(String(refused.json['message']), /attempting to grant RBAC permissions not currently held/);
      assert.equal((await label('heddle-tenant')).status, 200);
    }, { kinds }));

  it('that was shipped is completed at the next start, and keeps what people added; another that is theirs stays as it is', async () => {
    const store = createMemoryStore();
    const view = `${rbac}/clusterroles/heddle-viewer`;
    const merge = { 'content-type': 'application/merge-patch+json' };
    const keep = { ...store, get revision() { return store.revision; }, close: async () => undefined };
    const extra = { verbs: ['fly'], apiGroups: ['x'], resources: ['kites'] };
    await withServer(
      async ({ call }) => {
        assert.equal((await call('PATCH', view, { headers: merge, body: { rules: [extra] } })).status, 200);
        const off = { metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }, rules: [] };
        assert.equal((await call('PATCH', `${rbac}/clusterroles/heddle-operator`, { headers: merge, body: off })).status, 200);
        assert.equal((await call('DELETE', `${rbac}/clusterroles/heddle-tenant`)).status, 200);
      },
      { store: keep, kinds },
    );
    await withServer(
      async ({ call }) => {
        const rules = at((await call('GET', view)).json, 'rules');
        assert.ok(Array.isArray(rules) && rules.length > 1);
        assert.deepEqual(rules[0], extra);
        assert.deepEqual(at((await call('GET', `${rbac}/clusterroles/heddle-operator`)).json, 'rules'), []);
        assert.equal((await call('GET', `${rbac}/clusterroles/heddle-tenant`)).status, 200);
      },
      { store: keep, kinds },
    );
    await store.close();
  });

  it('counts on every server of a store', async () => {
    const store = createMemoryStore();
    const keep = { ...store, get revision() { return store.revision; }, close: async () => undefined };
    await withServer(
      (one) =>
        withServer(
          async (other) => {
            assert.equal((await other.call('GET', robots, as('alice'))).status, 403);
            await give(one, [rule(['list'])]);
            await until('the other knows', async () => (await other.call('GET', robots, as('alice'))).status === 200);
            await one.call('DELETE', `${inDefault}/roles/r`);
            await until('the other knows', async () => (await other.call('GET', robots, as('alice'))).status === 403);
          },
          { store: keep },
        ),
      { store: keep },
    );
    await store.close();
  });
});

describe('acting as somebody else', () => {
  it('takes the right to do so for the user, each group, the UID and what is beside', () =>
    withServer(async (test) => {
      const { call } = test;
      const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
      const headers = { 'impersonate-user': 'bob', 'impersonate-group': 'ops', 'impersonate-uid': '7', 'impersonate-extra-team%2fname': 'net' };
      const reply = await call('POST', path, { headers, body: {} });
      assert.deepEqual(at(reply.json, 'status.userInfo'), { username: 'bob', uid: '7', groups: ['ops', 'system:authenticated'], extra: { 'team/name': ['net'] } });
      const account = await call('POST', path, { ...as('system:serviceaccount:default:ci'), body: {} });
      assert.deepEqual(at(account.json, 'status.userInfo.groups'), ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated']);
      const anonymous = await call('POST', path, { anonymous: true, ...as('admin'), body: {} });
      assert.equal(anonymous.json['message'], 'users "admin" is forbidden: User "system:anonymous" cannot impersonate resource "users" in API group "" at the cluster scope');
      assert.equal((await call('POST', path, { headers: { 'impersonate-group': 'system:masters' }, body: {} })).status, 400);
    }));
});

describe('what only the controller writes', () => {
  it('is written over HTTPS by who is in its group', () =>
    withServer(
      async ({ call }) => {
        const leases = '/apis/heddle.dev/v1alpha1/namespaces/default/dhcpleases';
        const lease = { apiVersion: 'heddle.dev/v1alpha1', kind: 'DHCPLease', metadata: { name: 'l' }, spec: { vpc: 'red', subnet: 'front', address: '10.1.0.9', mac: '02:00:00:00:00:09', switch: 'leaf-1', type: 'Dynamic' } };
        const controller = as('controller', 'system:heddle:controllers');
        assert.equal((await call('POST', leases, { body: lease })).status, 403);
        assert.equal((await call('POST', leases, { ...controller, body: lease })).status, 201);
        assert.equal((await call('DELETE', `${leases}/l`)).status, 403);
        assert.equal((await call('DELETE', `${leases}/l`, controller)).status, 200);
      },
      { kinds },
    ));
});

describe('a question about access', () => {
  it('that makes no sense is refused, never answered with yes', () =>
    withServer(async ({ call }) => {
      const base = '/apis/authorization.k8s.io/v1';
      const ask = (path: string, body: unknown) => call('POST', path, { body }).then(({ status }) => status);
      assert.deepEqual(
        [
          await ask(`${base}/selfsubjectaccessreviews`, { spec: {} }),
          await ask(`${base}/selfsubjectaccessreviews`, {}),
          await ask(`${base}/selfsubjectaccessreviews`, 'x'),
          await ask(`${base}/selfsubjectaccessreviews`, { spec: { resourceAttributes: { verb: 7 } } }),
          await ask(`${base}/selfsubjectaccessreviews`, { kind: 'SubjectAccessReview', spec: { nonResourceAttributes: { path: '/', verb: 'get' } } }),
          await ask(`${base}/subjectaccessreviews`, { spec: { nonResourceAttributes: { path: '/', verb: 'get' } } }),
          await ask(`${base}/namespaces/default/localsubjectaccessreviews`, { spec: { user: 'a', resourceAttributes: { namespace: 'other', verb: 'get' } } }),
          await ask(`${base}/selfsubjectrulesreviews`, { spec: {} }),
          await ask('/apis/authentication.k8s.io/v1/tokenreviews', { spec: {} }),
        ],
        [400, 422, 400, 422, 400, 400, 400, 400, 400],
      );
      assert.equal((await call('GET', `${base}/selfsubjectaccessreviews`)).status, 405);
      const listed = await call('GET', base);
      assert.match(listed.text, /"name":"selfsubjectaccessreviews","singularName":"selfsubjectaccessreview","namespaced":false,"kind":"SelfSubjectAccessReview","verbs":\["create"\]/);
      assert.match((await call('GET', '/api/v1')).text, /"name":"serviceaccounts\/token".*"kind":"TokenRequest".*"verbs":\["create"\]/);
    }));
});
