import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Address, Vni } from '../net/brand.ts';
import { type DecodedRow, rowOfMessage, tableNumber } from '../goal/codec.ts';
import type { Row as RowMessage } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { Replica } from '../goal/replica.ts';
import { GoalState } from '../goal/state.ts';
import type { Row } from '../goal/rows.ts';
import { loggerTo } from '../kit/log.ts';
import { loopbackCertificate, until } from '../southbound/testing.ts';
import { MemoryJournal } from './memoryjournal.ts';
import { Bench, MemoryDevice, goalTexts, sameRows } from './testing.ts';

const vrf = (name: string, description = ''): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description } });
const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });
const system = (hostname: string): Row => ({ table: 'system', key: 'self', value: { hostname, role: 'leaf', routerId: '10.0.0.1' as Address } });
const attachment = (port: string): Row => ({ table: 'attachment', key: port, value: { port, segment: 1001 as Vni } });

describe('an agent and its server', () => {
  let bench: Bench;
  let device: MemoryDevice;
  beforeEach(() => {
    bench = new Bench();
    device = new MemoryDevice();
  });
  afterEach(() => bench.close());

  const equal = (name = 'leaf-1', memory = device): Promise<void> =>
    until(`${name} equals its goal`, () => sameRows(memory.rows, goalTexts(bench.goal, name)));
  const verified = (scope: string, version: number, name = 'leaf-1'): Promise<void> =>
    until(`${scope} verified at ${version}`, () => bench.heard(name, scope, 'verified').some((result) => result.version === version));
  const start = async (): Promise<void> => {
    bench.commit('device/leaf-1', [system('leaf-1'), member('vpc/1')]);
    bench.commit('vpc/1', [vrf('a'), vrf('b')]);
    await bench.serve();
    bench.southbound.setDevices(['leaf-1']);
  };

  test('a new device gets all its scopes and says what became of them', async () => {
    await start();
    await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    await verified('device/leaf-1', 1);
    assert.ok(sameRows(device.rows, goalTexts(bench.goal, 'leaf-1')));
    const phases = bench.results.filter(({ scope }) => scope === 'vpc/1').map(({ phase }) => phase);
    assert.deepEqual(phases, ['received', 'verified']);
    assert.deepEqual(bench.log, ['+leaf-1']);
  });

  test('a change of a shared scope is encoded once and touches only what changed on every device', async () => {
    const names = ['leaf-1', 'leaf-2', 'leaf-3'];
    for (const name of names) bench.commit(`device/${name}`, [system(name), member('vpc/1')]);
    bench.commit('vpc/1', [vrf('a'), vrf('b')]);
    await bench.serve();
    bench.southbound.setDevices(names);
    const devices = names.map(() => new MemoryDevice());
    await Promise.all(names.map((name, index) => bench.agent(name, devices[index] ?? device)));
    for (const name of names) await verified('vpc/1', 4, name);
    for (const memory of devices) memory.written.length = 0;
    const before = bench.southbound.encodedUpdates();
    bench.commit('vpc/1', [vrf('b', 'changed')], ['vrf/a']);
    for (const name of names) await verified('vpc/1', 5, name);
    assert.equal(bench.southbound.encodedUpdates() - before, 1);
    for (const memory of devices) assert.deepEqual(memory.written, ['vrf/a', 'vrf/b']);
  });

  test('rows that an old agent does not understand fail, the others of their scope are programmed, and it is not verified', async () => {
    const old = (message: RowMessage): DecodedRow => {
      const { id, bytes, row } = rowOfMessage(message);
      return row?.table === 'vrf' && row.key === 'b' ? { id: `#${tableNumber('vrf')}/b`, bytes, unknown: 1 } : { id, bytes, unknown: 0, ...(row && { row }) };
    };
    await start();
    await bench.agent('leaf-1', device, { replica: new Replica(old) });
    await verified('device/leaf-1', 1);
    await until('vpc/1 programmed', () => bench.heard('leaf-1', 'vpc/1', 'programmed').length > 0);
    const [result] = bench.heard('leaf-1', 'vpc/1', 'programmed');
    assert.deepEqual(result?.failed.map(({ table, key, code }) => ({ table, key, code })), [{ table: '', key: '#16/b', code: 'Unsupported' }]);
    assert.ok(device.rows.has('vrf/a') && !device.rows.has('vrf/b'));
    assert.deepEqual(bench.heard('leaf-1', 'vpc/1', 'verified'), []);
  });

  test('a server restart rewrites no row, and results come again with the new versions', async () => {
    await start();
    await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    await bench.stopServer();
    device.written.length = 0;
    bench.results.length = 0;
    bench.goal = new GoalState();
    bench.commit('vpc/1', [vrf('b'), vrf('a')]);
    bench.commit('device/leaf-1', [member('vpc/1'), system('leaf-1')]);
    await bench.serve();
    bench.southbound.setDevices(['leaf-1']);
    await verified('vpc/1', 1);
    await verified('device/leaf-1', 2);
    assert.deepEqual(device.written, []);
  });

  test('an agent restart without a controller adopts: no row rewritten, drift repaired', async () => {
    await start();
    const first = await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    await bench.stopAgent(first);
    await bench.stopServer();
    device.written.length = 0;
    const second = await bench.agent('leaf-1', device);
    assert.equal(await second.adopted, 0);
    assert.deepEqual(device.written, []);
    device.rows.delete('vrf/a');
    await equal();
    await until('the repair is counted', () => second.status().driftRepaired === 1);
    assert.deepEqual(second.status().drifted, ['vrf/a']);
    assert.equal(second.status().connected, false);
  });

  test('a journal in memory outlives its agent, and a wiped one is a new device', async () => {
    await start();
    const journal = new MemoryJournal();
    const first = await bench.agent('leaf-1', device, { journal: journal.recover() });
    await verified('vpc/1', 2);
    for (let index = 0; index < 500; index += 1) bench.commit('vpc/1', [vrf('a', `${index}`.padEnd(100))]);
    await verified('vpc/1', bench.goal.version);
    await bench.stopAgent(first);
    await bench.stopServer();
    device.written.length = 0;
    const second = await bench.agent('leaf-1', device, { journal: journal.recover() });
    assert.equal(await second.adopted, 0);
    assert.deepEqual([second.status().versions.get('vpc/1'), device.written], [bench.goal.version, []]);
    await bench.stopAgent(second);
    journal.wipe();
    const third = await bench.agent('leaf-1', device, { journal: journal.recover() });
    assert.equal(third.status().versions.size, 0);
  });

  test('a device may be read while its journal is recovered, once, and its failure is as any other', async () => {
    await start();
    const first = await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    await bench.stopAgent(first);
    await bench.stopServer();
    device.reads = 0;
    const second = await bench.agent('leaf-1', device, { readEarly: true, driftMilliseconds: 60_000 });
    assert.deepEqual([await second.adopted, device.reads], [0, 1]);
    await bench.stopAgent(second);
    device.unreadable = 'netlink: permission denied';
    const third = await bench.agent('leaf-1', device, { readEarly: true });
    await until('read again', () => device.reads > 2);
    device.unreadable = undefined;
    assert.equal(await third.adopted, 0);
  });

  test('a device that returns gets only what changed while it was away', async () => {
    await start();
    const first = await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    await bench.stopAgent(first);
    device.written.length = 0;
    bench.commit('vpc/1', [vrf('c')]);
    await bench.agent('leaf-1', device);
    await verified('vpc/1', 3);
    assert.deepEqual(device.written, ['vrf/c']);
  });

  test('an agent that died between its journal and the device finishes the work at its next start', async () => {
    await start();
    const open = device.block();
    const first = await bench.agent('leaf-1', device);
    await until('the journal has it', () => bench.heard('leaf-1', 'vpc/1', 'received').length > 0);
    await bench.stopServer();
    // The device loses what the dying agent still writes.
    const dead = bench.stopAgent(first);
    open();
    await dead;
    device.rows.clear();
    await bench.agent('leaf-1', device);
    await equal();
  });

  test('a row that fails is named, the others are programmed, and it is tried again', async () => {
    device.broken.add('vrf/a');
    await start();
    bench.commit('vpc/1', [vrf('child-of-a')]);
    await bench.agent('leaf-1', device);
    await until('the failure is heard', () => bench.heard('leaf-1', 'vpc/1', 'programmed').length > 0);
    const [result] = bench.heard('leaf-1', 'vpc/1', 'programmed');
    assert.deepEqual(result?.failed[0], { table: 'vrf', key: 'a', code: 'Broken', message: 'this row cannot be written' });
    await verified('device/leaf-1', 1);
    assert.ok(device.rows.has('vrf/b'));
    assert.equal(bench.heard('leaf-1', 'vpc/1', 'verified').length, 0);
    device.broken.clear();
    await verified('vpc/1', 3);
    assert.deepEqual(bench.heard('leaf-1', 'vpc/1', 'verified').at(-1)?.failed, []);
    assert.equal(bench.reports.filter(({ driftRepaired }) => driftRepaired > 0).length, 0);
  });

  test('a device that is slow to apply gets the newest state, not every state in between', async () => {
    await start();
    await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    const open = device.block();
    device.applied.length = 0;
    for (let index = 0; index < 200; index += 1) bench.commit('vpc/1', [vrf('a', String(index))]);
    await until('the newest is in the journal', () => bench.heard('leaf-1', 'vpc/1', 'received').at(-1)?.version === 202);
    open();
    await verified('vpc/1', 202);
    assert.ok(device.applied.length <= 3, `${device.applied.length} rounds`);
    assert.ok(bench.heard('leaf-1', 'vpc/1', 'received').length < 200);
  });

  test('a device that leaves a VPC drops its scope', async () => {
    await start();
    const agent = await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    bench.commit('device/leaf-1', [], ['member/vpc/1']);
    await verified('device/leaf-1', 3);
    await equal();
    assert.deepEqual([...agent.status().versions.keys()], ['device/leaf-1']);
    bench.commit('device/leaf-1', [member('vpc/1')]);
    await equal();
  });

  test('a device that is not declared isolates itself, and comes back when it is', async () => {
    bench.commit('device/leaf-1', [system('leaf-1'), attachment('E1/5')]);
    await bench.serve();
    bench.southbound.setDevices(['leaf-1']);
    const agent = await bench.agent('leaf-1', device);
    await verified('device/leaf-1', 1);
    bench.southbound.setDevices([]);
    await until('the port is out of service', () => !device.rows.has('attachment/E1/5'));
    assert.ok(device.rows.has('system/self'));
    await bench.stopAgent(agent);
    const again = await bench.agent('leaf-1', device);
    await again.adopted;
    assert.ok(again.status().isolated);
    bench.southbound.setDevices(['leaf-1']);
    await equal();
    assert.equal(again.status().isolated, false);
  });

  test('before the controller has spoken, a device keeps what it has', async () => {
    await start();
    const first = await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    await bench.stopServer();
    bench.goal = new GoalState();
    bench.results.length = 0;
    device.written.length = 0;
    await bench.serve();
    await until('connected', () => bench.southbound.connected().length === 1 && first.status().connected);
    // Declared, but no goal was ever written for it: an empty one would wipe the device.
    bench.southbound.setDevices(['leaf-1']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual([device.written, bench.results, first.status().isolated], [[], [], false]);
  });

  test('a device without a journal waits for its goal and touches nothing', async () => {
    device.rows.set('vrf/old', 'of before');
    await bench.serve();
    await bench.agent('leaf-1', device);
    await until('connected', () => bench.southbound.connected().length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(device.written, []);
  });

  test('a device that cannot be read says so for every scope, and recovers', async () => {
    device.unreadable = 'netlink: permission denied';
    await start();
    await bench.agent('leaf-1', device);
    await until('the failure is heard', () => bench.heard('leaf-1', 'vpc/1', 'programmed').length > 0);
    const failed = [{ table: '', key: '', code: 'DriverFailed', message: 'netlink: permission denied' }];
    assert.deepEqual(bench.heard('leaf-1', 'vpc/1', 'programmed')[0]?.failed, failed);
    device.unreadable = undefined;
    await verified('vpc/1', 2);
  });

  test('a change of a device that was just looked at is applied first and read afterwards, once', async () => {
    await start();
    await bench.agent('leaf-1', device, { driftMilliseconds: 60_000 });
    await verified('vpc/1', 2);
    device.reads = 0;
    bench.commit('vpc/1', [vrf('c')]);
    await verified('vpc/1', 3);
    assert.deepEqual([device.reads, device.rows.has('vrf/c')], [1, true]);
  });

  test('what changes on the device by itself is planned for at once, and is no drift', async () => {
    await start();
    const agent = await bench.agent('leaf-1', device, { driftMilliseconds: 60_000 });
    await verified('vpc/1', 2);
    device.rows.delete('vrf/a');
    device.stir?.();
    await until('it is written again', () => device.rows.has('vrf/a'));
    await equal();
    assert.deepEqual(agent.status().drifted, []);
    assert.equal(agent.status().driftRepaired, 0);
  });

  test('what changes on the device while it is being looked at is looked at again at once, and is no drift', async () => {
    await start();
    const agent = await bench.agent('leaf-1', device, { driftMilliseconds: 60_000 });
    await verified('vpc/1', 2);
    device.afterRead = () => {
      device.rows.delete('vrf/a');
      device.stir?.();
    };
    bench.commit('vpc/1', [vrf('c')]);
    await verified('vpc/1', 3);
    await equal();
    assert.deepEqual(agent.status().drifted, []);
    assert.equal(agent.status().driftRepaired, 0);
  });

  test('what drifted since the last look is repaired when the next change is read back', async () => {
    await start();
    const agent = await bench.agent('leaf-1', device, { driftMilliseconds: 60_000 });
    await verified('vpc/1', 2);
    device.rows.delete('vrf/a');
    bench.commit('vpc/1', [vrf('c')]);
    await verified('vpc/1', 3);
    await equal();
    assert.deepEqual(agent.status().drifted, []);
  });

  test('a step that fails only because the device is not as remembered is not reported', async () => {
    await start();
    bench.commit('vpc/1', [vrf('old')]);
    await bench.agent('leaf-1', device, { driftMilliseconds: 60_000, backoff: { first: 60_000, longest: 60_000 } });
    await verified('vpc/1', 3);
    device.rows.delete('vrf/old');
    device.broken.add('vrf/old');
    bench.commit('vpc/1', [], ['vrf/old']);
    await verified('vpc/1', 4);
    assert.deepEqual(bench.results.filter(({ failed }) => failed.length > 0), []);
  });

  test('an isolation that the disk refuses holds, and is in the journal once there is room', async () => {
    let full = false;
    const writeSync = (file: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
      if (full) throw new Error('ENOSPC: no space left on device, write');
      return fs.writeSync(file, bytes, offset, length, position);
    };
    bench.commit('device/leaf-1', [system('leaf-1'), attachment('E1/5')]);
    await bench.serve();
    bench.southbound.setDevices(['leaf-1']);
    const agent = await bench.agent('leaf-1', device, { disk: { ...fs, writeSync: writeSync as typeof fs.writeSync } });
    await verified('device/leaf-1', 1);
    full = true;
    bench.southbound.setDevices([]);
    await until('the port is out of service', () => !device.rows.has('attachment/E1/5'));
    const length = (): number => fs.statSync(`${bench.directory}/leaf-1/journal`).size;
    const before = length();
    full = false;
    await until('the isolation is on disk', () => length() > before);
    await bench.stopAgent(agent);
    await bench.stopServer();
    const again = await bench.agent('leaf-1', device);
    await again.adopted;
    assert.ok(again.status().isolated);
  });

  test('drift is repaired and reported', async () => {
    await start();
    await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    device.rows.delete('vrf/a');
    device.rows.set('vrf/b', 'tampered with');
    await until('the report', () => bench.reports.some(({ driftRepaired }) => driftRepaired === 2));
    assert.deepEqual(bench.reports.at(-1)?.drifted.toSorted(), ['vrf/a', 'vrf/b']);
    assert.ok(sameRows(device.rows, goalTexts(bench.goal, 'leaf-1')));
  });

  test('a full disk refuses the update, the device keeps forwarding, and takes it once there is room', async () => {
    let full = false;
    const writeSync = (file: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
      if (full) throw new Error('ENOSPC: no space left on device, write');
      return fs.writeSync(file, bytes, offset, length, position);
    };
    await start();
    // Only the form that the journal calls.
    await bench.agent('leaf-1', device, { disk: { ...fs, writeSync: writeSync as typeof fs.writeSync } });
    await verified('vpc/1', 2);
    device.written.length = 0;
    full = true;
    bench.commit('vpc/1', [vrf('c')]);
    await until('refused', () => bench.heard('leaf-1', 'vpc/1', 'refused').length > 0);
    assert.match(bench.heard('leaf-1', 'vpc/1', 'refused')[0]?.reason ?? '', /the journal cannot be written: ENOSPC/);
    device.rows.delete('vrf/a');
    await until('drift is repaired all the same', () => device.rows.has('vrf/a'));
    assert.deepEqual(device.written, ['vrf/a']);
    full = false;
    await verified('vpc/1', 3);
    await equal();
  });

  test('a row that never becomes right is called unstable instead of being written for ever', async () => {
    const driver = device.driver();
    const forgetful = { ...driver, read: async () => new Map([...(await driver.read())].filter(([id]) => id !== 'vrf/a')) };
    await start();
    await bench.agent('leaf-1', device, { driver: forgetful, driftMilliseconds: 60_000, backoff: { first: 60_000, longest: 60_000 } });
    await until('named', () => bench.heard('leaf-1', 'vpc/1', 'programmed').some(({ failed }) => failed[0]?.code === 'Unstable'));
    assert.equal(bench.heard('leaf-1', 'vpc/1', 'verified').length, 0);
    assert.equal(device.written.filter((id) => id === 'vrf/a').length, 5);
  });

  test('a leader of an older term is refused until it is gone', async () => {
    bench.commit('device/leaf-1', [system('leaf-1')]);
    await bench.serve({ term: 7 });
    bench.southbound.setDevices(['leaf-1']);
    await bench.agent('leaf-1', device);
    await verified('device/leaf-1', 1);
    await bench.stopServer();
    bench.commit('device/leaf-1', [vrf('of the old leader')]);
    await bench.serve({ term: 6 });
    bench.southbound.setDevices(['leaf-1']);
    await until('refused', () => bench.heard('leaf-1', 'device/leaf-1', 'refused').length > 0);
    assert.match(bench.heard('leaf-1', 'device/leaf-1', 'refused')[0]?.reason ?? '', /stale term 6: this device has seen term 7/);
    assert.ok(!device.rows.has('vrf/of the old leader'));
    await bench.stopServer();
    await bench.serve({ term: 8 });
    bench.southbound.setDevices(['leaf-1']);
    await equal();
  });

  test('a new leader that has nothing to write still ends what the old one may write, over a restart too', async () => {
    bench.commit('device/leaf-1', [system('leaf-1')]);
    await bench.serve({ term: 7 });
    bench.southbound.setDevices(['leaf-1']);
    const first = await bench.agent('leaf-1', device);
    await verified('device/leaf-1', 1);
    await bench.stopServer();
    await until('alone', () => !first.status().connected);
    await bench.serve({ term: 9 });
    bench.southbound.setDevices(['leaf-1']);
    await until('greeted by the new leader', () => first.status().connected);
    await bench.stopAgent(first);
    await bench.stopServer();
    bench.commit('device/leaf-1', [vrf('of the old leader')]);
    await bench.serve({ term: 7 });
    bench.southbound.setDevices(['leaf-1']);
    await bench.agent('leaf-1', device);
    await until('refused', () => bench.heard('leaf-1', 'device/leaf-1', 'refused').length > 0);
    assert.match(bench.heard('leaf-1', 'device/leaf-1', 'refused')[0]?.reason ?? '', /stale term 7: this device has seen term 9/);
    assert.ok(!device.rows.has('vrf/of the old leader'));
  });

  const wrongCertificates = [
    { name: 'an expired certificate', options: { days: -1 }, reason: /certificate has expired/ },
    { name: 'a certificate for another address', options: { address: '192.0.2.1' }, reason: /does not match certificate's altnames/ },
    { name: 'a certificate of another authority', options: undefined, reason: /self-signed certificate/ },
  ];
  for (const { name, options, reason } of wrongCertificates) {
    test(`a server with ${name} is not trusted: that is said once, and the device goes on`, async () => {
      await start();
      const first = await bench.agent('leaf-1', device);
      await verified('vpc/1', 2);
      await bench.stopAgent(first);
      await bench.stopServer();
      const wrong = await loopbackCertificate(options);
      await bench.serve({ tls: wrong });
      bench.southbound.setDevices(['leaf-1']);
      const said: string[] = [];
      const log = loggerTo({ write: (line) => void said.push(line) }, 'agent', 'warn');
      const trusted = options === undefined ? {} : { ca: wrong.certificate };
      const agent = await bench.agent('leaf-1', device, { log, ...trusted });
      assert.equal(await agent.adopted, 0);
      device.rows.delete('vrf/a');
      await equal();
      await until('it is said', () => said.some((line) => reason.test(line)));
      const refusals = (): string[] => said.filter((line) => line.includes('no connection to the controller'));
      assert.deepEqual([bench.southbound.connected(), refusals().length], [[], 1]);
      assert.match(refusals()[0] ?? '', new RegExp(`"level":"warn".*"server":"${bench.address}"`));
      await bench.stopServer();
      await bench.serve(options === undefined ? {} : { tls: await loopbackCertificate() });
      if (options === undefined) await until('connected', () => agent.status().connected);
    });
  }

  test('an agent with a wrong token never gets in', async () => {
    await start();
    const agent = await bench.agent('leaf-1', device, { token: () => 'leaf-1.AAAA' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.deepEqual([bench.southbound.connected(), bench.log, agent.status().connected], [[], [], false]);
  });

  test('two agents of one name: the newer takes over', async () => {
    await start();
    await bench.agent('leaf-1', device);
    await verified('vpc/1', 2);
    await bench.agent('leaf-1', device, { stateDirectory: `${bench.directory}/twin` });
    await until('the second is connected', () => bench.log.filter((line) => line === '+leaf-1').length >= 2);
    assert.deepEqual(bench.southbound.connected(), ['leaf-1']);
  });
});
