/**
 * `heddle controller` over HTTPS, as a user who may do only what the manifests grant, on an API server that has no controller: a tenant
 * comes, is served, and goes. Every request is in the audit log and is compared with the role.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { controllerOwnRules, controllerRules } from '../api/controllerrules.ts';
import type { PolicyRule } from '../api/core/rbac.ts';
import type { RolloutSpec } from '../api/kinds/rollout.ts';
import type { Resource } from '../api/object.ts';
import { attachment, connection, mappingSlice, object, peering, smallFabric, vpc } from '../compile/fixture.ts';
import { cluster, conditionOf, createAll, tenant, waitFor } from '../control/testing.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import type { Address, Mac, Vni } from '../net/brand.ts';
import { loadTokenSecret } from '../southbound/tokens.ts';
import { openController } from './controller.ts';
import { agentOf, openBench, options, type Bench, type Device } from './controllertesting.ts';
import { runProgram } from './program.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const devices = ['spine-1', 'leaf-1', 'leaf-2'];

const red = vpc('red', { front: '10.1.0.0/24' });
const blue = vpc('blue', { front: '10.2.0.0/24' });
const tenants = [
  red,
  blue,
  attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' }),
  attachment('b2', { vpc: 'blue', subnet: 'front', connection: 'b2--leaf-2' }),
];
const opening = peering('red-blue', [[{ vpc: 'red' }, { vpc: 'blue' }]]);
const wiring = smallFabric().filter(({ kind }) => kind !== 'SwitchProfile');

/** Of every kind that the fabric has not, one. */
const others: readonly Resource[] = [
  object('External', 'internet', { bgp: {} }),
  object('Gateway', 'gateway-1', {}),
  connection('towards', [['spine-1/E1/20', 'gateway-1/E1/1']]),
  object('ExternalPeering', 'red-out', { vpc: 'red', external: 'internet', prefixes: ['0.0.0.0/0'] }),
  object('SecurityPolicy', 'all', { vpc: 'red', subjects: { all: true }, ingress: [{}] }),
  object('PeeringConsent', 'open', { vpc: 'red', peer: { namespace: 'other' } }),
  mappingSlice('behind', 'red', ['10.1.0.77']),
];

/** Leases come, pass to another host and go; ids are freed, and a link is drained. */
const useTheRest = async ({ client }: Bench, leaf: Device): Promise<void> => {
  const segment = Number([...leaf.fake.rows.keys()].find((id) => id.startsWith('segment/'))?.slice('segment/'.length)) as Vni;
  const lease = (mac: string) => ({ segment, mac: mac as Mac, address: '10.1.0.99' as Address, hostname: 'guest' });
  const leases = async (): Promise<string[]> => (await client.list('DHCPLease')).items.map(({ spec }) => (spec as { mac: string }).mac);
  for (const mac of ['02:00:00:00:00:77', '02:00:00:00:00:78']) {
    leaf.tell({ leases: [lease(mac)] });
    await until('the lease is told', async () => (await leases()).includes(mac));
  }
  leaf.tell({ leases: [] });
  await until('the lease is over', async () => (await leases()).length === 0);
  await client.delete(tenant('VPCPeering', 'red-blue'));
  await client.delete(cluster('Connection', 'second'));
  await client.delete(tenant('VPCAttachment', 'b2'));
  await client.delete(tenant('VPC', 'blue'));
  await until('the link is gone', async () => (await client.list('Connection')).items.every(({ metadata }) => metadata.name !== 'second'));
  await until('the ids of blue are free', async () => (await client.list('Claim')).items.every(({ spec }) => (spec as { owner: { name: string } }).owner.name !== 'blue'));
};

/** A change is rolled out, and the next makes its record more than is to be kept. */
const rollOut = async ({ client }: Bench): Promise<void> => {
  for (const [revision, mtu] of [[1, 8000], [2, 7000]] as const) {
    const fabric = await client.get(cluster('Fabric', 'default'));
    await client.update({ ...fabric, spec: { underlay: { mtu }, rollout: { soakSeconds: 0, wavePercent: 100, historyLimit: 1 } } });
    await until('it is rolled out', async () => {
      const { items } = await client.list('Rollout');
      return items.some(({ spec }) => (spec as RolloutSpec).revision === revision && (spec as RolloutSpec).phase === 'Complete');
    });
  }
  await until('one is forgotten', async () => (await client.list('Rollout')).items.length === 1);
};

/** A claim that somebody else made first is read (claims.test.ts); what is said of an object again raises a count (events.test.ts). */
const seldomUsed: ReadonlySet<string> = new Set(['get heddle.dev/claims', 'patch /events']);

const refIn = ({ kind, metadata: { name, namespace = '' } }: Resource) => ({ kind, namespace: namespace === '' ? '' : 'default', name });

const grantsIn = (rules: readonly PolicyRule[]): ReadonlySet<string> =>
  new Set(rules.flatMap(({ verbs, apiGroups = [], resources = [] }) => verbs.flatMap((verb) => apiGroups.flatMap((group) => resources.map((resource) => `${verb} ${group}/${resource}`)))));

