/** Two servers of one cluster in this process, on one store: both serve the API, one leads. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import { createApiClient } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { recordOf } from '../control/leader/record.ts';
import { createAll, tenant, waitFor } from '../control/testing.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { objectOr } from '../kit/json.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { clusterKeyFiles } from './clusterkeys.ts';
import { openControlPlane, type ControlPlane } from './server.ts';
import { createToken } from './token.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const lease = { kind: 'Lease', namespace: 'kube-system', name: 'heddle-controller' };

const folderFor = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-several-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const copyKeys = (from: string, to: string): void => {
  for (const file of clusterKeyFiles) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(from, file), join(to, file));
  }
};

const open = async (t: TestContext, data: string, sharedStore: Store): Promise<ControlPlane> => {
  const plane = await openControlPlane({ data, sharedStore, leaseSeconds: 1, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
  t.after(() => plane.close());
  return plane;
};

const agentOf = async (t: TestContext, servers: readonly ControlPlane[], data: string, device: string): Promise<{ agent: Agent; fake: FakeDevice }> => {
  const fake = new FakeDevice();
  const agent = await startAgent({
    device,
    server: servers.map(({ southbound }) => southbound).join(','),
    ca: readFileSync(join(data, 'pki', 'ca.crt'), 'utf8'),
    token: () => createToken({ device, data }),
    stateDirectory: join(data, 'agents', device),
    driver: fake.driver(),
    log,
    newEpoch: () => 'boot-1',
  });
  t.after(() => agent.stop());
  return { agent, fake };
};

const red = [
  vpc('red', { front: '10.1.0.0/24' }),
  attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' }),
];
const more = attachment('b1', { vpc: 'red', subnet: 'front', connection: 'b1--leaf-1' });

test('both serve, one leads; when it stops the other goes on where it was, and no row is written twice', async (t) => {
  const store = createMemoryStore();
  t.after(() => store.close());
  const [one, two] = [folderFor(t), folderFor(t)];
  const first = await open(t, one, store);
  await first.leads;
  copyKeys(one, two);
  const second = await open(t, two, store);
  const devices = await Promise.all(['spine-1', 'leaf-1'].map((device) => agentOf(t, [second, first], one, device)));
  // By the one that does not lead.
  const objects = smallFabric().filter(({ kind, metadata }) => kind !== 'SwitchProfile' && !metadata.name.includes('leaf-2') && !['a2', 'b2'].includes(metadata.name));
  await createAll(second.client, [...objects, ...red]);
  await waitFor(second.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');

  const api = createApiClient(readKubeconfig(second.kubeconfigPath));
  t.after(() => api.close());
  // Throws for any answer but a good one.
  await api.call({ method: 'GET', path: '/readyz' });
  const others = createApiClient(readKubeconfig(first.kubeconfigPath));
  t.after(() => others.close());
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await others.call({ method: 'POST', path: accounts, body: { metadata: { name: 'ci' } } });
  const { body: made } = await others.call({ method: 'POST', path: `${accounts}/ci/token`, body: { spec: {} } });
  const { token } = objectOr(objectOr(made)['status']);
  const { body: review } = await api.call({ method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', body: { spec: { token } } });
  assert.equal(objectOr(objectOr(review)['status'])['authenticated'], true, 'a token of one server is good at the other');
  assert.throws(() => second.controller, /this is known by the server that leads; ".*" leads/);
  const [mine, other] = await Promise.all([first, second].map(({ metrics }) => metrics.metrics()));
  assert.match(mine ?? '', /^heddle_leader 1$/m);
  assert.match(other ?? '', /^heddle_leader 0$/m);
  assert.match(mine ?? '', /^leader_election_master_status\{name="heddle-controller"\} 1$/m);
  const former = await second.client.get(lease);
  assert.equal(former.metadata.annotations?.['heddle.dev/southbound'], first.southbound);

  await until('the second has compiled along', async () => /^heddle_standby 1$/m.test(await second.metrics.metrics()));
  assert.match(mine ?? '', /^heddle_standby 0$/m);

  const written = devices.map(({ fake }) => fake.history.length);
  await first.close();
  await second.leads;
  assert.match(await second.metrics.metrics(), /^heddle_offices_total\{start="prepared"\} 1$/m);
  assert.match(await first.metrics.metrics(), /^heddle_offices_total\{start="cold"\} 1$/m);
  const leaseNow = await second.client.get(lease);
  assert.notEqual(recordOf(leaseNow).holder, recordOf(former).holder);
  assert.ok(Number(leaseNow.metadata.annotations?.['heddle.dev/term']) > Number(former.metadata.annotations?.['heddle.dev/term']));
  await until('agents have moved', () => devices.every(({ agent }) => agent.status().connected));
  await createAll(second.client, [more]);
  await waitFor(second.client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
  await waitFor(second.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const [spine = 0, leaf = 0] = devices.map(({ fake }, index) => fake.history.length - (written[index] ?? 0));
  assert.equal(spine, 0, 'the spine was told nothing new');
  assert.ok(leaf > 0 && leaf <= 4, `the leaf was told of one attachment, in ${leaf} steps`);
  assert.ok(second.controller.explain('leaf-1', {}).rows.length > 0);
  const events = (await second.client.list('Event')).items.filter((event) => Reflect.get(event, 'reason') === 'LeaderElection');
  assert.ok(events.some((event) => String(Reflect.get(event, 'message')).endsWith('became leader')));
});

test('a server with keys of its own does not join a cluster, and is told what to copy', async (t) => {
  const store = createMemoryStore();
  t.after(() => store.close());
  const [one, two] = [folderFor(t), folderFor(t)];
  await open(t, one, store);
  await assert.rejects(open(t, two, store), { code: 'Unavailable', message: /has not all keys of this cluster: copy pki\/ca.crt, pki\/ca.key, .* from the data folder of one of them/ });
  await assert.rejects(open(t, two, store), /has not all keys/, 'and none were made by that');
  const elsewhere = createMemoryStore();
  t.after(() => elsewhere.close());
  await (await open(t, two, elsewhere)).close();
  await assert.rejects(open(t, two, store), /has other keys than the servers of this cluster/);
});

test('alone on its store a server writes its Lease seldom, and takes it again at once', async (t) => {
  const data = folderFor(t);
  const options = { data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' };
  const plane = await openControlPlane(options, log);
  const { spec } = await plane.client.get(lease);
  assert.deepEqual({ ...(spec as object), acquireTime: '', renewTime: '' }, { holderIdentity: 'heddle-server', leaseDurationSeconds: 60, acquireTime: '', renewTime: '', leaseTransitions: 0 });
  await plane.close();
  const again = await openControlPlane(options, log);
  await again.leads;
  await again.close();
});
