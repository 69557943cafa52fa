/** A device that cannot do what it is told, from the row that fails to the person who reads the status; only the device is fake. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import { apiVersion, type Condition, type ObjectRef, type Resource } from '../api/object.ts';
import { openControlPlane, type ControlPlane } from '../cli/server.ts';
import { createToken } from '../cli/token.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { createLogger } from '../kit/log.ts';
import { readWiring } from './scenario.ts';
import { eventually } from './waiting.ts';

const log = createLogger({ name: 'refusal', level: 'silent' });
const tenant = (kind: string, name: string): ObjectRef => ({ kind, namespace: 'default', name });
const objectOf = (kind: string, name: string, spec: unknown): Resource => ({ apiVersion, kind, metadata: { name, namespace: 'default' }, spec });

describe('a device that refuses a row', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-refusal-'));
  const leaf = new FakeDevice();
  let plane: ControlPlane;
  let agent: Agent;

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
    for (const object of readWiring()) await plane.client.create(object).catch(() => undefined);
    agent = await startAgent({
      device: 'leaf-1',
      server: plane.southbound,
      ca: readFileSync(join(folder, 'pki', 'ca.crt'), 'utf8'),
      token: () => createToken({ device: 'leaf-1', data: folder }),
      stateDirectory: join(folder, 'leaf-1'),
      driver: leaf.driver(),
      log,
      backoff: { first: 20, longest: 50 },
      newEpoch: () => 'refusal',
    });
  });

  after(async () => {
    await agent?.stop();
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const programmed = async (ref: ObjectRef): Promise<Condition | undefined> => {
    const { status, metadata } = await plane.client.get(ref);
    const conditions = (status as { conditions?: readonly Condition[] } | undefined)?.conditions ?? [];
    return conditions.find(({ type, observedGeneration }) => type === 'Programmed' && observedGeneration === metadata.generation);
  };

  it('names table, key and cause on the objects of the row, does the rest, tries again and says when it worked', async () => {
    leaf.faults.set('attachment/E1/1', { code: 'CommandFailed', message: 'no such device' });
    await plane.client.create(objectOf('VPC', 'shop', { subnets: { front: { cidr: '10.1.1.0/24' } } }));
    for (const name of ['a1', 'b1']) {
      await plane.client.create(objectOf('VPCAttachment', name, { vpc: 'shop', subnet: 'front', connection: `${name}--leaf-1` }));
    }
    await eventually(async () => assert.equal((await programmed(tenant('VPCAttachment', 'b1')))?.status, 'True'));
    await eventually(async () => {
      const condition = await programmed(tenant('VPCAttachment', 'a1'));
      assert.equal(condition?.reason, 'Failed');
      assert.match(condition.message, /^0 of 1 devices; leaf-1: attachment\/E1\/1: CommandFailed: no such device/);
    });
    assert.ok(leaf.rows.has('attachment/E1/2'), 'the other port is in service');
    await eventually(async () => {
      const { items } = await plane.client.list('Event');
      assert.ok(items.some((event) => (event as { reason?: string; message?: string }).reason === 'ProgrammingFailed'));
    });
    const quiet = leaf.history.length;
    leaf.faults.clear();
    await eventually(async () => assert.equal((await programmed(tenant('VPCAttachment', 'a1')))?.status, 'True'));
    const again = leaf.history.slice(quiet).filter((step) => !/attachment\/E1\/1|host\/\d+\/10\.1\.1\.2 /.test(step));
    assert.deepEqual(again, [], 'only the row that failed, and what waited for it, was done');
  });

  it('tells of a removal that fails on what the row came from, and holds its ids until it worked', async () => {
    leaf.faults.set('attachment/E1/1', { code: 'CommandFailed', message: 'device or resource busy' });
    await plane.client.delete(tenant('VPCAttachment', 'a1'));
    await eventually(async () => {
      const condition = await programmed(tenant('VPC', 'shop'));
      assert.equal(condition?.reason, 'Failed');
      assert.match(condition.message, /leaf-1: .*attachment\/E1\/1: CommandFailed: device or resource busy/);
    });
    leaf.faults.clear();
    await eventually(async () => assert.equal((await programmed(tenant('VPC', 'shop')))?.status, 'True'));
    await eventually(async () => {
      const { items } = await plane.client.list('Claim');
      assert.ok(items.every(({ status }) => (status as { phase?: string } | undefined)?.phase !== 'Quarantined'));
    });
  });
});
