/** A control plane that comes back with the store of a backup, and devices that were given more since; only these are fake. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { SwitchStatus } from '../api/kinds/switch.ts';
import { apiVersion, type ObjectRef, type Resource } from '../api/object.ts';
import { openControlPlane, type ControlPlane } from '../cli/server.ts';
import { createToken } from '../cli/token.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { createLogger } from '../kit/log.ts';
import { readWiring } from './scenario.ts';
import { eventually } from './waiting.ts';

const log = createLogger({ name: 'restored', level: 'silent' });
const leafRef: ObjectRef = { kind: 'Switch', namespace: '', name: 'leaf-1' };
const strict = { safety: { maxDeletedPercent: 10, minDeletedRows: 2 } };
const tenants: Resource[] = [
  { apiVersion, kind: 'VPC', metadata: { name: 'shop', namespace: 'default' }, spec: { subnets: { front: { cidr: '10.1.1.0/24' } } } },
  { apiVersion, kind: 'VPCAttachment', metadata: { name: 'a1', namespace: 'default' }, spec: { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' } },
];

test('what devices were given since the backup stays on them until somebody lets it go', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-restored-'));
  const [original, backup] = [join(folder, 'original'), join(folder, 'backup')];
  const leaf = new FakeDevice();
  const open: { plane?: ControlPlane; agent?: Agent } = {};
  const close = async (): Promise<void> => {
    await open.agent?.stop();
    await open.plane?.close();
    delete open.agent;
    delete open.plane;
  };
  t.after(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = async (data: string): Promise<ControlPlane> => {
    const plane = await openControlPlane({ data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
    open.plane = plane;
    open.agent = await startAgent({
      device: 'leaf-1',
      server: plane.southbound,
      ca: readFileSync(join(data, 'pki', 'ca.crt'), 'utf8'),
      token: () => createToken({ device: 'leaf-1', data }),
      stateDirectory: join(folder, 'leaf-1'),
      driver: leaf.driver(),
      newEpoch: () => 'restored',
      log,
    });
    return plane;
  };
  const statusOf = async (plane: ControlPlane): Promise<SwitchStatus> => ((await plane.client.get(leafRef)).status ?? {}) as SwitchStatus;

  const first = await start(original);
  for (const object of readWiring()) await first.client.create(object).catch(() => undefined);
  const fabric = await first.client.get({ kind: 'Fabric', namespace: '', name: 'default' });
  await first.client.update({ ...fabric, spec: strict });
  await eventually(async () => assert.equal((await statusOf(first)).ready, '1/1'));
  await close();
  cpSync(original, backup, { recursive: true });

  const second = await start(original);
  for (const object of tenants) await second.client.create(object);
  await eventually(async () => assert.ok(leaf.rows.has('attachment/E1/1')));
  await close();

  const restored = await start(backup);
  await eventually(async () => assert.equal((await statusOf(restored)).held?.reason, 'TooManyRows'));
  assert.ok(leaf.rows.has('attachment/E1/1'), 'the server behind the port stays connected');
  const current = await restored.client.get(leafRef);
  const annotations = { 'heddle.dev/allow-deletions': (await statusOf(restored)).held?.token ?? '' };
  await restored.client.update({ ...current, metadata: { ...current.metadata, annotations } });
  await eventually(async () => assert.ok(!leaf.rows.has('attachment/E1/1')));
  await eventually(async () => assert.equal((await statusOf(restored)).held, undefined));
});
