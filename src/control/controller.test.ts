import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachment, connection, peering, server, smallFabric, vpc } from '../compile/fixture.ts';
import { tableNumber } from '../goal/codec.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, conditionOf, createAll, fresh, removeAtOnce, tenant, waitFor } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24', back: '10.1.1.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });

test('objects become Programmed when the last affected device has answered', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1, a2]);
  const object = await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'True');
  await until('red is ready on both leaves', async () => {
    const { status } = await house.client.get(tenant('VPC', 'red'));
    return (status as { ready?: string }).ready === '2/2';
  });
  assert.equal(conditionOf(object, 'Accepted')?.status, 'True');
  const attached = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  assert.match(conditionOf(attached, 'Programmed')?.message ?? '', /^1 of 1 devices$/);
  const leaf = await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
  assert.equal(conditionOf(leaf, 'Connected')?.status, 'True');
  assert.match(await house.metrics.metrics(), /heddle_compile_full_recomputes_total 0/);
});

test('a VPC without the Fabric that VNIs come from says what is missing, and heals when it comes', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const [fabric, ...others] = smallFabric();
  assert.ok(fabric?.kind === 'Fabric');
  await createAll(house.client, [...others, red]);
  const lost = await waitFor(house.client, tenant('VPC', 'red'), 'Accepted', 'False', 'UnknownFabric');
  assert.match(conditionOf(lost, 'Accepted')?.message ?? '', /there is no Fabric "default" to take VNIs from; create it/);
  await createAll(house.client, [fabric]);
  await waitFor(house.client, tenant('VPC', 'red'), 'Accepted', 'True');
});

test('fabrics and address spaces say how much uses them', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red]);
  await until('all is counted', async () => {
    const { status: fabric } = await house.client.get(cluster('Fabric', 'default'));
    const { status: space } = await house.client.get(cluster('AddressSpace', 'default'));
    const counts = { ...(fabric as object | undefined), ...(space as object | undefined) } as { switches?: number; servers?: number; vpcs?: number };
    return counts.switches === 3 && counts.servers === 4 && counts.vpcs === 1;
  });
});

test('a silent device keeps Programmed from being True, and its answer makes it so', async (t) => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1'] });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1, a2]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const pending = await waitFor(house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'False', 'Pending');
  assert.equal(conditionOf(pending, 'Programmed')?.message, '0 of 1 devices; waiting for leaf-2');
  await until('the VPC waits for leaf-2 only', async () => {
    const condition = conditionOf(await house.client.get(tenant('VPC', 'red')), 'Programmed');
    return condition?.message === '1 of 2 devices; waiting for leaf-2';
  });
  house.fleet.connect('leaf-2');
  await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'True');
  await waitFor(house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
});

test('a removal counts: the VPC is not Programmed before the device it left has said so', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1, a2]);
  await until('red is ready on both leaves', async () => {
    const { status } = await house.client.get(tenant('VPC', 'red'));
    return (status as { ready?: string } | undefined)?.ready === '2/2';
  });
  house.fleet.disconnect('leaf-2');
  await house.client.delete(tenant('VPCAttachment', 'a2'));
  await until('the VPC waits for leaf-2 to give it up', async () => {
    const condition = conditionOf(await house.client.get(tenant('VPC', 'red')), 'Programmed');
    return condition?.status === 'False' && condition.message === '1 of 2 devices; waiting for leaf-2';
  });
  house.fleet.connect('leaf-2');
  await until('the VPC is on leaf-1 alone', async () => {
    const condition = conditionOf(await house.client.get(tenant('VPC', 'red')), 'Programmed');
    return condition?.status === 'True' && condition.message === '1 of 1 devices';
  });
});

test('a newer generation is not Programmed while only the older one was acknowledged', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1]);
  const before = await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'True', 'Programmed');
  house.fleet.answering = false;
  const dhcp = { front: { cidr: '10.1.0.0/24', dhcp: { leaseSeconds: 600 } }, back: { cidr: '10.1.1.0/24' } };
  const written = await house.client.update({ ...before, spec: { subnets: dhcp } });
  assert.equal(written.metadata.generation, 2);
  const pending = await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'False', 'Pending');
  assert.equal(conditionOf(pending, 'Programmed')?.observedGeneration, 2);
  house.fleet.answering = true;
  house.fleet.answerAll();
  const after = await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'True');
  assert.equal(conditionOf(after, 'Programmed')?.observedGeneration, 2);
});

test('a row that a device refuses shows on the objects it comes from, and heals', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, smallFabric());
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
  house.fleet.fail('leaf-1', { table: 'attachment', key: 'E1/1', code: 'CommandFailed', message: 'no such device' });
  await createAll(house.client, [red, a1, a2]);
  const failed = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Failed');
  const message = '0 of 1 devices; leaf-1: attachment/E1/1: CommandFailed: no such device';
  assert.equal(conditionOf(failed, 'Programmed')?.message, message);
  await waitFor(house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
  house.fleet.fail('leaf-1');
  house.fleet.answerAll();
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  await until('an event tells of the refused row', async () => {
    const { items } = await house.client.list('Event');
    return items.some((event) => (event as { reason?: string }).reason === 'ProgrammingFailed');
  });
});

test('rows that an agent is too old to know show on the objects they come from', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, smallFabric());
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
  house.fleet.fail('leaf-1', { table: '', key: `#${tableNumber('attachment')}/E1/1`, code: 'Unsupported', message: 'too old' });
  await createAll(house.client, [red, a1]);
  const failed = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Failed');
  assert.equal(conditionOf(failed, 'Programmed')?.message, '0 of 1 devices; leaf-1: attachment/E1/1: Unsupported: too old');
});

