/** What server and agent do for each other so that thousands of devices and a million rows cost little. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Vni } from '../net/brand.ts';
import { GoalState } from '../goal/state.ts';
import type { Row } from '../goal/rows.ts';
import { type ClientHandlers, type ClientOptions, type SouthboundClient, connectSouthbound } from '../southbound/client.ts';
import { until } from '../southbound/testing.ts';
import { Bench, MemoryDevice, goalTexts, sameRows } from './testing.ts';

const vrf = (name: string, description = ''): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description } });
const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });

describe('distribution', () => {
  let bench: Bench;
  let device: MemoryDevice;
  beforeEach(() => {
    bench = new Bench();
    device = new MemoryDevice();
    bench.commit('device/leaf-1', [vrf('own'), member('vpc/1')]);
    bench.commit('vpc/1', [vrf('a'), vrf('b')]);
  });
  afterEach(() => bench.close());

  const serve = async (options = {}): Promise<void> => {
    await bench.serve(options);
    bench.southbound.setDevices(['leaf-1']);
  };
  const equal = (): Promise<void> => until('the device to equal its goal', () => sameRows(device.rows, goalTexts(bench.goal, 'leaf-1')));
  const verified = (scope: string): Promise<void> =>
    until(`${scope} verified`, () => {
      const { version } = bench.goal.scope(scope);
      return bench.heard('leaf-1', scope, 'verified').some((result) => result.version === version);
    });
  /** Counts messages to and from the agent of the next connection. */
  const counted = (): { readonly connect: (options: ClientOptions) => SouthboundClient; transactions: number; results: number; welcomes: number } => {
    const counts = { transactions: 0, results: 0, welcomes: 0 };
    const connect = (options: ClientOptions): SouthboundClient => {
      const handlers: ClientHandlers = {
        ...options.handlers,
        onTransaction: (transaction) => {
          counts.transactions += 1;
          options.handlers.onTransaction(transaction);
        },
        onWelcome: (welcome, server) => {
          counts.welcomes += 1;
          options.handlers.onWelcome(welcome, server);
        },
      };
      const client = connectSouthbound({ ...options, handlers });
      return {
        sendReport: (report) => client.sendReport(report),
        sendActual: (rows) => client.sendActual(rows),
        sendProbes: (answers) => client.sendProbes(answers),
        close: () => client.close(),
        sendResult: (result) => {
          counts.results += 1;
          return client.sendResult(result);
        },
      };
    };
    return Object.assign(counts, { connect });
  };

  test('a scope of many parts arrives as one transaction, and then changes by its rows alone', async () => {
    const rows = Array.from({ length: 5000 }, (_, index) => vrf(`vrf-${index}`, 'x'.repeat(60)));
    bench.commit('vpc/1', rows);
    const counts = counted();
    await serve();
    await bench.agent('leaf-1', device, { connect: counts.connect });
    await verified('vpc/1');
    assert.ok(sameRows(device.rows, goalTexts(bench.goal, 'leaf-1')));
    assert.equal(counts.transactions, 1);
    assert.ok(bench.southbound.encodedUpdates() > 5);
    bench.commit('vpc/1', [vrf('vrf-7', 'changed')], ['vrf/vrf-8']);
    await verified('vpc/1');
    assert.ok(sameRows(device.rows, goalTexts(bench.goal, 'leaf-1')));
  });

  test('a scope that is too large for the device is refused with the reason, and the device keeps what it has', async () => {
    await serve();
    await bench.agent('leaf-1', device, { connect: (options) => connectSouthbound({ ...options, mostTransactionBytes: 20_000 }) });
    await equal();
    const before = new Map(device.rows);
    bench.commit('vpc/1', Array.from({ length: 1000 }, (_, index) => vrf(`vrf-${index}`, 'x'.repeat(60))));
    await until('the refusal', () => bench.heard('leaf-1', 'vpc/1', 'refused').length > 0);
    assert.match(bench.heard('leaf-1', 'vpc/1', 'refused')[0]?.reason ?? '', /is more than this device takes, 20000/);
    assert.ok(sameRows(device.rows, before));
    bench.commit('vpc/1', [], Array.from({ length: 1000 }, (_, index) => `vrf/vrf-${index}`));
    await verified('vpc/1');
    await equal();
  });

  test('a device that comes back right gets one Welcome, from the same server and from another, and says nothing more', async () => {
    await serve();
    const counts = counted();
    await bench.agent('leaf-1', device, { connect: counts.connect, driftMilliseconds: 10 });
    for (const scope of ['vpc/1', 'device/leaf-1']) await verified(scope);
    for (const renew of [false, true]) {
      await bench.stopServer();
      bench.results.length = 0;
      if (renew) bench.goal = renewed(bench.goal);
      Object.assign(counts, { transactions: 0, results: 0, welcomes: 0 });
      await serve();
      for (const scope of ['vpc/1', 'device/leaf-1']) await verified(scope);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual([counts.transactions, counts.results], [0, 0]);
      assert.ok(counts.welcomes >= 1 && counts.welcomes <= 2);
    }
    bench.commit('vpc/1', [vrf('b', 'changed')]);
    await verified('vpc/1');
    await equal();
    assert.equal(counts.transactions, 1);
  });

  test('what fails after a confirmation is said, with the versions of the new server', async () => {
    await serve();
    await bench.agent('leaf-1', device, { driftMilliseconds: 10 });
    for (const scope of ['vpc/1', 'device/leaf-1']) await verified(scope);
    await bench.stopServer();
    bench.goal = renewed(bench.goal);
    bench.results.length = 0;
    await serve();
    for (const scope of ['vpc/1', 'device/leaf-1']) await verified(scope);
    device.broken.add('vrf/a');
    device.rows.delete('vrf/a');
    await until('the failure', () => bench.heard('leaf-1', 'vpc/1', 'programmed').some(({ failed }) => failed.length > 0));
    const heard = bench.heard('leaf-1', 'vpc/1', 'programmed').find(({ failed }) => failed.length > 0);
    assert.equal(heard?.version, bench.goal.scope('vpc/1').version);
    assert.deepEqual(heard?.failed.map(({ table, key }) => `${table}/${key}`), ['vrf/a']);
  });

  test('a device with a row that fails is not confirmed: it says so again to the new server', async () => {
    device.broken.add('vrf/a');
    await serve();
    await bench.agent('leaf-1', device, { driftMilliseconds: 10 });
    await until('the failure', () => bench.heard('leaf-1', 'vpc/1', 'programmed').some(({ failed }) => failed.length > 0));
    await verified('device/leaf-1');
    await bench.stopServer();
    bench.goal = renewed(bench.goal);
    bench.results.length = 0;
    await serve();
    await until('the failure again', () => bench.heard('leaf-1', 'vpc/1', 'programmed').some(({ failed }) => failed.length > 0));
    assert.deepEqual(bench.heard('leaf-1', 'vpc/1', 'verified'), []);
    device.broken.clear();
    await verified('vpc/1');
  });

  test('a leader that lost office cannot isolate a device, its successor can', async () => {
    await serve({ term: 5 });
    const agent = await bench.agent('leaf-1', device);
    for (const scope of ['vpc/1', 'device/leaf-1']) await verified(scope);
    for (const [term, isolated] of [[4, false], [6, true]] as const) {
      await bench.stopServer();
      const connections = bench.log.filter((line) => line === '+leaf-1').length;
      await bench.serve({ term });
      bench.southbound.setDevices(['leaf-2']);
      await until('it is connected', () => bench.log.filter((line) => line === '+leaf-1').length > connections);
      if (isolated) await until('isolated', () => agent.status().isolated);
      else await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(agent.status().isolated, isolated);
    }
  });
});

/** Another server's: the same rows, and versions that were counted in another order. */
const renewed = (old: GoalState): GoalState => {
  const goal = new GoalState();
  goal.commit([{ scope: 'vpc/other', upserts: [vrf('x')], deletes: [] }]);
  for (const scope of [...old.scopes()].toReversed()) goal.replace(scope, [...old.scope(scope).rows.values()]);
  return goal;
};