test('the controller asks for nothing that its role does not grant, and its role grants nothing that it does not ask for', async (t) => {
  const bench = await openBench(t);
  const { client } = bench;
  const controller = await openController(options(bench, 'data', { secret: 'kube-system/heddle-southbound' }), log);
  t.after(() => controller.close());
  await controller.leads;
  const [, leaf] = await Promise.all(devices.map((device) => agentOf(t, bench, 'data', controller.southbound, device)));
  assert.ok(leaf !== undefined);
  await createAll(client, [...wiring, connection('second', [['spine-1/E1/9', 'leaf-1/E1/50']]), ...tenants, opening, ...others]);
  await waitFor(client, tenant('VPCPeering', 'red-blue'), 'Programmed', 'True', 'Programmed');
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True', 'Programmed');
  await until('the link may not go undrained', async () => (await client.get(cluster('Connection', 'second'))).metadata.finalizers?.length === 1);
  for (const ref of [cluster('Switch', 'leaf-1'), cluster('Gateway', 'gateway-1')]) {
    await until('nor what it leads to go before it', async () => (await client.get(ref)).metadata.finalizers?.length === 1);
  }
  for (const each of others) await until(`${each.kind} is judged`, async () => conditionOf(await client.get(refIn(each)), 'Accepted') !== undefined);
  await rollOut(bench);
  await useTheRest(bench, leaf);
  await controller.close();

  const granted = grantsIn([...controllerRules, ...controllerOwnRules('heddle-controller', 'heddle-southbound')]);
  await until('its watches are in the audit log', () => bench.asked().some(({ what }) => what.startsWith('watch ')));
  const asked = bench.asked();
  assert.deepEqual(asked.filter(({ code }) => code === 401 || code === 403 || code >= 500), []);
  const used = new Set(asked.map(({ what }) => what));
  assert.deepEqual([...used].filter((what) => !granted.has(what)), []);
  assert.deepEqual([...granted].filter((what) => !used.has(what) && !seldomUsed.has(what)), []);
});

test('as a program of its own it serves devices, tells its health, explains goal state, and ends in order', async (t) => {
  const bench = await openBench(t);
  const data = join(bench.folder, 'data');
  const bin = join(import.meta.dirname, '../../bin/heddle');
  const words = ['controller', '--kubeconfig', bench.kubeconfigPath, '--data', data, '--southbound', '127.0.0.1:0', '--health', '127.0.0.1:0', '--views', '127.0.0.1:0', '--lease-seconds', '2', '--log-level', 'error'];
  const child = spawn(bin, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  await until('it says where it listens', () => out.includes('views'), 20_000);
  const [southbound = '', health = '', views = ''] = ['southbound', 'health', 'views'].map((service) => new RegExp(`^${service} +(\\S+)`, 'm').exec(out)?.[1] ?? '');
  const leaf = await agentOf(t, bench, 'data', southbound, 'leaf-1');
  await createAll(bench.client, [...wiring, red, attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' })]);
  await waitFor(bench.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True', 'Programmed');
  assert.ok([...leaf.fake.rows.keys()].some((id) => id.startsWith('segment/')));

  assert.equal(await (await fetch(`${health}/readyz`)).text(), 'ok');
  assert.match(await (await fetch(`${health}/metrics`)).text(), /^heddle_leader 1$/m);
  assert.equal((await fetch(`${health}/switches/leaf-1/goal`)).status, 404);
  let [printed, note] = ['', ''];
  const io = { out: (text: string) => (printed += text), note: (text: string) => (note += text), stdin: async () => '', env: {}, signal: new AbortController().signal, columns: 120, isTerminal: false };
  assert.equal(await runProgram(['explain', '--controller', views, 'switch/leaf-1', 'segment'], io), 0, note);
  assert.match(printed, /^ROW +SCOPE +ACKNOWLEDGED +OBJECTS\nsegment\/\d+ .* yes +VPC\/default\/red/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('replicas share their keys by a Secret, and the next one leads when the first gives the Lease back', async (t) => {
  const bench = await openBench(t);
  const secret = 'kube-system/heddle-southbound';
  const first = await openController(options(bench, 'one', { secret }), log);
  const second = await openController(options(bench, 'two', { secret }), log);
  t.after(() => second.close());
  await first.leads;
  const keys = ['pki/ca.crt', 'pki/ca.key', 'token-secret'].map((file) => [readFileSync(join(bench.folder, 'one', file), 'utf8'), readFileSync(join(bench.folder, 'two', file), 'utf8')]);
  for (const [one, two] of keys) assert.equal(one, two);
  await until('the one that waits is ready', async () => (await fetch(`${second.health}/readyz`)).ok);
  assert.match(JSON.stringify(await (await fetch(`${second.views}/switches/leaf-1/goal`)).json()), /"Unavailable".* leads: ask that replica/);
  await first.close();
  await second.leads;
  const third = options(bench, 'three', { secret });
  loadKeysOfItsOwn(third.data);
  await assert.rejects(openController(third, log), /token-secret" is another one than that of Secret "kube-system\/heddle-southbound"/);
});

const loadKeysOfItsOwn = (data: string): void => {
  mkdirSync(data);
  loadTokenSecret(join(data, 'token-secret'));
};

test('views are for this machine alone, and options that are none are bad usage', async (t) => {
  const bench = await openBench(t);
  for (const [more, said] of [
    [{ views: '0.0.0.0:0' }, /--views "0\.0\.0\.0" could be asked by others/],
    [{ lease: 'heddle' }, /--lease "heddle" is not namespace\/name/],
    [{ leaseSeconds: '0' }, /--lease-seconds "0" is not a whole number/],
    [{ health: '8080' }, /--health "8080" is not an address/],
  ] as const) await assert.rejects(openController(options(bench, 'data', more), log), said);
});
