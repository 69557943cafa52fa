/**
 * Two tenants on one control plane. All that is one's has a mark of its own; whatever the other does, by every verb on every
 * kind and path, in no answer, watch, condition or event is that mark, and nothing of the first has changed.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { coreKinds } from '../api/core/index.ts';
import { kinds } from '../api/kinds.ts';
import type { Kind, Resource } from '../api/object.ts';
import { attachment, object, peering, smallFabric, vpc } from '../compile/fixture.ts';
import { createAll, fresh } from '../control/testing.ts';
import { objectOr } from '../kit/json.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { runProgram } from './program.ts';
import { openControlPlane, type ControlPlane } from './server.ts';

interface Tenant {
  readonly namespace: string;
  /** In everything that is this tenant's. */
  readonly mark: string;
  token: string;
}

const amber: Tenant = { namespace: 'amber', mark: 'qzamber', token: '' };
const cyan: Tenant = { namespace: 'cyan', mark: 'qzcyan', token: '' };
const both: readonly (readonly [Tenant, Tenant])[] = [
  [amber, cyan],
  [cyan, amber],
];

const folder = mkdtempSync(join(tmpdir(), 'heddle-tenants-'));
let plane: ControlPlane;
let authority = '';

const agent = new Agent({ keepAlive: true, maxSockets: 24 });

interface Reply {
  readonly status: number;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
}

/** As the tenant; answers to watches end by themselves. */
const ask = ({ token }: Tenant, path: string, { method = 'GET', body, type = 'application/json', accept = '*/*' }: Asked = {}): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { authorization: `Bearer ${token}`, accept, ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }) };
    const sent = request(plane.url + path, { method, agent, ca: authority, headers }, (response) => {
      let got = JSON.stringify(response.headers);
      response.setEncoding('utf8').on('data', (part: string) => (got += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: got }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(text);
  });

const tokenOf = async (name: string, namespace: string): Promise<string> => {
  let out = '';
  const io = { out: (text: string) => (out += text), note: () => undefined, stdin: async () => '', env: { HEDDLE_KUBECONFIG: plane.kubeconfigPath }, signal: new AbortController().signal, columns: 80, isTerminal: false };
  assert.equal(await runProgram(['token', 'create', '--for', name, '-n', namespace], io), 0);
  return out.trim();
};

const core = (kind: string, name: string, namespace: string, rest: object = {}): Resource => ({ apiVersion: 'v1', kind, metadata: { name, namespace }, ...rest });

/** What there is of one tenant: some of it collides with what the other has, on purpose. */
const belongings = ({ namespace, mark }: Tenant, picks: readonly number[]): Resource[] => {
  const making = { namespace };
  const networks = picks.map((pick, index) => vpc(`${mark.slice(2)}${index}`, { [mark]: `10.${pick}.0.0/24` }, {}, making));
  const names = networks.map(({ metadata }) => metadata.name);
  return [
    vpc('shared', { front: '10.99.0.0/24' }, {}, making),
    ...networks,
    ...['a1--leaf-1', 'b2--leaf-2'].map((connection, index) => attachment(`${mark}-${index}`, { vpc: names[index % names.length] ?? 'shared', subnet: mark, connection }, making)),
    object('SecurityPolicy', `${mark}-policy`, { vpc: 'shared', description: mark, subjects: { all: true }, directions: ['Ingress'] }, making),
    core('ConfigMap', `${mark}-config`, namespace, { data: { text: mark } }),
    core('Secret', `${mark}-secret`, namespace, { data: { text: Buffer.from(mark).toString('base64') } }),
    core('Event', `${mark}.1`, namespace, { involvedObject: { kind: 'VPC', namespace, name: mark }, reason: mark, message: mark }),
    core('ResourceQuota', `${mark}-quota`, namespace, { spec: { hard: { 'count/configmaps': '50' } } }),
  ];
};

before(async () => {
  plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, createLogger({ name: 'test', level: 'silent' }));
  authority = readFileSync(join(folder, 'pki', 'ca.crt'), 'utf8');
  await createAll(plane.client, smallFabric().filter(({ kind }) => kind !== 'SwitchProfile'));
  const [picks] = fc.sample(fc.array(fc.integer({ min: 10, max: 14 }), { minLength: 5, maxLength: 8 }), 1);
  for (const tenant of [amber, cyan]) {
    await plane.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: tenant.namespace, annotations: { note: tenant.mark } } });
    tenant.token = await tokenOf('owner', tenant.namespace);
    await plane.client.create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'owner', namespace: tenant.namespace, labels: { note: tenant.mark } },
      subjects: [{ kind: 'ServiceAccount', name: 'owner', namespace: tenant.namespace }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'heddle-tenant' },
    } as Resource);
    await createAll(plane.client, belongings(tenant, picks ?? [10]).map(fresh));
  }
  // A wish to reach the other's, that nobody has consented to.
  for (const [mine, other] of both) {
    const wish = peering('wish', [[{ vpc: 'shared' }, { vpc: 'shared', namespace: other.namespace }]], { namespace: mine.namespace });
    await plane.client.create(fresh(wish));
  }
  await until('everything is judged', async () => {
    const { items } = await plane.client.list('VPC');
    return items.every(({ status }) => objectOr(status)['conditions'] !== undefined);
  });
});

