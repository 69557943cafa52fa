/**
 * Two replicas of `heddle controller` on an API server that knows nothing of terms. The one that leads stands still, as a virtual
 * machine that is moved; the other one takes over; then the first goes on where it was, in the middle of its work.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { recordOf } from '../control/leader/record.ts';
import { createAll, tenant, waitFor } from '../control/testing.ts';
import { until } from '../kit/testing.ts';
import { agentOf, openBench, type Asked, type Bench } from './controllertesting.ts';

const bin = join(import.meta.dirname, '../../bin/heddle');
const lease = { kind: 'Lease', namespace: 'kube-system', name: 'heddle-controller' };
const wiring = smallFabric().filter(({ kind }) => kind !== 'SwitchProfile');
const red = [vpc('red', { front: '10.1.0.0/24' }), attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' })];

interface Replica {
  readonly name: string;
  readonly child: ChildProcess;
  readonly southbound: string;
}

const replica = async (t: TestContext, bench: Bench, name: string): Promise<Replica> => {
  const data = join(bench.folder, name);
  const address = ['--southbound', '127.0.0.1:0', '--health', '127.0.0.1:0', '--views', '127.0.0.1:0'];
  const words = ['controller', '--kubeconfig', await bench.controllerNamed(name), '--data', data, ...address, '--secret', 'kube-system/heddle-southbound', '--lease-seconds', '3', '--log-level', 'error'];
  const child = spawn(bin, words, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const southbound = await until(`${name} listens`, () => /^southbound +(\S+)/m.exec(out)?.[1], 30_000);
  return { name, child, southbound };
};

const isWrite = ({ what, code }: Asked): boolean => code < 300 && !/^(get|list|watch) /.test(what);

test('what a paused leader had in mind is written to nobody when it goes on: not to the API, not to devices', async (t) => {
  const bench = await openBench(t);
  const { client } = bench;
  const one = await replica(t, bench, 'one');
  const holder = async (): Promise<string> => recordOf(await client.get(lease)).holder;
  const first = await until('one leads', () => holder().catch(() => ''), 30_000);
  const two = await replica(t, bench, 'two');
  const servers = `${one.southbound},${two.southbound}`;
  const devices = await Promise.all(['spine-1', 'leaf-1'].map((device) => agentOf(t, bench, 'one', servers, device)));
  const objects = wiring.filter(({ metadata }) => !metadata.name.includes('leaf-2') && !['a2', 'b2'].includes(metadata.name));
  await createAll(client, [...objects, ...red]);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');

  // In the middle of it: many objects have just been made, and their ids, rows and statuses are on their way.
  await createAll(client, [vpc('blue', { front: '10.2.0.0/24' }), attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' })]);
  one.child.kill('SIGSTOP');
  await until('two leads', async () => (await holder()) !== first, 30_000);
  await client.delete(tenant('VPCAttachment', 'a1'));
  await waitFor(client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
  await until('a1 is off its leaf', () => devices.flatMap(({ fake }) => [...fake.rows.keys()]).filter((id) => id.startsWith('attachment/')).length === 1, 20_000);
  const state = async () => JSON.stringify(await Promise.all(['VPC', 'VPCAttachment', 'Claim', 'Switch'].map(async (kind) => (await client.list(kind)).items.map(({ metadata: { name, generation }, spec }) => ({ name, generation, spec })))));
  const [before, written] = [await state(), devices.map(({ fake }) => fake.history.length)];

  const asked = bench.asked('one').filter(isWrite).length;
  one.child.kill('SIGCONT');
  await until('one has heard that it leads no longer', () => bench.asked('one').slice(-5).some(({ what }) => what === 'get coordination.k8s.io/leases'), 20_000);
  await sleep(1500);
  const late = bench.asked('one').filter(isWrite).slice(asked);
  // What waited for a connection when it stood still is sent yet: a status at most, which whoever leads makes right.
  assert.deepEqual(late.filter(({ what }) => what !== 'create /events' && !what.endsWith('/status')), [], 'it wrote nothing more');
  assert.equal(await state(), before);
  assert.deepEqual(devices.map(({ fake }) => fake.history.length), written, 'devices were told nothing');
  assert.notEqual(await holder(), first);
  assert.ok(devices.every(({ agent }) => agent.status().connected));
  assert.equal(readFileSync(join(bench.folder, 'one', 'token-secret'), 'utf8'), readFileSync(join(bench.folder, 'two', 'token-secret'), 'utf8'));
});
