import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry as MetricsRegistry } from 'prom-client';
import type { ResourceClient } from '../api/client.ts';
import type { FabricStatus } from '../api/kinds/fabric.ts';
import type { SwitchStatus } from '../api/kinds/switch.ts';
import { attachment, connection, peering, smallFabric, switchOf, vpc } from '../compile/fixture.ts';
import { GoalState } from '../goal/state.ts';
import { createLogger } from '../kit/log.ts';
import { until } from '../kit/testing.ts';
import { createController } from './controller.ts';
import { allowAnnotation } from './safeguard.ts';
import { buildHouse, cluster, conditionOf, createAll, digests, Fleet, removeAtOnce, tenant, waitFor } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24', back: '10.1.1.0/24' });
const blue = vpc('blue', { front: '10.2.0.0/24' });
const tenants = [
  red,
  blue,
  attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' }),
  attachment('a2', { vpc: 'red', subnet: 'back', connection: 'a2--leaf-2' }),
  attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' }),
  peering('red-blue', [[{ vpc: 'red', subnets: ['front'] }, { vpc: 'blue' }]]),
];

test('a restart compiles the same goal state, so that devices adopt it with no row sent', async (t) => {
  const first = await buildHouse({ devices });
  await createAll(first.client, [...smallFabric(), ...tenants]);
  await waitFor(first.client, tenant('VPCPeering', 'red-blue'), 'Programmed', 'True');
  await first.stop();
  const second = await buildHouse({ store: first.store, devices });
  t.after(() => second.stop());
  assert.ok(Object.keys(digests(first.goal)).length >= 5);
  assert.deepEqual(digests(second.goal), digests(first.goal));
});

test('after a restart no status is taken back while devices are given a moment to come back', async (t) => {
  const first = await buildHouse({ devices });
  await createAll(first.client, [...smallFabric(), ...tenants]);
  for (const name of ['red', 'blue']) await waitFor(first.client, tenant('VPC', name), 'Programmed', 'True');
  await waitFor(first.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
  await until('connected', async () => conditionOf(await first.client.get(cluster('Switch', 'leaf-1')), 'Connected')?.status === 'True');
  await first.stop();
  const revision = (await first.client.list('VPC')).resourceVersion;
  const second = await buildHouse({ store: first.store, patienceMilliseconds: 60_000 });
  t.after(() => second.stop());
  for (const device of devices) second.fleet.connect(device);
  await until('all devices are connected', async () => {
    const text = await second.metrics.getSingleMetric('heddle_devices_connected')?.get();
    return text?.values[0]?.value === 3;
  });
  const abort = new AbortController();
  t.after(() => abort.abort());
  const vpcs = await second.client.list('VPC');
  assert.ok(vpcs.items.every((object) => conditionOf(object, 'Programmed')?.status === 'True'));
  assert.ok(vpcs.items.every((object) => Number(object.metadata.resourceVersion) <= Number(revision)), 'no VPC was written');
});

test('when devices do not come back after a restart, status says so', async (t) => {
  const first = await buildHouse({ devices });
  await createAll(first.client, [...smallFabric(), ...tenants]);
  await waitFor(first.client, tenant('VPC', 'red'), 'Programmed', 'True');
  await first.stop();
  const second = await buildHouse({ store: first.store, devices: ['spine-1', 'leaf-1'], patienceMilliseconds: 10 });
  t.after(() => second.stop());
  await waitFor(second.client, tenant('VPC', 'red'), 'Programmed', 'False', 'Pending');
  const leaf = await waitFor(second.client, cluster('Switch', 'leaf-2'), 'Connected', 'False');
  assert.equal((leaf.status as { agent?: { connected: boolean } }).agent?.connected, false);
});

test('a controller that has not heard of every kind publishes nothing, and nothing is removed when it has', async (t) => {
  const first = await buildHouse({ devices });
  await createAll(first.client, [...smallFabric(), ...tenants]);
  await waitFor(first.client, tenant('VPCPeering', 'red-blue'), 'Programmed', 'True');
  await first.stop();

  const gate = Promise.withResolvers<void>();
  const slow: ResourceClient = {
    ...first.client,
    async list(kind) {
      if (kind === 'VPCAttachment') await gate.promise;
      return first.client.list(kind);
    },
  };
  const goal = new GoalState();
  const fleet = new Fleet(goal);
  const log = createLogger({ name: 'test', level: 'silent' });
  const controller = createController({ client: slow, goal, log, registry: new MetricsRegistry() });
  fleet.attach(controller);
  t.after(() => controller.stop());
  const started = controller.start(fleet);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(fleet.published.length, 0);
  assert.equal(fleet.declared, undefined);
  assert.equal(goal.version, 0);
  gate.resolve();
  await started;
  assert.deepEqual(digests(goal), digests(first.goal));
  assert.equal(goal.version, 1, 'everything came as one version');
});

test('a watch that fell too far behind lists again and misses nothing', async (t) => {
  const house = await buildHouse({ devices });
  await house.stop();
  await createAll(house.client, smallFabric());
  let cut = true;
  const broken: ResourceClient = {
    ...house.client,
    async *watch(kind, revision, signal) {
      if (kind === 'VPC' && cut) {
        cut = false;
        await house.client.create({ ...blue, metadata: { name: 'blue', namespace: 'default' } });
        await house.store.compact(house.store.revision);
      }
      yield* house.client.watch(kind, revision, signal);
    },
  };
  const goal = new GoalState();
  const fleet = new Fleet(goal);
  const log = createLogger({ name: 'test', level: 'silent' });
  const controller = createController({ client: broken, goal, log, registry: new MetricsRegistry() });
  t.after(() => controller.stop());
  await controller.start(fleet);
  await waitFor(house.client, tenant('VPC', 'blue'), 'Accepted', 'True');
});

test('a control plane that lost its store isolates no device before the first Switch is declared again', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  assert.equal(house.fleet.declared, undefined);
  await createAll(house.client, smallFabric());
  await until('the switches are announced', async () => house.fleet.declared?.has('leaf-1'));
  for (const device of devices) await removeAtOnce(house.client, cluster('Switch', device));
  await until('all of them are unwanted', async () => house.fleet.declared?.size === 0);
});