after(async () => {
  agent.destroy();
  await plane.close();
  rmSync(folder, { recursive: true, force: true });
});

const served: readonly Kind[] = [...coreKinds, ...kinds];

const base = ({ group, version }: Kind): string => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);

/** Every path at which a kind could be asked for. */
const pathsOf = (kind: Kind, other: Tenant, names: readonly string[], parts: readonly string[]): string[] => {
  const all = `${base(kind)}/${kind.plural}`;
  const inside = `${base(kind)}/namespaces/${other.namespace}/${kind.plural}`;
  const collections = kind.scope === 'Cluster' ? [all] : [all, inside, `${base(kind)}/namespaces/%2e%2e/${kind.plural}`, `${base(kind)}/namespaces/${other.namespace}%2f/${kind.plural}`, `//${inside}`];
  const items = [all, inside].flatMap((path) => names.flatMap((name) => parts.map((part) => `${path}/${name}${part}`)));
  return [...collections, ...items];
};

const selectors = ['', '?limit=1', '?labelSelector=note', `?fieldSelector=metadata.name%3Dshared`, '?fieldSelector=metadata.namespace%3Dcyan', '?watch=1&timeoutSeconds=1', '?watch=1&timeoutSeconds=1&resourceVersion=1', '?resourceVersion=0'];
const accepts = ['*/*', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/yaml'];

/** Objects of a tenant with their versions, as the operator sees them. */
const possessions = async ({ namespace }: Tenant): Promise<string[]> => {
  const lists = await Promise.all(served.filter(({ createOnly, scope }) => createOnly !== true && scope === 'Namespaced').map(({ kind }) => plane.client.list(kind)));
  const mine = lists.flatMap(({ items }) => items).filter(({ metadata, kind }) => metadata.namespace === namespace && kind !== 'Event');
  return mine.map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.uid} ${metadata.generation}`).sort();
};

describe('a tenant', () => {
  for (const [mine, other] of both) {
    it(`${mine.namespace} sees nothing of the other by any read`, async () => {
      const asked = served.flatMap((kind) => pathsOf(kind, other, ['shared', 'owner', 'none', other.namespace], ['', '/status', '/token', '/goal']).flatMap((path) => (path.endsWith(kind.plural) ? selectors.map((selector) => path + selector) : [path])));
      const isWatch = (path: string): boolean => path.includes('watch=1');
      const replies = await Promise.all(asked.map(async (path, index) => ({ path, ...(await ask(mine, path, { accept: accepts[index % accepts.length] ?? '*/*' })) })));
      for (const { path, status, text } of replies) {
        assert.ok(!text.includes(other.mark), `${path} shows: ${text}`);
        assert.ok(status >= 400, `${path} is answered with ${status}`);
        if (isWatch(path)) assert.ok(!text.includes('"type":"ADDED"'), path);
      }
    });

    it(`${mine.namespace} is told the same of what the other has and of what nobody has`, async () => {
      for (const kind of served) {
        if (kind.createOnly === true || kind.scope === 'Cluster') continue;
        const path = `${base(kind)}/namespaces/${other.namespace}/${kind.plural}`;
        for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
          const body = method === 'GET' ? {} : { body: { metadata: { name: 'x' } }, type: method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' };
          const [there, nobody] = await Promise.all(['shared', 'missing'].map((name) => ask(mine, `${path}/${name}`, { method, ...body })));
          const plain = (reply: Reply | undefined, name: string): string => `${reply?.status} ${reply?.text.slice(reply.text.indexOf('}') + 1).replaceAll(name, 'NAME')}`;
          assert.equal(plain(there, 'shared'), plain(nobody, 'missing'), `${method} ${path}`);
          assert.equal(there?.status, 403);
        }
      }
    });

    it(`${mine.namespace} changes nothing of the other by any write`, async () => {
      const theirs = await possessions(other);
      const writes = served.flatMap((kind) => pathsOf(kind, other, ['shared', 'owner'], ['', '/status']).flatMap((path) => ['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ({ kind, path, method }))));
      const replies = await Promise.all(
        writes.map(async ({ kind, path, method }) => {
          const body = { apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`, kind: kind.kind, metadata: { name: 'shared', namespace: other.namespace }, spec: {}, roleRef: { kind: 'ClusterRole', name: 'cluster-admin' } };
          const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
          return { kind, path, method, ...(await ask(mine, method === 'PATCH' ? `${path}?fieldManager=m&force=true` : path, { method, body, type })) };
        }),
      );
      for (const { kind, path, method, status, text } of replies) {
        assert.ok(!text.includes(other.mark), `${method} ${path} shows: ${text}`);
        const isQuestion = kind.createOnly === true && status === 201;
        assert.ok(status >= 400 || isQuestion, `${method} ${path} is answered with ${status}`);
      }
      assert.deepEqual(await possessions(other), theirs);
    });

    it(`${mine.namespace} is not told of the other where their wishes meet: conditions, events, refusals, warnings`, async () => {
      const inside = served.filter(({ scope, createOnly }) => scope === 'Namespaced' && createOnly !== true).map((kind) => `${base(kind)}/namespaces/${mine.namespace}/${kind.plural}`);
      const vpcs = `/apis/heddle.dev/v1alpha1/namespaces/${mine.namespace}/vpcs`;
      const attachments = vpcs.replace(/vpcs$/, 'vpcattachments');
      const collide = fresh(attachment('late', { vpc: 'shared', subnet: 'front', connection: 'a1--leaf-1' }, { namespace: mine.namespace }));
      const said = [
        ...(await Promise.all(inside.flatMap((path) => accepts.map((accept) => ask(mine, path, { accept }))))),
        await ask(mine, attachments, { method: 'POST', body: collide }),
        await ask(mine, `${vpcs}/shared`, { method: 'DELETE' }),
        ...(await Promise.all(inside.map((path) => ask(mine, `${path}?watch=1&timeoutSeconds=1`)))),
      ];
      for (const { text } of said) assert.ok(!text.includes(other.mark), text);
      assert.ok(said.some(({ text }) => text.includes(mine.mark)), 'its own it does see');
      assert.ok(said.some(({ text }) => /"reason":"(AwaitingConsent|Conflict|InUse|[A-Za-z]*Taken|[A-Za-z]*Overlap[A-Za-z]*)"/.test(text)), 'something did collide');
    });

    it(`${mine.namespace} can hand on nothing that it does not have, nor act as somebody else`, async () => {
      const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${mine.namespace}`;
      const bind = (name: string) => ({ metadata: { name: 'more' }, subjects: [{ kind: 'ServiceAccount', name: 'owner', namespace: mine.namespace }], roleRef: { kind: 'ClusterRole', name } });
      for (const name of ['cluster-admin', 'heddle-admin', 'heddle-operator', 'heddle-controller']) {
        assert.equal((await ask(mine, `${roles}/rolebindings`, { method: 'POST', body: bind(name) })).status, 403, name);
      }
      const role = { metadata: { name: 'more' }, rules: [{ verbs: ['get'], apiGroups: ['heddle.dev'], resources: ['switches'] }] };
      assert.equal((await ask(mine, `${roles}/roles`, { method: 'POST', body: role })).status, 403);
      assert.equal((await ask(mine, `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings`, { method: 'POST', body: bind('heddle-tenant') })).status, 403);
      assert.equal((await ask(mine, `${roles}/rolebindings`, { method: 'POST', body: bind('heddle-tenant') })).status, 201);
      assert.equal((await ask(mine, `/api/v1/namespaces/${other.namespace}/serviceaccounts/owner/token`, { method: 'POST', body: {} })).status, 403);
    });
  }

  it('learns from a peering that waits neither whether the VPC is there, nor its subnets, nor whether there is such a namespace', async () => {
    const wishes: readonly (readonly [namespace: string, vpc: string, subnets?: readonly string[]])[] = [
      [cyan.namespace, 'shared'],
      [cyan.namespace, 'shared', ['front']],
      [cyan.namespace, 'shared', ['none']],
      [cyan.namespace, 'nobody'],
      ['nowhere', 'nobody'],
    ];
    const path = `/apis/heddle.dev/v1alpha1/namespaces/${amber.namespace}/vpcpeerings`;
    const told = async ([namespace, name, subnets = []]: (typeof wishes)[number], index: number): Promise<string> => {
      const wish = fresh(peering(`oracle-${index}`, [[{ vpc: 'shared' }, { vpc: name, namespace, subnets: [...subnets] }]], { namespace: amber.namespace }));
      assert.equal((await ask(amber, path, { method: 'POST', body: wish })).status, 201);
      const { conditions } = await until('it is judged', async () => {
        const { status } = await plane.client.get({ kind: 'VPCPeering', namespace: amber.namespace, name: `oracle-${index}` });
        return Array.isArray(objectOr(status)['conditions']) && objectOr(status);
      });
      const said = (conditions as readonly unknown[]).map((condition) => {
        const { type, reason, message } = objectOr(condition);
        return `${String(type)} ${String(reason)} ${String(message)}`;
      });
      return said.join('; ').replaceAll(`"${namespace}"`, 'THERE').replaceAll(`"${name}"`, 'VPC');
    };
    const answers = await Promise.all(wishes.map(told));
    assert.match(answers[0] ?? '', /AwaitingConsent/);
    for (const answer of answers) assert.equal(answer, answers[0]);
  });
});