test('a device that lost its state has to acknowledge everything again', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  house.fleet.answering = false;
  house.fleet.disconnect('leaf-1');
  house.fleet.connect('leaf-1', 'boot-2');
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Pending');
  house.fleet.answer('leaf-1');
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
});

test('a device that comes back with what it had has nothing to acknowledge again', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1]);
  const before = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  house.fleet.answering = false;
  house.fleet.disconnect('leaf-1');
  house.fleet.connect('leaf-1');
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Connected', 'True');
  const after = await house.client.get(tenant('VPCAttachment', 'a1'));
  assert.equal(conditionOf(after, 'Programmed')?.lastTransitionTime, conditionOf(before, 'Programmed')?.lastTransitionTime);
  assert.equal(conditionOf(after, 'Programmed')?.status, 'True');
});

test('an answer about versions of a former server counts for nothing', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  house.fleet.answering = false;
  await createAll(house.client, [...smallFabric(), red, a1]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Pending');
  const { version } = house.goal.scope('device/leaf-1');
  house.controller.events.onResult?.('leaf-1', { scope: 'device/leaf-1', version, phase: 'programmed', failed: [], reason: '' });
  await new Promise((resolve) => setImmediate(resolve));
  const attached = await house.client.get(tenant('VPCAttachment', 'a1'));
  assert.equal(conditionOf(attached, 'Programmed')?.status, 'False');
});

test('an attachment that comes before its VPC is not accepted, and heals when the VPC arrives', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), a1]);
  const refused = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Accepted', 'False');
  assert.equal(conditionOf(refused, 'Programmed')?.reason, 'NotAccepted');
  assert.match(conditionOf(refused, 'Accepted')?.message ?? '', /spec\.vpc: /);
  await createAll(house.client, [red]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
});

test('an object that needs no device is Programmed at once', async (t) => {
  const house = await buildHouse();
  t.after(() => house.stop());
  await createAll(house.client, smallFabric().filter(({ kind }) => kind === 'AddressSpace'));
  const space = await waitFor(house.client, cluster('AddressSpace', 'default'), 'Programmed', 'True', 'NoDevices');
  assert.equal((space.status as { ready?: string }).ready, '0/0');
});

test('status of an object is never written onto its successor of the same name', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  house.fleet.answering = false;
  await house.client.delete(tenant('VPCAttachment', 'a1'));
  await house.client.create(fresh(a1));
  const pending = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Pending');
  assert.equal(conditionOf(pending, 'Programmed')?.observedGeneration, 1);
  house.fleet.answering = true;
  house.fleet.answerAll();
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
});

test('a removed switch is waited for no longer', async (t) => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1'] });
  t.after(() => house.stop());
  const blue = vpc('blue', { front: '10.2.0.0/24' });
  await createAll(house.client, [...smallFabric(), red, blue, a1, a2]);
  const sides = [[{ vpc: 'red' }, { vpc: 'blue' }]];
  await createAll(house.client, [peering('red-blue', sides)]);
  await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'False', 'Pending');
  await removeAtOnce(house.client, cluster('Switch', 'leaf-2'));
  const object = await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'True');
  assert.equal((object.status as { ready?: string }).ready, '1/1');
  assert.deepEqual([...(house.fleet.declared ?? [])].toSorted(), ['leaf-1', 'spine-1']);
});

test('a row that one device refuses stops nothing else on it, and each object tells of its own', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  const b1 = attachment('b1', { vpc: 'red', subnet: 'front', connection: 'b1--leaf-1' });
  await createAll(house.client, smallFabric());
  house.fleet.fail('leaf-1', { table: 'attachment', key: 'E1/2', code: 'CommandFailed', message: 'port is busy' });
  await createAll(house.client, [red, a1, b1]);
  await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const failed = await waitFor(house.client, tenant('VPCAttachment', 'b1'), 'Programmed', 'False', 'Failed');
  assert.equal(conditionOf(failed, 'Programmed')?.message, '0 of 1 devices; leaf-1: attachment/E1/2: CommandFailed: port is busy');
  await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'False', 'Failed');
  assert.match(await house.metrics.metrics(), /heddle_rows_failed_total [1-9]/);
});

test('two agents of one device show on its Switch', async (t) => {
  const house = await buildHouse({ devices });
  t.after(() => house.stop());
  await createAll(house.client, smallFabric());
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
  const contest = { peers: ['10.0.0.1:1', '10.0.0.2:1'], bootEpochs: ['boot-1', 'boot-2'], takeovers: 4 } as const;
  house.controller.events.onContested?.('leaf-1', contest);
  await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Contested', 'True', 'TwoAgents');
  await until('an event names both', async () => {
    const { items } = await house.client.list('Event');
    return items.some((event) => /from 10\.0\.0\.1:1 and 10\.0\.0\.2:1/.test((event as { message?: string }).message ?? ''));
  });
});

test('the time that a change takes is not that since another object was made which it concerns', async (t) => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
  t.after(() => house.stop());
  const { client, metrics } = house;
  await createAll(client, [...smallFabric(), server('s9', 40), red]);
  await waitFor(client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
  const measured = async (): Promise<number> => {
    const figures = await metrics.getSingleMetric('heddle_apply_to_ack_seconds')?.get();
    return figures?.values.find((value) => 'metricName' in value && value.metricName === 'heddle_apply_to_ack_seconds_count')?.value ?? 0;
  };
  const before = await measured();
  await createAll(client, [
    connection('s9--leaf-1', [['s9/eth1', 'leaf-1/E1/9']]),
    attachment('a9', { vpc: 'red', subnet: 'front', connection: 's9--leaf-1' }),
  ]);
  await waitFor(client, tenant('VPCAttachment', 'a9'), 'Programmed', 'True');
  assert.equal((await measured()) - before, 2, 'the connection and the attachment, and not the server');
});
