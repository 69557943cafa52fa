/** Access as people with kubectl have it: what may I, who am I, acting as others, roles, tokens and quotas. */
import assert from 'node:assert/strict';
import { robot } from '../testing.ts';
import { kubectlSuite } from './kubectl.ts';

await kubectlSuite('access by a real kubectl', {
  'asks what somebody may do, and why not': {
    play: async ({ ok, outcome }) => {
      assert.equal((await ok('auth', 'can-i', 'create', 'robots')).trim(), 'yes');
      const no = await outcome('auth', 'can-i', 'create', 'robots', '--as', 'alice');
      assert.deepEqual([no.code, no.out.split(' ')[0]?.trim()], [1, 'no']);
      const refused = await outcome('get', 'robots', '--as', 'alice');
      assert.match(refused.err, /robots.test.heddle.dev is forbidden: User "alice" cannot list resource "robots" in API group "test.heddle.dev" in the namespace "default"/);
      assert.match(await ok('auth', 'can-i', '--list', '--as', 'alice'), /selfsubjectaccessreviews.authorization.k8s.io +\[\] +\[\] +\[create\]/);
      assert.match(await ok('auth', 'can-i', '--list'), /\*\.\* +\[\] +\[\] +\[\*\]/);
    },
  },

  'gives roles, lists what they allow, and takes them away': {
    play: async ({ ok, outcome }) => {
      await ok('create', 'namespace', 'team');
      await ok('create', 'role', 'painter', '--verb=get,list,patch', '--resource=robots.test.heddle.dev', '-n', 'team');
      await ok('create', 'rolebinding', 'painters', '--role=painter', '--user=alice', '--group=painters', '-n', 'team');
      assert.equal((await ok('auth', 'can-i', 'list', 'robots', '-n', 'team', '--as', 'bob', '--as-group', 'painters')).trim(), 'yes');
      assert.match((await outcome('auth', 'can-i', 'delete', 'robots', '-n', 'team', '--as', 'alice')).out, /^no/);
      assert.match(await ok('auth', 'can-i', '--list', '-n', 'team', '--as', 'alice'), /robots.test.heddle.dev +\[\] +\[\] +\[get list patch\]/);
      assert.match(await ok('get', 'rolebindings', '-n', 'team', '-o', 'wide'), /painters +painter +\d+s +alice +painters/);
      assert.equal(await ok('get', 'robots', '-n', 'team', '-o', 'name', '--as', 'alice'), '');
      await ok('delete', 'rolebinding', 'painters', '-n', 'team');
      assert.match((await outcome('get', 'robots', '-n', 'team', '--as', 'alice')).err, /forbidden/);
    },
  },

  'applies roles from files, and nobody gives more than he has': {
    play: async ({ ok, outcome, file }) => {
      const role = (verbs: string[]) => ({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'r', namespace: 'default' },
        rules: [{ apiGroups: ['test.heddle.dev'], resources: ['robots'], verbs }],
      });
      assert.match(await ok('apply', '-f', await file('r.yaml', role(['get']))), /created/);
      assert.match(await ok('apply', '-f', await file('r2.yaml', role(['get', 'list']))), /configured/);
      assert.equal(await ok('get', 'role', 'r', '-o', 'jsonpath={.rules[0].verbs}'), '["get","list"]');
      await ok('create', 'rolebinding', 'admins', '--clusterrole=admin', '--user=carol');
      const more = await outcome('create', 'role', 'x', '--verb=delete', '--resource=namespaces', '--as', 'carol');
      assert.match(more.err, /is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["namespaces"\], Verbs:\["delete"\]\}/);
      await ok('create', 'role', 'y', '--verb=get', '--resource=robots.test.heddle.dev', '--as', 'carol');
      assert.match((await outcome('create', 'clusterrole', 'z', '--verb=get', '--resource=robots.test.heddle.dev', '--as', 'carol')).err, /forbidden/);
    },
  },

  'counts objects against a quota': {
    play: async ({ ok, outcome, file }) => {
      await ok('create', 'quota', 'few', '--hard=count/robots.test.heddle.dev=1');
      await ok('create', '-f', await file('a.yaml', robot('a')));
      assert.match((await outcome('create', '-f', await file('b.yaml', robot('b')))).err, /exceeded quota: few, requested: count\/robots.test.heddle.dev=1, used: count\/robots.test.heddle.dev=1, limited: count\/robots.test.heddle.dev=1/);
      assert.match(await ok('describe', 'quota', 'few'), /count\/robots.test.heddle.dev +1 +1/);
    },
  },

  'says who one is, and makes tokens for programs': {
    since: 28,
    play: async ({ ok, outcome, test }) => {
      assert.match(await ok('auth', 'whoami'), /Username +admin\nGroups +\[system:masters system:authenticated\]/);
      assert.match(await ok('auth', 'whoami', '--as', 'alice', '--as-group', 'painters'), /Username +alice\nGroups +\[painters system:authenticated\]/);
      await ok('create', 'serviceaccount', 'ci');
      const token = (await ok('create', 'token', 'ci', '--duration=1h')).trim();
      const me = await test.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { anonymous: true, body: {}, headers: { authorization: `Bearer ${token}` } });
      assert.match(me.text, /"username":"system:serviceaccount:default:ci"/);
      await ok('delete', 'serviceaccount', 'ci');
      const gone = await test.call('GET', '/apis', { anonymous: true, headers: { authorization: `Bearer ${token}` } });
      assert.equal(gone.status, 401);
      assert.match((await outcome('create', 'token', 'nobody')).err, /serviceaccounts "nobody" not found/);
    },
  },
});