const heldOf = async (client: ResourceClient, device: string): Promise<SwitchStatus['held']> =>
  ((await client.get(cluster('Switch', device))).status as SwitchStatus | undefined)?.held;

test('a device that comes with far more rows than it would be left with is sent nothing, until that is allowed', async (t) => {
  const first = await buildHouse({ devices });
  await createAll(first.client, [...smallFabric(), ...tenants]);
  await waitFor(first.client, tenant('VPC', 'red'), 'Programmed', 'True');
  await first.stop();
  // The store is a backup of before: what the leaf was given since is not in it.
  const second = await buildHouse({ store: first.store, devices: ['spine-1', 'leaf-2'] });
  t.after(() => second.stop());
  second.fleet.connect('leaf-1', 'boot-1', 500);
  const held = await until('it is held', () => heldOf(second.client, 'leaf-1'));
  assert.equal(held?.of, 500);
  assert.deepEqual([...second.fleet.held], ['leaf-1']);
  await waitFor(second.client, cluster('Switch', 'leaf-2'), 'Programmed', 'True');
  await waitFor(second.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Pending');
  const leaf = await second.client.get(cluster('Switch', 'leaf-1'));
  await second.client.update({ ...leaf, metadata: { ...leaf.metadata, annotations: { [allowAnnotation]: held?.token ?? '' } } });
  await waitFor(second.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  assert.equal(second.fleet.held.size, 0);
});

test('a device that comes before what it runs is declared again gets it back, and is not emptied on the way', async (t) => {
  const house = await buildHouse();
  t.after(() => house.stop());
  const rowCount = 80;
  for (const device of devices) house.fleet.connect(device, 'boot-1', rowCount);
  await createAll(house.client, smallFabric());
  await until('the leaf is held, as it would lose its tenants', () => heldOf(house.client, 'leaf-1'));
  assert.ok(house.fleet.held.has('leaf-1'));
  const wide = Array.from({ length: 60 }, (_, number) => number);
  const switches = wide.flatMap((number) => [
    switchOf(`spine-${number + 2}`, 'spine'),
    connection(`spine-${number + 2}--leaf-1`, [[`spine-${number + 2}/E1/1`, `leaf-1/E1/${number + 3}`]]),
  ]);
  await createAll(house.client, switches);
  await until('it has as much again', async () => !house.fleet.held.has('leaf-1'));
  assert.ok(house.fleet.held.has('leaf-2'));
});

test('devices that nobody declares are not taken out of service when they are many', async (t) => {
  const house = await buildHouse({ devices: [] });
  t.after(() => house.stop());
  await createAll(house.client, smallFabric());
  await until('the switches are announced', async () => house.fleet.declared?.has('leaf-1'));
  const strangers = Array.from({ length: 12 }, (_, number) => `stranger-${number}`);
  for (const device of strangers) house.fleet.connect(device, 'boot-1', 100);
  assert.deepEqual([...house.fleet.held], ['stranger-10', 'stranger-11']);
  await until('the Fabric says so', async () => {
    const { status } = await house.client.get(cluster('Fabric', 'default'));
    return (status as FabricStatus | undefined)?.held?.devices === 2;
  });
});
