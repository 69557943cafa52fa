import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { digestPlus } from '../goal/digest.ts';
import { rowId } from '../goal/rows.ts';
import { rowsOf } from '../goal/tables.ts';
import { until } from '../southbound/testing.ts';
import type { Fleet } from './fleet.ts';
import { Stage, vrf } from './testing.ts';

const names = ['leaf-1', 'leaf-2', 'leaf-3', 'leaf-4'];

describe('simulated devices', () => {
  let stage: Stage;
  const isRight = (fleet: Fleet, device: string): boolean => {
    const wanted = rowsOf(stage.goal.tables(device)).map(rowId).toSorted();
    return [...fleet.agent(device).device.rows.keys()].toSorted().join() === wanted.join();
  };
  const allRight = (fleet: Fleet): Promise<void> =>
    until('all devices hold their goal', () => names.every((name) => isRight(fleet, name)));
  const answered = (phase: string, version: number): Promise<void> =>
    until(`all said ${phase} ${version}`, () =>
      names.every((name) =>
        stage.results.some((result) => result.device === name && result.phase === phase && result.version === version),
      ),
    );

  beforeEach(async () => {
    stage = new Stage();
    await stage.open(names);
  });
  afterEach(() => stage.close());

  test('they take their goal, program it and say so; what many of them get is decoded once', async () => {
    const fleet = await stage.fleet(names);
    await allRight(fleet);
    const before = fleet.status();
    assert.deepEqual([before.devices, before.running, before.connected, before.rows], [4, 4, 4, 4 * 4]);
    stage.write('vpc/1', [vrf('c')]);
    await answered('verified', 3);
    const { decoded } = fleet.status();
    // The update and what frames it, whatever the number of devices.
    assert.ok(decoded - before.decoded <= 3, `${decoded - before.decoded} messages were decoded`);
    const { received, programmed } = fleet.acknowledgements.of(3);
    assert.deepEqual([received.devices, programmed.devices], [4, 4]);
    assert.ok((received.first ?? 0) <= (received.last ?? 0));
    const [one] = names.map((name) => fleet.agent(name).digest());
    const wanted = ['vpc/1', 'device/leaf-1'].reduce((sum, scope) => digestPlus(sum, stage.goal.scope(scope).digest), 0n);
    assert.equal(one, wanted);
  });

  test('an agent that dies finds its journal and writes nothing; a device that lost everything is programmed anew', async () => {
    const fleet = await stage.fleet(names);
    await allRight(fleet);
    fleet.crash(['leaf-1']);
    assert.equal(fleet.agent('leaf-1').connected, false);
    await fleet.start(['leaf-1']);
    await until('back', () => fleet.agent('leaf-1').connected);
    assert.deepEqual([fleet.agent('leaf-1').counters().rowsWritten, isRight(fleet, 'leaf-1')], [0, true]);
    assert.equal(stage.epochs.get('leaf-1')?.size, 1);
    fleet.fail('lost', ['leaf-1']);
    assert.equal(fleet.agent('leaf-1').device.rows.size, 0);
    await fleet.start(['leaf-1']);
    await allRight(fleet);
    assert.equal(stage.epochs.get('leaf-1')?.size, 2);
    fleet.fail('kept', ['leaf-2']);
    await stage.southbound.close();
    await fleet.start(['leaf-2']);
    await until('programmed from its journal', () => isRight(fleet, 'leaf-2'));
  });

  test('a dead agent writes nothing more, however slow its device was', async () => {
    const fleet = await stage.fleet(names, { faults: { slowTables: [{ table: 'vrf', milliseconds: 40 }] } });
    await until('some row', () => fleet.agent('leaf-1').device.rows.size > 0);
    fleet.crash();
    const rows = fleet.status().rows;
    await new Promise((resolve) => setTimeout(resolve, 80));
    assert.equal(fleet.status().rows, rows);
  });

  test('what somebody else takes away is put back', async () => {
    const fleet = await stage.fleet(names);
    await allRight(fleet);
    fleet.agent('leaf-3').drift();
    assert.equal(isRight(fleet, 'leaf-3'), false);
    await allRight(fleet);
    assert.equal(fleet.agent('leaf-3').counters().driftRepaired, 1);
  });

  test('a refused row is named to the server, and is there once it is accepted', async () => {
    const fleet = await stage.fleet(names, { faults: { rejections: [{ rows: 'vrf/a', chance: 1 }] } });
    const failures = (): string[] =>
      stage.results.flatMap(({ failed }) => failed.map(({ table, key, code }) => `${table}/${key} ${code}`));
    await until('refused', () => failures().includes('vrf/a Rejected'));
    assert.equal(fleet.agent('leaf-1').device.rows.has('vrf/a'), false);
    assert.ok(fleet.status().failures > 0);
    fleet.setFaults({ rejections: [] });
    await allRight(fleet);
  });

  test('with late messages, lost, doubled and overtaken answers and broken connections everything comes right all the same', async () => {
    const faults = { latencyMilliseconds: { least: 0, most: 10 }, loss: 0.02, answerLoss: 0.2, duplication: 0.2, reordering: 0.2 };
    const fleet = await stage.fleet(names, { faults });
    for (let change = 0; change < 20; change += 1) {
      stage.write('vpc/1', [vrf(`x-${change % 3}`, String(change))], [`vrf/x-${(change + 1) % 3}`]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await allRight(fleet);
    await answered('verified', stage.goal.version);
  });

  test('a connection that is cut is made anew', async () => {
    const fleet = await stage.fleet(names);
    await allRight(fleet);
    fleet.cut(['leaf-1']);
    assert.equal(fleet.connected, 3);
    await until('back', () => fleet.connected === 4);
    assert.equal(fleet.status().connections, 5);
  });

  test('mishaps come by themselves, and the devices come back', async () => {
    const absenceMilliseconds = { least: 1, most: 10 };
    const faults = { crashSeconds: 0.1, rebootSeconds: 0.1, driftSeconds: 0.05, absenceMilliseconds };
    const fleet = await stage.fleet(names, { faults });
    await until('each of them', () => Object.values(fleet.status().mishaps).every((count) => count > 1));
    fleet.setFaults({ crashSeconds: 0, rebootSeconds: 0, driftSeconds: 0 });
    await until('all run', () => fleet.status().running === 4);
    await allRight(fleet);
  });

  test('agents that die while they dial leave nothing behind', async () => {
    const fleet = await stage.fleet(names);
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    fleet.crash();
    await until('quiet', () => fleet.connected === 0);
    const before = timers();
    for (let round = 0; round < 30; round += 1) {
      await fleet.start();
      for (let turn = 0; turn < round % 15; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      fleet.crash();
    }
    await until('no timer is left', () => timers() <= before);
  });
});
