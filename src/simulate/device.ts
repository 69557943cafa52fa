/**
 * The data plane of a simulated device: rows in memory, planned for by the fake driver's own planner. It stays when its agent
 * dies, as a switch goes on forwarding, and says what it comes to hold at the moment it holds it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver, Observation, Op, OpResult } from '../drivers/driver.ts';
import { type FakeActual, planRows } from '../drivers/fake/plan.ts';
import type { RowId } from '../goal/rows.ts';
import { matches } from './faults.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';

/** Text is the row as canonical JSON; undefined for a row that is not there. */
export type RowWatcher = (device: string, row: RowId, after: string | undefined, before: string | undefined) => void;

export interface DeviceOptions {
  readonly name: string;
  readonly random: Random;
  /** Asked before every step, so that faults may change under a running agent. */
  readonly faults: () => Faults;
  readonly onRow?: RowWatcher | undefined;
}

/** One agent's grip on the device; a crashed agent's writes nothing more. */
export interface Grip {
  readonly driver: Driver<FakeActual>;
  release(): void;
}

const capabilities: ReadonlySet<string> = new Set(['bond']);

export class SimulatedDevice {
  readonly name: string;
  /** Rows in force, as canonical text. Only to be read. */
  readonly rows = new Map<RowId, string>();
  readonly #options: DeviceOptions;
  #tell: ((seen: Observation) => void) | undefined;

  constructor(options: DeviceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  grip(): Grip {
    let held = true;
    const driver: Driver<FakeActual> = {
      name: 'simulated',
      probe: async () => [...capabilities],
      // The planner only reads, and at once, so the rows need not be copied.
      read: async () => ({ rows: this.rows, capabilities }),
      plan: planRows,
      apply: (ops) => this.#apply(ops, () => held),
      observe: (tell) => (this.#tell = tell),
      close: async () => {},
    };
    return { driver, release: () => (held = false) };
  }

  /** What the device sees from now on; it tells its agent, if one runs. */
  see(seen: Observation): void {
    this.#tell?.(seen);
  }

  /** Somebody else takes a row away. */
  lose(row: RowId): void {
    this.#set(row, undefined);
  }

  /** The power fails: nothing is programmed any more. */
  clear(): void {
    for (const row of this.rows.keys()) this.#set(row, undefined);
  }

  async #apply(ops: readonly Op[], held: () => boolean): Promise<readonly OpResult[]> {
    const results = new Map<string, OpResult>();
    const { slowTables } = this.#options.faults();
    for (const op of ops) {
      const [verb, row = '', text = ''] = op.argv;
      const slow = slowTables.find(({ table }) => row.startsWith(`${table}/`));
      if (slow !== undefined) await sleep(slow.milliseconds);
      if (!held()) return [...results.values()];
      const refusal = this.#refusal(op, row, results);
      results.set(op.key, refusal ?? { key: op.key, ok: true });
      if (refusal === undefined) this.#set(row, verb === 'set' ? text : undefined);
    }
    return [...results.values()];
  }

  #refusal({ key, after }: Op, row: RowId, results: ReadonlyMap<string, OpResult>): OpResult | undefined {
    const blocker = after.find((other) => results.get(other)?.ok === false);
    if (blocker !== undefined) return { key, ok: false, code: 'Blocked', message: `not tried because "${blocker}" failed` };
    const { rejections } = this.#options.faults();
    const rejected = rejections.some(({ rows, chance }) => matches(rows, row) && this.#options.random.chance(chance));
    return rejected ? { key, ok: false, code: 'Rejected', message: 'the simulated device refuses this row' } : undefined;
  }

  #set(row: RowId, after: string | undefined): void {
    const before = this.rows.get(row);
    if (after === before) return;
    if (after === undefined) this.rows.delete(row);
    else this.rows.set(row, after);
    this.#options.onRow?.(this.name, row, after, before);
  }
}
