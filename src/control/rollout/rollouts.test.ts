/** A change of what operators declare, wave by wave, as operators and devices meet it. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { RolloutSpec } from '../../api/kinds/rollout.ts';
import { refOf } from '../../api/object.ts';
import { attachment, smallFabric, vpc } from '../../compile/fixture.ts';
import { until } from '../../kit/testing.ts';
import type { Address } from '../../net/brand.ts';
import { buildHouse, cluster, conditionOf, createAll, digests, tenant, vtepOf, waitFor, type House, type HouseOptions } from '../testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });
const rollout = { canary: { names: ['leaf-1'] }, wavePercent: 33, soakSeconds: 0, deadlineSeconds: 30 };
const refused = { table: 'bgpPeer', key: 'E1/49', code: 'CommandFailed', message: 'no such timer' };

const build = async (t: TestContext, more: object = {}, options: HouseOptions = {}): Promise<House> => {
  const house = await buildHouse({ devices, ...options });
  t.after(() => house.stop());
  const [fabric, ...others] = smallFabric();
  assert.ok(fabric !== undefined);
  await createAll(house.client, [{ ...fabric, spec: { rollout: { ...rollout, ...more } } }, ...others, red, a1]);
  for (const object of [a1, fabric, ...others.filter(({ kind }) => kind === 'Switch')]) await waitFor(house.client, refOf(object), 'Programmed', 'True');
  return house;
};

const setBfd = async ({ client }: House, intervalMilliseconds: number, more: object = {}): Promise<void> => {
  const fabric = await client.get(cluster('Fabric', 'default'));
  const spec = fabric.spec as { readonly rollout: object };
  await client.update({ ...fabric, spec: { ...spec, underlay: { bfd: { intervalMilliseconds } }, rollout: { ...spec.rollout, ...more } } });
};

const setRollout = async ({ client }: House, more: object): Promise<void> => {
  const fabric = await client.get(cluster('Fabric', 'default'));
  const spec = fabric.spec as { readonly rollout: object };
  await client.update({ ...fabric, spec: { ...spec, rollout: { ...spec.rollout, ...more } } });
};

/** BFD intervals that a device is given. */
const intervals = ({ goal }: House, device: string): number[] =>
  [...goal.scope(`device/${device}`).rows.values()].flatMap((row) => (row.table === 'bgpPeer' && row.value.bfd !== undefined ? [row.value.bfd.intervalMilliseconds] : []));
const have = (house: House, milliseconds: number): string[] => devices.filter((device) => intervals(house, device).every((each) => each === milliseconds));

const record = async ({ client }: House, revision: number): Promise<RolloutSpec> => (await client.get(cluster('Rollout', `default-${revision}`))).spec as RolloutSpec;
const reaches = (house: House, revision: number, phase: RolloutSpec['phase']): Promise<RolloutSpec> =>
  until(`revision ${revision} is ${phase}`, async () => {
    try {
      const found = await record(house, revision);
      return found.phase === phase ? found : undefined;
    } catch {
      return undefined;
    }
  });

