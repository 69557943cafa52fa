/** Watches end with what let them in: the token, the account behind it, the right to act as somebody else. */
import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { HeddleError } from '../../kit/error.ts';
import { until } from '../../kit/testing.ts';
import { at, readKubeconfig, robot, withServer, type TestServer } from '../testing.ts';
import { createGuard } from './guard.ts';
import type { User } from './user.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const robots = '/apis/test.heddle.dev/v1/namespaces/default/robots';
const accounts = '/api/v1/namespaces/default/serviceaccounts';

interface Watching {
  readonly told: string[];
  readonly ended: Promise<void>;
}

/** Begins a watch; resolves when it has been let in. */
const watch = async ({ server }: TestServer, path: string, headers: { readonly [name: string]: string }, isAdmin = false): Promise<Watching> => {
  const { ca, cert, key } = await readKubeconfig(server.kubeconfigPath);
  return new Promise((resolve, reject) => {
    const sent = request(server.url + path, { ca, ...(isAdmin ? { cert, key } : {}), agent: false, headers }, (response) => {
      if (response.statusCode !== 200) {
        sent.destroy();
        reject(new Error(`the watch is answered with ${response.statusCode}`));
        return;
      }
      const told: string[] = [];
      response.setEncoding('utf8').on('data', (text: string) => told.push(text));
      resolve({ told, ended: new Promise((end) => response.on('close', end)) });
    });
    sent.on('error', reject);
    sent.end();
  });
};

const tokenOf = async ({ call }: TestServer, name: string): Promise<string> => {
  assert.equal((await call('POST', accounts, { body: { metadata: { name } } })).status, 201);
  return String(at((await call('POST', `${accounts}/${name}/token`, { body: { spec: {} } })).json, 'status.token'));
};

const bind = async ({ call }: TestServer, name: string, subject: object, role: string, cluster = false): Promise<void> => {
  const path = cluster ? `${rbac}/clusterrolebindings` : `${rbac}/namespaces/default/rolebindings`;
  assert.equal((await call('POST', path, { body: { metadata: { name }, subjects: [subject], roleRef: { kind: 'ClusterRole', name: role } } })).status, 201);
};

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a watch', () => {
  it('ends when the ServiceAccount is deleted whose token opened it, and those of others go on', () =>
    withServer(async (test) => {
      const [ada, bob] = [await tokenOf(test, 'ada'), await tokenOf(test, 'bob')];
      for (const name of ['ada', 'bob']) await bind(test, name, { kind: 'ServiceAccount', name, namespace: 'default' }, 'view');
      const [hers, his] = [await watch(test, `${robots}?watch=1`, bearer(ada)), await watch(test, `${robots}?watch=1`, bearer(bob))];
      await test.call('DELETE', `${accounts}/ada`);
      await hers.ended;
      await test.call('POST', robots, { body: robot('r') });
      await until('the other is told', () => his.told.join('').includes('"name":"r"'));
    }));

  it('ends when who opened it may act as its user no more', () =>
    withServer(async (test) => {
      const token = await tokenOf(test, 'ada');
      await bind(test, 'bob', { kind: 'User', name: 'bob' }, 'view');
      await test.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'be-bob' }, rules: [{ verbs: ['impersonate'], apiGroups: [''], resources: ['users'], resourceNames: ['bob'] }] } });
      await bind(test, 'ada', { kind: 'ServiceAccount', name: 'ada', namespace: 'default' }, 'be-bob', true);
      const watching = await watch(test, `${robots}?watch=1`, { ...bearer(token), 'impersonate-user': 'bob' });
      await test.call('DELETE', `${rbac}/clusterrolebindings/ada`);
      await watching.ended;
    }));
});

describe('the guard', () => {
  const visitor: User = { name: 'ada', groups: [], uid: 'u1' };
  const attributes = { user: visitor, verb: 'watch', path: '/' };
  const setUp = (user: User) => {
    const state = { answer: async (): Promise<User> => user, isAllowed: true, clock: 1000 };
    const authenticator = { userOf: () => state.answer(), userOfToken: async () => undefined };
    const guard = createGuard({ authenticator, authorize: () => ({ allowed: state.isAllowed, reason: '' }), now: () => state.clock, lookMilliseconds: 5 });
    const ended: string[] = [];
    const admit = (name: string, asker = user): (() => void) =>
      guard.admit({ request: new IncomingMessage(new Socket()), asker, attributes, end: () => void ended.push(name) });
    return { state, guard, ended, admit };
  };

  it('ends a visit when the credentials are good no more, and not because nobody can tell', async () => {
    const { state, ended, admit } = setUp(visitor);
    let asked = 0;
    state.answer = async () => {
      asked += 1;
      throw new HeddleError('Unavailable', 'the provider is away');
    };
    const leave = admit('a');
    await until('it was looked at twice', () => asked > 1);
    assert.deepEqual(ended, []);
    state.answer = () => Promise.reject(new HeddleError('Unauthorized', 'Unauthorized'));
    await until('it has ended', () => ended.length > 0);
    leave();
    assert.deepEqual(ended, ['a']);
  });

  it('looks at the moment in which the credentials end', async () => {
    const soon = { ...visitor, until: 1000 };
    const authenticator = { userOf: () => Promise.reject(new HeddleError('Unauthorized', 'Unauthorized')), userOfToken: async () => undefined };
    const guard = createGuard({ authenticator, authorize: () => ({ allowed: true, reason: '' }), now: () => 1000, lookMilliseconds: 3_600_000 });
    await new Promise<void>((resolve) => guard.admit({ request: new IncomingMessage(new Socket()), asker: soon, attributes, end: resolve }));
  });

  it('ends visits by account and by role, once, and leaves alone who has left', async () => {
    const { state, guard, ended, admit } = setUp(visitor);
    const leave = [admit('a'), admit('b', { ...visitor, uid: 'u2' }), admit('c')];
    leave[2]?.();
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'ada', namespace: 'n', uid: 'u1' } };
    guard.accounts.put(account);
    assert.deepEqual(ended, []);
    guard.accounts.put({ ...account, metadata: { ...account.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
    guard.accounts.remove(account);
    assert.deepEqual(ended, ['a']);
    guard.rolesChanged();
    assert.deepEqual(ended, ['a']);
    state.isAllowed = false;
    guard.rolesChanged();
    assert.deepEqual(ended, ['a', 'b']);
  });
});
