/** Ids under churn: what is made, deleted, renamed and moved again and again always converges, and no id comes back too early. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAgent, type Agent } from '../agent/agent.ts';
import type { ClaimSpec } from '../api/kinds/claim.ts';
import type { Condition, ObjectRef, Resource } from '../api/object.ts';
import { openControlPlane, type ControlPlane } from '../cli/server.ts';
import { createToken } from '../cli/token.ts';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { createLogger } from '../kit/log.ts';
import { expand, readWiring, type ShortObject } from './scenario.ts';
import { eventually } from './waiting.ts';

const log = createLogger({ name: 'churn', level: 'silent' });
const cycles = 200;

describe('a fabric whose tenants never rest', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-churn-'));
  const devices = new Map<string, FakeDevice>();
  const agents: Agent[] = [];
  const stop = new AbortController();
  /** VNIs that were handed out while a device still held them. */
  const early: string[] = [];
  let plane: ControlPlane;
  let watching: Promise<void>;

  before(async () => {
    plane = await openControlPlane({ data: folder, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log);
    // Few ids, so that they must come back; without the limits that keep people from deleting much.
    const fabric = { overlay: { vnis: { from: 5000, to: 5039 } }, safety: { maxDeletedPercent: 100, minDeletedRows: 1_000_000, minDevices: 1000 } };
    for (const object of readWiring()) await plane.client.create(object.kind === 'Fabric' ? { ...object, spec: { ...(object.spec as object), ...fabric } } : object);
    watching = watchClaims();
    for (const { kind, metadata } of readWiring()) if (kind === 'Switch') await start(metadata.name);
  });

  after(async () => {
    stop.abort();
    await Promise.all(agents.map((agent) => agent.stop()));
    await watching;
    await plane?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (device: string): Promise<void> => {
    const fake = new FakeDevice();
    devices.set(device, fake);
    agents.push(
      await startAgent({
        device,
        server: plane.southbound,
        ca: readFileSync(join(folder, 'pki', 'ca.crt'), 'utf8'),
        token: () => createToken({ device, data: folder }),
        stateDirectory: join(folder, device),
        driver: fake.driver(),
        log,
        newEpoch: () => 'churn',
      }),
    );
  };

  const watchClaims = async (): Promise<void> => {
    const { resourceVersion } = await plane.client.list('Claim');
    for await (const event of plane.client.watch('Claim', resourceVersion, stop.signal)) {
      if (event.type !== 'ADDED') continue;
      const { pool, value } = event.object.spec as ClaimSpec;
      if (pool !== 'vni') continue;
      for (const [device, { rows }] of devices) {
        if (rows.has(`vrf/vrf${value}`) || rows.has(`segment/${value}`)) early.push(`${value} on ${device}`);
      }
    }
  };

  const refOf = (kind: string, name: string): ObjectRef => ({ kind, namespace: 'default', name });
  const create = async (...objects: ShortObject[]): Promise<void> => {
    for (const object of objects) await plane.client.create(expand(object));
  };
  const change = async (kind: string, name: string, spec: unknown): Promise<void> => {
    const object = await plane.client.get(refOf(kind, name));
    await plane.client.update({ ...object, spec });
  };
  const remove = async (...objects: ShortObject[]): Promise<void> => {
    for (const { kind, name } of objects.toReversed()) await plane.client.delete(refOf(kind, name));
  };

  const settled = async (...objects: ShortObject[]): Promise<void> => {
    for (const { kind, name } of objects) {
      await eventually(async () => {
        const object = await plane.client.get(refOf(kind, name));
        const condition = conditionOf(object, 'Programmed');
        const seen = JSON.stringify(object.status);
        assert.ok(condition?.status === 'True' && condition.observedGeneration === object.metadata.generation, `${kind} ${name}: ${seen}`);
      });
    }
  };

  const tenantRows = (): string[] =>
    [...devices].flatMap(([device, { rows }]) => [...rows.keys()].filter((id) => /^(vrf|segment|attachment|host)\//.test(id)).map((id) => `${device} ${id}`));

  const shop: ShortObject = { kind: 'VPC', name: 'shop', spec: { subnets: { front: { cidr: '10.1.1.0/24' }, back: { cidr: '10.1.2.0/24' } } } };
  const a1: ShortObject = { kind: 'VPCAttachment', name: 'a1', spec: { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' } };
  const a2: ShortObject = { kind: 'VPCAttachment', name: 'a2', spec: { vpc: 'shop', subnet: 'back', connection: 'a2--leaf-2' } };

  it(`makes and deletes a VPC ${cycles} times in a row, waiting only now and then`, async () => {
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      await create(shop, a1, a2);
      if (cycle % 10 === 0) await settled(shop, a1, a2);
      await remove(shop, a1, a2);
    }
    await create(shop, a1, a2);
    await settled(shop, a1, a2);
    assert.deepEqual(early, []);
  });

  it('renames subnets, changes prefixes and modes, and moves VLANs and servers', async () => {
    for (let round = 0; round < 20; round += 1) {
      const [front, back] = round % 2 === 0 ? ['front', 'rear'] : ['fore', 'back'];
      const subnets = { [front]: { cidr: `10.1.${round}.0/24` }, [back]: { cidr: `10.2.${round}.0/24` } };
      await change('VPC', 'shop', { mode: round % 3 === 0 ? 'l3' : 'l2', subnets });
      await change('VPCAttachment', 'a1', { vpc: 'shop', subnet: front, connection: round % 2 === 0 ? 'a1--leaf-1' : 'a2--leaf-2', ...(round % 4 === 0 ? {} : { vlan: 100 + round }) });
      await change('VPCAttachment', 'a2', { vpc: 'shop', subnet: back, connection: round % 2 === 0 ? 'b2--leaf-2' : 'b1--leaf-1' });
    }
    await settled(shop, a1, a2);
    assert.deepEqual(early, []);
  });

  it('leaves nothing behind', async () => {
    await remove(shop, a1, a2);
    await eventually(async () => assert.deepEqual(tenantRows(), []));
    await eventually(async () => {
      const { items } = await plane.client.list('Claim');
      assert.deepEqual(items.filter(({ spec }) => ['vni', 'host'].includes((spec as ClaimSpec).pool.split('.')[0] ?? '')).map(({ metadata }) => metadata.name), []);
    });
    assert.deepEqual(early, []);
  });
});

const conditionOf = (object: Resource, type: string): Condition | undefined =>
  ((object.status ?? {}) as { conditions?: Condition[] }).conditions?.find((condition) => condition.type === type);
