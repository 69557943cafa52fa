/**
 * A device in memory: it holds rows as text, does what it is told after a delay, and fails where it is told to. Same
 * promises as every other driver, so that agents, protocols and simulations can be tested without an operating system.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RowId } from '../../goal/rows.ts';
import type { Driver, Observation, Op, OpResult } from '../driver.ts';
import { planRows } from './plan.ts';
import type { FakeActual } from './plan.ts';

export interface FakeOptions {
  /** What `probe` answers. Default: everything the fake knows of, `['bond']`. */
  readonly capabilities?: readonly string[];
  /** How long one step takes. Default 0, and then no timer runs. */
  readonly stepMilliseconds?: (op: Op) => number;
  /** How long reading takes. Default 0. */
  readonly readMilliseconds?: number;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** The device behind a driver; it stays when the driver goes, as a switch does when its agent ends. */
export class FakeDevice {
  /** Rows in force, as canonical text. */
  readonly rows = new Map<RowId, string>();
  /** Rows whose steps fail, and how. */
  readonly faults = new Map<RowId, Fault>();
  /** Every step that ran, in order, as one would type it. */
  readonly history: string[] = [];

  #tell: ((seen: Observation) => void) | undefined;

  /** What the device sees from now on; it tells its agent, if one runs. */
  see(seen: Observation): void {
    this.#tell?.(seen);
  }

  /** A driver for this device. Several may follow each other. */
  driver(options: FakeOptions = {}): Driver<FakeActual> {
    const capabilities = options.capabilities ?? ['bond'];
    return {
      name: 'fake',
      probe: async () => capabilities.toSorted(),
      read: async () => {
        await pause(options.readMilliseconds ?? 0);
        return { rows: new Map(this.rows), capabilities: new Set(capabilities) };
      },
      plan: planRows,
      apply: (ops) => this.#apply(ops, options.stepMilliseconds ?? (() => 0)),
      observe: (tell) => (this.#tell = tell),
      close: async () => {},
    };
  }

  async #apply(ops: readonly Op[], stepMilliseconds: (op: Op) => number): Promise<readonly OpResult[]> {
    const results = new Map<string, OpResult>();
    for (const op of ops) {
      const blocker = op.after.find((key) => results.get(key)?.ok === false);
      if (blocker !== undefined) {
        results.set(op.key, { key: op.key, ok: false, code: 'Blocked', message: `not tried because "${blocker}" failed` });
        continue;
      }
      await pause(stepMilliseconds(op));
      results.set(op.key, this.#step(op));
    }
    return [...results.values()];
  }

  #step(op: Op): OpResult {
    const [verb, id = '', text = ''] = op.argv;
    const fault = this.faults.get(id);
    if (fault !== undefined) return { key: op.key, ok: false, ...fault };
    this.history.push(op.argv.join(' '));
    if (verb === 'set') this.rows.set(id, text);
    else this.rows.delete(id);
    return { key: op.key, ok: true };
  }
}

const pause = async (milliseconds: number): Promise<void> => {
  if (milliseconds > 0) await sleep(milliseconds);
};
