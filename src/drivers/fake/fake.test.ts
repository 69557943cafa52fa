import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { merge } from '../../goal/tables.ts';
import type { Row } from '../../goal/rows.ts';
import { contract } from '../contract.ts';
import type { ContractDevice, Round } from '../contract.ts';
import { arbitraryGoal, contractGoals } from '../linux/fixture/goals.ts';
import { FakeDevice } from './fake.ts';
import { planRows } from './plan.ts';

const fakeContractDevice = (): ContractDevice => {
  const device = new FakeDevice();
  let driver = device.driver();
  const round = async (rows: readonly Row[], times: number): Promise<Round> => {
    const { ops, unrealisable } = driver.plan(await driver.read(), merge([rows]));
    let results = await driver.apply([]);
    for (let time = 0; time < times; time += 1) results = await driver.apply(ops);
    return { steps: ops, unrealisable, failed: results.filter((result) => !result.ok), keys: [...device.rows.keys()] };
  };
  return {
    converge: (rows, times = 1) => round(rows, times),
    plan: (rows) => round(rows, 0),
    restart: async () => void (driver = device.driver()),
  };
};

describe('the fake driver', () => {
  const device = fakeContractDevice();
  for (const { name, check } of contract) it(name, () => check(device, contractGoals));

  it('fails the rows it is told to, and blocks what needs them', async () => {
    const broken = new FakeDevice();
    broken.faults.set('vrf/vrf5001', { code: 'Failed', message: 'out of memory' });
    const driver = broken.driver();
    const { ops } = driver.plan(await driver.read(), merge([contractGoals.attached]));
    const results = new Map((await driver.apply(ops)).map((result) => [result.key, result]));
    assert.deepEqual(results.get('vrf/vrf5001'), { key: 'vrf/vrf5001', ok: false, code: 'Failed', message: 'out of memory' });
    const attachment = results.get('attachment/p1');
    assert.equal(attachment?.ok === false && attachment.code, 'Blocked');
    assert.equal(broken.rows.has('port/p1'), true);
  });

  it('takes the time it is told to', async () => {
    let asked = 0;
    const driver = new FakeDevice().driver({ stepMilliseconds: () => (asked += 1) && 1 });
    const { ops } = driver.plan(await driver.read(), merge([contractGoals.underlay]));
    await driver.apply(ops);
    assert.equal(asked, ops.length);
  });

  it('tells the agent that runs what the device sees', () => {
    const device = new FakeDevice();
    const seen: unknown[] = [];
    device.see({ underlay: [] });
    device.driver().observe?.((observation) => seen.push(observation));
    device.see({ underlay: [{ port: 'E1/49', established: false }] });
    assert.deepEqual(seen, [{ underlay: [{ port: 'E1/49', established: false }] }]);
  });

  it('refuses a bundle when it cannot aggregate links', async () => {
    const driver = new FakeDevice().driver({ capabilities: [] });
    const port: Row = { table: 'port', key: 'p1', value: { interface: 'p1', role: 'server', mtu: 9000, peer: 's/1', bundle: 'b1' } };
    const { unrealisable } = driver.plan(await driver.read(), merge([[port]]));
    assert.deepEqual(unrealisable.map(({ row, code }) => [row, code]), [['port/p1', 'Unsupported']]);
  });

  it('never holds an attachment whose segment changed under it, after any prefix of any plan', () => {
    fc.assert(
      fc.property(arbitraryGoal, arbitraryGoal, (before, after) => {
        const empty = { rows: new Map<string, string>(), capabilities: new Set(['bond']) };
        const rows = new Map<string, string>();
        for (const { argv: [, id = '', text = ''] } of planRows(empty, merge([before])).ops) rows.set(id, text);
        for (const { argv: [verb, id = '', text = ''] } of planRows({ ...empty, rows: new Map(rows) }, merge([after])).ops) {
          if (verb === 'set') rows.set(id, text);
          else rows.delete(id);
          for (const [held, value] of rows) {
            if (!held.startsWith('attachment/')) continue;
            assert.ok(rows.has(`segment/${JSON.parse(value).segment}`), `${held} is open into a segment that is not there`);
          }
        }
      }),
    );
  });
});
