/**
 * The view of who would like to see, or to harm, what another tenant has: by forged tokens and versions, other forms of
 * answers, owners in other namespaces, reviews, odd paths. src/cli/tenants.test.ts does the same by plain reads and writes.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { kinds } from '../../api/kinds.ts';
import { apiVersion } from '../../api/object.ts';
import { isJsonObject, type JsonObject } from '../../kit/json.ts';
import { until } from '../../kit/testing.ts';
import { encodeContinue } from '../query.ts';
import { at, withServer, type Reply, type TestServer } from '../testing.ts';

const ours = '/apis/heddle.dev/v1alpha1';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
/** In the name or text of everything that is blue's. */
const mark = 'qzblue';

let test: TestServer;
let auditLog = '';
const tokens = new Map<string, string>();
const finished = Promise.withResolvers<void>();
let running: Promise<void>;

type Asked = { readonly body?: unknown; readonly headers?: { readonly [name: string]: string } };

const as = (who: string, method: string, path: string, { body, headers = {} }: Asked = {}): Promise<Reply> =>
  test.call(method, path, { anonymous: true, headers: { authorization: `Bearer ${tokens.get(who)}`, ...headers }, ...(body === undefined ? {} : { body }) });

const made = async (path: string, body: unknown): Promise<JsonObject> => {
  const reply = await test.call('POST', path, { body });
  assert.equal(reply.status, 201, reply.text);
  return reply.json;
};

const vpc = (name: string): JsonObject => ({ apiVersion, kind: 'VPC', metadata: { name, labels: { tier: 'front' } }, spec: { subnets: { [name]: { cidr: '10.1.0.0/24' } } } });
const vpcs = (namespace: string): string => `${ours}/namespaces/${namespace}/vpcs`;