describe('a change of what operators declare', () => {
  test('goes to the canary first, to the next wave when that has acknowledged, and is Programmed at the end', async (t) => {
    const house = await build(t);
    house.fleet.answering = false;
    await setBfd(house, 500);
    await until('the canary has it', async () => have(house, 500).length === 1);
    assert.deepEqual(have(house, 500), ['leaf-1']);
    const fabric = await waitFor(house.client, cluster('Fabric', 'default'), 'Programmed', 'False', 'Staged');
    assert.match(conditionOf(fabric, 'Programmed')?.message ?? '', /waiting for a later wave of the rollout/);
    house.fleet.answer('leaf-1');
    await until('another has it', async () => have(house, 500).length === 2);
    house.fleet.answering = true;
    house.fleet.answerAll();
    await waitFor(house.client, cluster('Fabric', 'default'), 'Programmed', 'True');
    const { waves, wave, changes } = await reaches(house, 1, 'Complete');
    assert.deepEqual([waves, wave], [[['leaf-1'], ['leaf-2'], ['spine-1']], 3]);
    assert.partialDeepStrictEqual(JSON.parse(changes[0]?.before ?? ''), { underlay: { bfd: { intervalMilliseconds: 300 } } });
  });

  test('that a canary refuses halts, takes the canary back, and says why on the object, until that changes again', async (t) => {
    const house = await build(t);
    const before = digests(house.goal);
    house.fleet.answering = false;
    await setBfd(house, 500);
    await until('the canary has it', async () => have(house, 500).length === 1);
    house.fleet.fail('leaf-1', refused);
    house.fleet.answer('leaf-1');
    house.fleet.fail('leaf-1');
    const halted = await reaches(house, 1, 'Halted');
    assert.deepEqual(halted.failures, [{ device: 'leaf-1', reason: 'Refused', message: 'bgpPeer/E1/49: no such timer' }]);
    assert.equal(halted.rolledBack, true);
    house.fleet.answering = true;
    house.fleet.answerAll();
    const fabric = await waitFor(house.client, cluster('Fabric', 'default'), 'Programmed', 'False', 'RolledBack');
    assert.match(conditionOf(fabric, 'Programmed')?.message ?? '', /revision 1 .* halted: wave 1 of \d failed, .*leaf-1: bgpPeer\/E1\/49: no such timer; change the object/);
    await until('it is taken back', () => have(house, 300).length === 3);
    assert.deepEqual(digests(house.goal), before);
    await setBfd(house, 400);
    await reaches(house, 2, 'Complete');
    assert.deepEqual(have(house, 400), devices);
    assert.partialDeepStrictEqual(JSON.parse((await record(house, 2)).changes[0]?.before ?? ''), { underlay: { bfd: { intervalMilliseconds: 300 } } });
  });

  test('that nobody answers to in time halts, and with rollback Manual devices stay as they are', async (t) => {
    const house = await build(t, { deadlineSeconds: 1, rollback: 'Manual' });
    house.fleet.answering = false;
    await setBfd(house, 500);
    const { failures, rolledBack } = await reaches(house, 1, 'Halted');
    assert.deepEqual(failures, [{ device: 'leaf-1', reason: 'DeadlineExceeded', message: 'has not acknowledged' }]);
    assert.equal(rolledBack, false);
    assert.deepEqual(have(house, 500), ['leaf-1']);
  });

  test('after which a session is down that was up halts and goes back, and names the session', async (t) => {
    const house = await build(t, { deadlineSeconds: 1, soakSeconds: 3 });
    const before = digests(house.goal);
    house.fleet.tellSessions('leaf-1', { 'E1/49': true });
    house.fleet.tellSessions('leaf-2', { 'E1/49': false });
    await setBfd(house, 500);
    await until('the canary has it', async () => have(house, 500).length === 1);
    house.fleet.tellSessions('leaf-1', { 'E1/49': false });
    const { failures, rolledBack } = await reaches(house, 1, 'Halted');
    assert.deepEqual(failures, [{ device: 'leaf-1', reason: 'DeadlineExceeded', message: 'BGP session E1/49 (spine-1/E1/1) is down' }]);
    assert.equal(rolledBack, true);
    await until('it is taken back', async () => have(house, 300).length === 3);
    assert.deepEqual(digests(house.goal), before);
  });

  test('after which a session with a router outside is down that was up halts too', async (t) => {
    const house = await build(t, { deadlineSeconds: 1, soakSeconds: 3, rollback: 'Manual' });
    const tell = (state: 'Established' | 'Active'): void =>
      house.controller.events.onObservation?.('leaf-1', { sessions: [{ vrf: 'vrf5003', address: '192.0.2.0' as Address, state, believed: 1 }] });
    tell('Established');
    await setBfd(house, 500);
    await until('the canary has it', async () => have(house, 500).length === 1);
    tell('Active');
    const { failures } = await reaches(house, 1, 'Halted');
    assert.deepEqual(failures, [{ device: 'leaf-1', reason: 'DeadlineExceeded', message: 'BGP session 192.0.2.0 in vrf5003 is down' }]);
  });

  test('goes on when a session that fell is back in time, and waits for none that was down before', async (t) => {
    const house = await build(t, { soakSeconds: 1 });
    for (const device of devices) house.fleet.tellSessions(device, { 'E1/1': device === 'spine-1', 'E1/2': false, 'E1/49': device === 'leaf-1' });
    await setBfd(house, 500);
    await until('the canary has it', async () => have(house, 500).length === 1);
    house.fleet.tellSessions('leaf-1', { 'E1/49': false });
    await until('it is missed', async () => (await record(house, 1)).message.endsWith('waits for leaf-1: BGP session E1/49 (spine-1/E1/1) is down'));
    await setRollout(house, { soakSeconds: 0 });
    house.fleet.tellSessions('leaf-1', { 'E1/49': true });
    await reaches(house, 1, 'Complete');
  });

  test('after which a leaf is not reached that was halts and goes back, and names the leaf', async (t) => {
    const house = await build(t, { deadlineSeconds: 1, soakSeconds: 3 });
    await createAll(house.client, [a2]);
    await waitFor(house.client, refOf(a2), 'Programmed', 'True');
    house.fleet.probes('leaf-1');
    await setBfd(house, 500);
    await until('the canary has it', async () => have(house, 500).length === 1);
    const there = vtepOf(house.goal, 'leaf-2');
    assert.ok(there !== undefined);
    assert.deepEqual(house.fleet.probed.slice(0, 1), [`leaf-1: ${there}`]);
    house.fleet.probes('leaf-1', 'leaf-2');
    const { failures, rolledBack } = await reaches(house, 1, 'Halted');
    assert.deepEqual(failures, [{ device: 'leaf-1', reason: 'DeadlineExceeded', message: `the VTEP of leaf-2 (${there}) does not answer` }]);
    assert.equal(rolledBack, true);
    await until('it is taken back', async () => have(house, 300).length === 3);
    const asked = house.fleet.probed.length;
    await setBfd(house, 400, { checks: { probes: false }, soakSeconds: 0 });
    await reaches(house, 2, 'Complete');
    assert.equal(house.fleet.probed.length, asked, 'nobody is probed without need');
  });

  test('waits for a probe after the canary has acknowledged, and for no leaf that did not answer before', async (t) => {
    const house = await build(t);
    await createAll(house.client, [a2]);
    await waitFor(house.client, refOf(a2), 'Programmed', 'True');
    house.fleet.probes('leaf-1');
    house.fleet.probes('leaf-2', 'leaf-1');
    await setBfd(house, 500);
    await reaches(house, 1, 'Complete');
    const by = (device: string): number => house.fleet.probed.filter((each) => each.startsWith(device)).length;
    assert.ok(by('leaf-1') >= 2, 'before and after');
    assert.equal(by('leaf-2'), 1, 'nobody answered it before');
  });

  test('is paused before its first wave and between waves, and goes on where it was', async (t) => {
    const house = await build(t, { paused: true });
    await setBfd(house, 500);
    await reaches(house, 1, 'Paused');
    assert.deepEqual(have(house, 500), []);
    await setRollout(house, { paused: false });
    await reaches(house, 1, 'Complete');
    assert.deepEqual(have(house, 500), devices);
  });

  test('takes the place of one that is under way, and going back then is to before both', async (t) => {
    const house = await build(t);
    house.fleet.answering = false;
    await setBfd(house, 500);
    await until('the canary has it', async () => have(house, 500).length === 1);
    await setBfd(house, 600);
    await reaches(house, 1, 'Superseded');
    await until('the canary has the new one', async () => have(house, 600).length === 1);
    assert.partialDeepStrictEqual(JSON.parse((await record(house, 2)).changes[0]?.before ?? ''), { underlay: { bfd: { intervalMilliseconds: 300 } } });
    house.fleet.answering = true;
    house.fleet.answerAll();
    await reaches(house, 2, 'Complete');
    assert.deepEqual(have(house, 600), devices);
  });

  test('does not hold up tenants: what they declare meanwhile goes at once', async (t) => {
    const house = await build(t, { paused: true });
    await setBfd(house, 500);
    await reaches(house, 1, 'Paused');
    await createAll(house.client, [a2]);
    await waitFor(house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
    assert.deepEqual(have(house, 500), []);
  });
});

describe('a leader that follows', () => {
  const next = async (t: TestContext, { store, stop }: House): Promise<House> => {
    await stop();
    const house = await buildHouse({ store, devices });
    t.after(() => house.stop());
    return house;
  };

  test('goes on with the wave that was out, and gives the others nothing before', async (t) => {
    const first = await build(t);
    first.fleet.answering = false;
    await setBfd(first, 500);
    await until('the canary has it', async () => have(first, 500).length === 1);
    await until('it is written', async () => (await record(first, 1)).wave === 1);
    await setRollout(first, { paused: true });
    const second = await next(t, first);
    await reaches(second, 1, 'Paused');
    await until('the canary has it', () => have(second, 500).length > 0);
    assert.deepEqual(have(second, 500), ['leaf-1']);
    assert.deepEqual(have(second, 300), ['spine-1', 'leaf-2']);
    await setRollout(second, { paused: false });
    await reaches(second, 1, 'Complete');
    assert.deepEqual(have(second, 500), devices);
  });

  test('leaves what went back as it is', async (t) => {
    const first = await build(t);
    const before = digests(first.goal);
    first.fleet.answering = false;
    await setBfd(first, 500);
    await until('the canary has it', async () => have(first, 500).length === 1);
    first.fleet.fail('leaf-1', refused);
    first.fleet.answer('leaf-1');
    await reaches(first, 1, 'Halted');
    const second = await next(t, first);
    await waitFor(second.client, cluster('Fabric', 'default'), 'Programmed', 'False', 'RolledBack');
    await until('all is as it was', () => have(second, 300).length === 3);
    assert.deepEqual(digests(second.goal), before);
  });
});

