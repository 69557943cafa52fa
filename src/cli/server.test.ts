import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { Resource } from '../api/object.ts';
import { createApiClient } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { attachment, peering, smallFabric, vpc } from '../compile/fixture.ts';
import { createAll, fresh, tenant, waitFor } from '../control/testing.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { openControlPlane, runServer, type ControlPlane } from './server.ts';
import { createToken } from './token.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const devices = ['spine-1', 'leaf-1', 'leaf-2'];

const folderFor = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-server-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const open = (data: string): Promise<ControlPlane> =>
  openControlPlane({ data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);

const agentOf = (plane: ControlPlane, data: string, device: string, on: FakeDevice): Promise<Agent> =>
  startAgent({
    device,
    server: plane.southbound,
    ca: readFileSync(join(data, 'pki', 'ca.crt'), 'utf8'),
    token: () => createToken({ device, data }),
    stateDirectory: join(data, 'agents', device),
    driver: on.driver(),
    log,
    newEpoch: () => 'boot-1',
  });

const red = vpc('red', { front: '10.1.0.0/24' });
const blue = vpc('blue', { front: '10.2.0.0/24' });
const tenants = [
  red,
  blue,
  attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' }),
  attachment('b2', { vpc: 'blue', subnet: 'front', connection: 'b2--leaf-2' }),
];
const opening = peering('red-blue', [[{ vpc: 'red' }, { vpc: 'blue' }]]);

test('what is created over HTTPS is on the devices when it says Programmed, and a restart rewrites no row', async (t) => {
  const data = folderFor(t);
  const fakes = new Map(devices.map((device) => [device, new FakeDevice()]));
  let plane = await open(data);
  let agents: Agent[] = [];
  const startAgents = async (): Promise<void> => {
    agents = await Promise.all([...fakes].map(([device, fake]) => agentOf(plane, data, device, fake)));
  };
  const stopAll = async (): Promise<void> => {
    await Promise.all(agents.map((agent) => agent.stop()));
    await plane.close();
  };
  t.after(stopAll);
  await startAgents();
  await createAll(plane.client, [...smallFabric().filter(({ kind }) => kind !== 'SwitchProfile'), ...tenants]);
  for (const name of ['a1', 'b2']) await waitFor(plane.client, tenant('VPCAttachment', name), 'Programmed', 'True');

  const api = createApiClient(readKubeconfig(plane.kubeconfigPath));
  t.after(() => api.close());
  const path = '/apis/heddle.dev/v1alpha1/namespaces/default/vpcpeerings';
  await api.call({ method: 'POST', path, body: fresh(opening) });
  await waitFor(plane.client, tenant('VPCPeering', 'red-blue'), 'Programmed', 'True', 'Programmed');
  const leaks = [...(fakes.get('leaf-1')?.rows.keys() ?? [])].filter((id) => id.startsWith('leak/'));
  assert.equal(leaks.length, 2);

  await stopAll();
  const written = [...fakes.values()].map(({ history }) => history.length);
  plane = await open(data);
  await startAgents();
  await until('agents are connected', () => agents.every((agent) => agent.status().connected));
  assert.deepEqual(await Promise.all(agents.map((agent) => agent.adopted)), [0, 0, 0]);
  await waitFor(plane.client, tenant('VPCPeering', 'red-blue'), 'Programmed', 'True');
  await plane.client.delete(tenant('VPCPeering', 'red-blue'));
  await until('the leaks are gone', () => [...(fakes.get('leaf-1')?.rows.keys() ?? [])].every((id) => !id.startsWith('leak/')));
  const more = [...fakes.values()].map(({ history }, position) => history.length - (written[position] ?? 0));
  assert.equal(more[0], 0, 'the spine was told nothing');
  assert.ok(more.every((steps) => steps <= 6), `only the leaks were taken away: ${String(more)}`);
});

test('a second server on the same folder is told so', async (t) => {
  const data = folderFor(t);
  const plane = await open(data);
  t.after(() => plane.close());
  await assert.rejects(open(data), /in use by another server/);
});

test('an address that is taken is named, and nothing stays open', async (t) => {
  const data = folderFor(t);
  const squatter = createServer();
  await new Promise<void>((resolve) => {
    squatter.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => squatter.close());
  const address = squatter.address();
  assert.ok(typeof address === 'object' && address !== null);
  const taken = `127.0.0.1:${address.port}`;
  const api = openControlPlane({ data, listen: taken, southbound: '127.0.0.1:0' }, log);
  await assert.rejects(api, new RegExp(`the API cannot listen on "${taken}": another program listens there`));
  const southbound = openControlPlane({ data, listen: '127.0.0.1:0', southbound: taken }, log);
  await assert.rejects(southbound, /cannot listen for devices/);
  const plane = await open(data);
  await plane.close();
});

test('an address that is none is bad usage', async (t) => {
  const data = join(folderFor(t), 'never');
  const opening = openControlPlane({ data, listen: 'localhost', southbound: '127.0.0.1:0' }, log);
  await assert.rejects(opening, /--listen "localhost" is not an address; write it like 127\.0\.0\.1:6443/);
  assert.equal(existsSync(data), false);
});

test('the command prints a line a service, keeps secrets to their owner, and ends in order on a signal', async (t) => {
  const data = join(folderFor(t), 'made', 'here');
  const interrupt = new AbortController();
  let out = '';
  const io = {
    out: (text: string) => {
      out += text;
    },
    note: () => {},
    stdin: async () => '',
    env: {},
    signal: interrupt.signal,
    columns: 120,
    isTerminal: false,
  };
  const running = runServer(io, { data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0', logLevel: 'silent' });
  await until('two lines are printed', () => out.split('\n').length === 3);
  assert.match(out, /^API server {3}https:\/\/127\.0\.0\.1:\d+ {3}kubeconfig \S+\nsouthbound {3}127\.0\.0\.1:\d+ {3}for agents\n$/);
  for (const file of ['kubeconfig', 'token-secret', join('pki', 'ca.key')]) {
    assert.equal(statSync(join(data, file)).mode & 0o077, 0, `${file} is its owner's only`);
  }
  interrupt.abort();
  assert.equal(await running, 0);
});

test('the built-in profile is there from the start', async (t) => {
  const data = folderFor(t);
  const plane = await open(data);
  t.after(() => plane.close());
  const profile: Resource = await plane.client.get({ kind: 'SwitchProfile', namespace: '', name: 'linux-soft' });
  assert.ok(profile.spec !== undefined);
});
