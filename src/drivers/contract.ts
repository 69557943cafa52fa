/**
 * What every driver promises, as a table of cases over a device that somebody has set up. Run by each driver's own tests,
 * so that a promise is written once.
 */
import assert from 'node:assert/strict';
import type { Row, RowId } from '../goal/rows.ts';
import type { Unrealisable } from './driver.ts';

/** What a round of reading, planning and applying came to. */
export interface Round {
  /** Keys of the steps that were planned. */
  readonly steps: readonly { readonly key: string; readonly rows: readonly RowId[] }[];
  readonly failed: readonly { readonly key: string; readonly code: string; readonly message: string }[];
  readonly unrealisable: readonly Unrealisable[];
  /** What the device holds afterwards that Heddle put there, in the driver's own words. */
  readonly keys: readonly string[];
}

/** A leaf with two server ports `p1` and `p2` and fabric ports `up1`, with the driver on it. */
export interface ContractDevice {
  /** Reads, plans and applies the plan `times` times. */
  converge(rows: readonly Row[], times?: number): Promise<Round>;
  /** Reads and plans only. */
  plan(rows: readonly Row[]): Promise<Round>;
  /** Another driver on the same device, as after a crash of the agent. */
  restart(): Promise<void>;
}

/** Goals from small to large; each differs from the one before in one thing a tenant or operator would do. */
export interface ContractGoals {
  readonly underlay: readonly Row[];
  readonly vpc: readonly Row[];
  readonly attached: readonly Row[];
  readonly secondVpc: readonly Row[];
  readonly peered: readonly Row[];
  /** `attached`, with port p1 in the other VPC. */
  readonly moved: readonly Row[];
  /** `peered`, with another AS number and loopback. */
  readonly renumbered: readonly Row[];
}

export interface ContractCase {
  readonly name: string;
  check(device: ContractDevice, goals: ContractGoals): Promise<void>;
}

const settled = async (device: ContractDevice, rows: readonly Row[]): Promise<Round> => {
  const round = await device.converge(rows);
  assert.deepEqual(round.failed, []);
  assert.deepEqual(keysOf(await device.plan(rows)), []);
  return round;
};

const keysOf = ({ steps }: Round): readonly string[] => steps.map(({ key }) => key);

/** Run in order on one device; each leaves it as the next expects it. */
export const contract: readonly ContractCase[] = [
  {
    name: 'a goal that was applied reads back as nothing to do, at every size',
    check: async (device, goals) => {
      for (const rows of [goals.underlay, goals.vpc, goals.attached, goals.secondVpc, goals.peered]) await settled(device, rows);
    },
  },
  {
    name: 'a driver that starts anew adopts what is there and changes nothing',
    check: async (device, goals) => {
      await device.restart();
      assert.deepEqual(keysOf(await device.plan(goals.peered)), []);
    },
  },
  {
    name: 'every step of a change names rows of the goal or takes something away',
    check: async (device, goals) => {
      const known = new Set(goals.moved.map(({ table, key }) => `${table}/${key}`));
      const { steps } = await device.plan(goals.moved);
      assert.ok(steps.length > 0);
      for (const { key, rows } of steps) {
        assert.ok(key.startsWith('remove/') || rows.length > 0, `step "${key}" serves no row`);
        for (const row of rows) assert.ok(known.has(row), `step "${key}" names row "${row}", which is not in the goal`);
      }
    },
  },
  {
    name: 'a port moves to another VPC by being withdrawn before anything else happens',
    check: async (device, goals) => {
      const { steps } = await settled(device, goals.moved);
      const [first] = steps;
      assert.match(first?.key ?? '', /^remove\/(port|attachment)\/p1$/);
    },
  },
  {
    name: 'applying a plan twice does no harm',
    check: async (device, goals) => {
      for (const rows of [goals.attached, goals.peered]) {
        // What is already done may fail the second time; it must not undo anything.
        await device.converge(rows, 2);
        assert.deepEqual(keysOf(await device.plan(rows)), []);
      }
    },
  },
  {
    name: 'a device takes another AS number and loopback, and back',
    check: async (device, goals) => {
      for (const rows of [goals.renumbered, goals.peered]) {
        assert.deepEqual((await device.converge(rows)).failed, []);
        // Routing that was set up anew may have to be told of the hosts again.
        await settled(device, rows);
      }
    },
  },
  {
    name: 'taking one VPC away leaves the other as it was',
    check: async (device, goals) => {
      const { steps } = await settled(device, goals.attached);
      for (const { key } of steps) assert.match(key, /^remove\/|5002|nft|p2/, `step "${key}" concerns the VPC that stays`);
    },
  },
  {
    name: 'the empty goal leaves nothing of Heddle behind',
    check: async (device) => {
      const round = await settled(device, []);
      assert.deepEqual(round.keys, []);
    },
  },
];