const tokenFor = async (name: string, namespace: string, role?: string): Promise<void> => {
  await made(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
  const issued = await made(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, { spec: {} });
  tokens.set(name, String(at(issued, 'status.token')));
  if (role === undefined) return;
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  await made(`${rbac}/namespaces/${namespace}/rolebindings`, { metadata: { name }, subjects, roleRef: { kind: 'ClusterRole', name: role } });
};

const setUp = async (): Promise<void> => {
  for (const name of ['red', 'blue']) await made('/api/v1/namespaces', { metadata: { name } });
  await tokenFor('red', 'red', 'heddle-tenant');
  await tokenFor('viewer', 'red', 'heddle-viewer');
  await tokenFor('nobody', 'red');
  await tokenFor('blue', 'blue', 'heddle-tenant');
  await made(vpcs('red'), vpc('own'));
  for (const name of ['a', 'b', 'c']) await made(vpcs('blue'), vpc(`${mark}${name}`));
  await made('/api/v1/namespaces/blue/secrets', { metadata: { name: `${mark}-secret` }, stringData: { key: mark } });
  await made('/api/v1/namespaces/blue/events', { metadata: { name: `${mark}.1` }, involvedObject: { kind: 'VPC', namespace: 'blue', name: `${mark}a` }, reason: 'X', message: mark });
  await made(`${ours}/servers`, { apiVersion, kind: 'Server', metadata: { name: `${mark}-server` }, spec: { ports: { eth1: {} } } });
};

const forms = ['*/*', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'application/yaml'];

describe('another tenant', () => {
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heddle-redteam-'));
    auditLog = join(folder, 'audit.log');
    const ready = Promise.withResolvers<void>();
    running = withServer(
      async (server) => {
        test = server;
        await setUp();
        ready.resolve();
        await finished.promise;
      },
      { kinds, auditLog },
    ).finally(() => rm(folder, { recursive: true, force: true }));
    running.catch(ready.reject);
    await ready.promise;
  });

  after(async () => {
    finished.resolve();
    await running;
  });

  for (const who of ['red', 'viewer', 'nobody']) {
    it(`is not seen by ${who}, in whatever form or by whatever selector it is asked for`, async () => {
      const paths = [
        ...['', '?labelSelector=tier%3Dfront', '?fieldSelector=metadata.namespace%3Dblue', `?fieldSelector=metadata.name%3D${mark}a`, '?limit=1', '?watch=1&timeoutSeconds=1', '?watch=1&resourceVersion=1&timeoutSeconds=1'].flatMap((query) => [`${ours}/vpcs${query}`, `${vpcs('blue')}${query}`]),
        `${vpcs('red')}/../../blue/vpcs`,
        `${vpcs('red')}/%2e%2e/%2e%2e/blue/vpcs`,
        `${vpcs('blue')}/${mark}a/status`,
        `${ours}/servers`,
        `${ours}/servers/${mark}-server`,
        `${ours}/switches/any/goal`,
        '/api/v1/namespaces',
        '/api/v1/namespaces/blue',
        '/api/v1/namespaces?fieldSelector=metadata.name%3Dblue',
        '/api/v1/secrets',
        '/api/v1/namespaces/blue/secrets',
        '/api/v1/events?fieldSelector=involvedObject.namespace%3Dblue',
        '/apis/coordination.k8s.io/v1/leases',
        `${rbac}/clusterroles`,
        '/metrics',
      ];
      for (const path of paths) {
        for (const accept of forms) {
          const { status, text } = await as(who, 'GET', path, { headers: { accept } });
          // A path that is put right may name what is one's own.
          assert.ok(status === 403 || !text.includes('blue'), `${path} as ${accept}: ${status} ${text}`);
          for (const [named] of text.matchAll(/qzblue[\w.-]*/g)) assert.ok(path.includes(named), `${path} as ${accept} shows ${text}`);
        }
      }
    });
  }

  it('is not reached by a continue token or a version of somebody else: they say where to go on, not in what', async () => {
    const page = await test.call('GET', `${ours}/vpcs?limit=1`);
    const others = String(at(page.json, 'metadata.continue'));
    const revision = Number(at(page.json, 'metadata.resourceVersion'));
    const starts = ['', '0', `blue/${mark}a`, `../blue/${mark}a`, `/vpcs.heddle.dev/blue/${mark}a`, '~', 'own'];
    for (const token of [others, ...starts.map((start) => encodeContinue({ revision, start })), ...starts.map((start) => encodeContinue({ revision: -1, start }))]) {
      const { status, text } = await as('red', 'GET', `${vpcs('red')}?limit=5&continue=${token}`);
      assert.ok([200, 400, 410].includes(status), text);
      assert.ok(!text.includes(mark), text);
      assert.equal((await as('red', 'GET', `${ours}/vpcs?continue=${token}`)).status, 403);
    }
    const watches = ['0', '1', String(revision), '999999999999999'].map((version) => as('red', 'GET', `${vpcs('red')}?watch=1&timeoutSeconds=1&resourceVersion=${version}`));
    for (const { text } of await Promise.all(watches)) assert.ok(!text.includes(mark), text);
  });

  it('is not told of by questions about access', async () => {
    const authorization = '/apis/authorization.k8s.io/v1';
    const spec = { user: 'system:serviceaccount:blue:blue', resourceAttributes: { namespace: 'blue', verb: 'get', group: 'heddle.dev', resource: 'vpcs' } };
    for (const who of ['red', 'viewer', 'nobody']) {
      assert.equal((await as(who, 'POST', `${authorization}/subjectaccessreviews`, { body: { spec } })).status, 403);
      assert.equal((await as(who, 'POST', `${authorization}/namespaces/blue/localsubjectaccessreviews`, { body: { spec } })).status, 403);
      assert.equal((await as(who, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token: tokens.get('blue') } } })).status, 403);
      assert.equal((await as(who, 'POST', `${authorization}/selfsubjectaccessreviews`, { body: { spec: { resourceAttributes: spec.resourceAttributes } }, headers: { 'impersonate-user': spec.user } })).status, 403);
      const rules = await as(who, 'POST', `${authorization}/selfsubjectrulesreviews`, { body: { spec: { namespace: 'blue' } } });
      // Everybody may ask what would follow from a change; who may not make it is told so.
      const asked = JSON.stringify({ verbs: ['create'], apiGroups: ['heddle.dev'], resources: ['plans'] });
      assert.ok(rules.text.includes(asked), rules.text);
      assert.doesNotMatch(rules.text.replace(asked, ''), /heddle\.dev|secrets/);
      const own = await as(who, 'POST', `${authorization}/selfsubjectaccessreviews`, { body: { spec: { resourceAttributes: spec.resourceAttributes } } });
      assert.equal(at(own.json, 'status.allowed'), false);
    }
    assert.equal((await as('red', 'POST', `${authorization}/namespaces/red/localsubjectaccessreviews`, { body: { spec } })).status, 400);
  });

  it('loses nothing, and waits for nothing, by objects that call its objects their owners', async () => {
    const target = await made(vpcs('blue'), vpc(`${mark}-target`));
    const owner = { apiVersion, kind: 'VPC', name: `${mark}-target`, uid: at(target, 'metadata.uid'), blockOwnerDeletion: true, controller: true };
    const configMaps = '/api/v1/namespaces/red/configmaps';
    assert.equal((await as('red', 'POST', configMaps, { body: { metadata: { name: 'leech', finalizers: ['red.example/stay'], ownerReferences: [owner] } } })).status, 201);
    // In its own namespace there is no such owner, so it goes as if the owner were gone.
    await until('the leech is on its way out', async () => at((await as('red', 'GET', `${configMaps}/leech`)).json, 'metadata.deletionTimestamp') !== undefined);
    assert.equal((await as('blue', 'GET', `${vpcs('blue')}/${mark}-target`)).status, 200);
    const gone = await as('blue', 'DELETE', `${vpcs('blue')}/${mark}-target`, { body: { propagationPolicy: 'Foreground' } });
    assert.equal(gone.status, 200, gone.text);
    await until('it is not held', async () => (await as('blue', 'GET', `${vpcs('blue')}/${mark}-target`)).status === 404);
    await as('red', 'PATCH', `${configMaps}/leech`, { body: { metadata: { finalizers: null } }, headers: { 'content-type': 'application/merge-patch+json' } });
  });

  it('may delete what others would like to peer with, and is not told that they would', async () => {
    await made(vpcs('blue'), vpc(`${mark}-wanted`));
    const wish = { apiVersion, kind: 'VPCPeering', metadata: { name: 'wish' }, spec: { permit: [[{ vpc: 'own' }, { vpc: `${mark}-wanted`, namespace: 'blue' }]] } };
    assert.equal((await as('red', 'POST', `${ours}/namespaces/red/vpcpeerings`, { body: wish })).status, 201);
    const gone = await as('blue', 'DELETE', `${vpcs('blue')}/${mark}-wanted`);
    assert.equal(gone.status, 200, gone.text);
    assert.doesNotMatch(gone.text, /wish|red/);
  });

  it('is not entered through roles: neither by labels that others are made of, nor by bindings of more than one has', async () => {
    const role = { metadata: { name: 'x', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }, rules: [{ verbs: ['get', 'list'], apiGroups: ['heddle.dev'], resources: ['vpcs'] }] };
    assert.equal((await as('red', 'POST', `${rbac}/clusterroles`, { body: role })).status, 403);
    assert.equal((await as('red', 'POST', `${rbac}/namespaces/red/roles`, { body: role })).status, 201);
    const view = await test.call('GET', `${rbac}/clusterroles/heddle-tenant`);
    assert.ok(isJsonObject(view.json));
    for (const rules of [[{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], [{ verbs: ['impersonate'], apiGroups: [''], resources: ['users', 'groups'] }], [{ verbs: ['escalate', 'bind'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'] }], [{ verbs: ['update'], apiGroups: ['heddle.dev'], resources: ['vpcs/status'] }]]) {
      assert.equal((await as('red', 'POST', `${rbac}/namespaces/red/roles`, { body: { metadata: { name: 'more' }, rules } })).status, 403, JSON.stringify(rules));
      const patch = { body: { rules }, headers: { 'content-type': 'application/merge-patch+json' } };
      assert.equal((await as('red', 'PATCH', `${rbac}/namespaces/red/roles/x`, patch)).status, 403, JSON.stringify(rules));
    }
    // What he may do ends at his namespace, whomever he gives it to.
    const given = { metadata: { name: 'given' }, subjects: [{ kind: 'ServiceAccount', name: 'nobody', namespace: 'red' }], roleRef: { kind: 'Role', name: 'x' } };
    assert.equal((await as('red', 'POST', `${rbac}/namespaces/red/rolebindings`, { body: given })).status, 201);
    await until('it is given', async () => (await as('nobody', 'GET', vpcs('red'))).status === 200);
    assert.equal((await as('nobody', 'GET', vpcs('blue'))).status, 403);
  });

  it('cannot be made to appear in the audit log by what a client sends, and no body is in it', async () => {
    const forged = 'a","user":{"username":"blue"},"x":"\\u000a{';
    await as('red', 'GET', `/version?x=%0a%7B%22user%22%3A1%7D&token=hush-query`, { headers: { 'user-agent': forged } });
    await as('red', 'POST', '/api/v1/namespaces/red/secrets', { body: { metadata: { name: 's' }, stringData: { key: 'hush-body' } } });
    await as('red', 'GET', '/api/v1/namespaces/red/secrets/s');
    await as('red', 'POST', '/api/v1/namespaces/red/serviceaccounts/red/token', { body: { spec: {} } });
    const lines = await until('the last is written', async () => {
      const found = (await readFile(auditLog, 'utf8')).split('\n').slice(0, -1).map((line): unknown => JSON.parse(line));
      return found.some((line) => at(line, 'objectRef.subresource') === 'token' && at(line, 'user.username') === 'system:serviceaccount:red:red') && found;
    });
    const mine = lines.find((line) => at(line, 'userAgent') === forged);
    assert.equal(at(mine, 'user.username'), 'system:serviceaccount:red:red');
    const text = JSON.stringify(lines);
    for (const hidden of ['hush-query', 'hush-body', Buffer.from('hush-body').toString('base64'), ...[...tokens.values()].map((token) => token.split('.')[2] ?? '')]) {
      assert.ok(!text.includes(hidden), hidden);
    }
  });
});
