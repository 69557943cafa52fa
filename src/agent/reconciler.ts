/**
 * The loop that keeps a device equal to its goal: read, plan, apply, read again. One round at a time; what changes during a
 * round is picked up by the next, so that updates which arrive while the device is slow merge into one step.
 */
import type { Driver, Op, OpResult, Plan } from '../drivers/driver.ts';
import type { RowId } from '../goal/rows.ts';
import type { Logger } from '../kit/log.ts';
import { Backoff, type BackoffOptions, type Failure } from './backoff.ts';
import type { Goal } from './holding.ts';

export interface Outcome {
  readonly goal: Goal;
  /** `programmed`: applied but for the failures; `verified`: read back, and equal but for the failures. */
  readonly phase: 'programmed' | 'verified';
  readonly failures: ReadonlyMap<RowId, Failure>;
  /** The device as a whole failed. */
  readonly deviceFailure?: Failure;
}

export interface Counters {
  /** Rows rewritten because the device had drifted from them. */
  readonly driftRepaired: number;
  /** Rows written because the goal asked for it. */
  readonly rowsWritten: number;
  /** Rows that drifted last, the newest at the end. */
  readonly drifted: readonly string[];
}

export interface ReconcilerOptions<Actual> {
  readonly driver: Driver<Actual>;
  /** Undefined: leave everything as it is. */
  readonly goal: () => Goal | undefined;
  readonly onOutcome: (outcome: Outcome) => void;
  /** Something drifted and was repaired. */
  readonly onDrift: () => void;
  readonly log: Logger;
  /** How often the device is read although nothing is known to have changed. Default 3,000. */
  readonly driftMilliseconds?: number;
  readonly backoff?: BackoffOptions;
}

/** Rounds of apply and read after which a plan that never becomes empty is called a failure. */
const mostPasses = 5;
const rememberedDrift = 16;

export class Reconciler<Actual> {
  readonly #options: ReconcilerOptions<Actual>;
  readonly #backoff: Backoff;
  #wake: () => void = () => {};
  #poked = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #driftRepaired = 0;
  #rowsWritten = 0;
  #drifted: readonly string[] = [];
  #forgivenRevision = -1;
  /** Revision that the device once was equal to; what differs from it afterwards is drift. */
  #settledRevision = -1;
  #deviceFailures = 0;

  constructor(options: ReconcilerOptions<Actual>) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
  }

  get counters(): Counters {
    return { driftRepaired: this.#driftRepaired, rowsWritten: this.#rowsWritten, drifted: this.#drifted };
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  /** The goal changed: look at once. */
  poke(): void {
    this.#poked = true;
    this.#wake();
  }

  /** Resolves when the step under way has ended; the device stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      this.#poked = false;
      await this.#guardedRound();
      await this.#pause();
    }
  }

  async #guardedRound(): Promise<void> {
    const goal = this.#options.goal();
    if (goal === undefined) return;
    try {
      await this.#round(goal);
      this.#deviceFailures = 0;
    } catch (error) {
      this.#deviceFailures += 1;
      const message = error instanceof Error ? error.message : String(error);
      this.#options.log.error({ error: message }, 'the device cannot be read or planned for');
      const deviceFailure = { code: 'DriverFailed', message };
      this.#options.onOutcome({ goal, phase: 'programmed', failures: new Map(), deviceFailure });
    }
  }

  async #round(goal: Goal): Promise<void> {
    if (goal.revision !== this.#forgivenRevision) this.#backoff.forgive();
    this.#forgivenRevision = goal.revision;
    const isDrift = goal.revision === this.#settledRevision;
    const { driver } = this.#options;
    for (let pass = 0; ; pass += 1) {
      const plan = driver.plan(await driver.read(), goal.tables);
      const ops = this.#backoff.admit(plan.ops, performance.now());
      if (ops.length === 0) return this.#settled(goal, plan);
      if (this.#stopped) return;
      if (pass === mostPasses) return this.#unstable(goal, plan, ops);
      this.#account(ops, await driver.apply(ops), isDrift);
      this.#options.onOutcome({ goal, phase: 'programmed', failures: this.#failures(plan) });
      if (this.#poked || this.#stopped) return;
    }
  }

  #settled(goal: Goal, plan: Plan): void {
    this.#settledRevision = goal.revision;
    this.#options.onOutcome({ goal, phase: 'verified', failures: this.#failures(plan) });
  }

  #unstable(goal: Goal, plan: Plan, ops: readonly Op[]): void {
    const now = performance.now();
    const message = `still differs after ${mostPasses} repetitions`;
    for (const op of ops) this.#backoff.failed(op, { code: 'Unstable', message: `${message}: ${op.argv.join(' ')}` }, now);
    this.#options.onOutcome({ goal, phase: 'programmed', failures: this.#failures(plan) });
  }

  #account(ops: readonly Op[], results: readonly OpResult[], isDrift: boolean): void {
    const now = performance.now();
    const byKey = new Map(ops.map((op) => [op.key, op]));
    const written = new Set<string>();
    const drifted = new Set<string>();
    for (const result of results) {
      const op = byKey.get(result.key);
      if (op === undefined) continue;
      const rows = isDrift && !this.#backoff.isWaiting(op) ? drifted : written;
      if (result.ok) {
        for (const row of op.rows.length === 0 ? [op.key] : op.rows) rows.add(row);
        this.#backoff.succeeded(op);
      } else {
        this.#backoff.failed(op, result, now);
        if (result.code !== 'Blocked') this.#options.log.warn({ step: op.argv.join(' '), code: result.code, why: result.message }, 'step failed');
      }
    }
    this.#rowsWritten += written.size;
    if (written.size > 0) this.#options.log.info({ rows: [...written].slice(0, rememberedDrift), count: written.size }, 'rows written');
    if (drifted.size > 0) this.#repaired(drifted);
  }

  #repaired(rows: ReadonlySet<string>): void {
    this.#driftRepaired += rows.size;
    this.#drifted = [...this.#drifted.filter((row) => !rows.has(row)), ...rows].slice(-rememberedDrift);
    this.#options.log.warn({ rows: [...rows].slice(0, rememberedDrift), count: rows.size }, 'drift repaired');
    this.#options.onDrift();
  }

  #failures(plan: Plan): ReadonlyMap<RowId, Failure> {
    const failures = new Map(this.#backoff.failures());
    for (const { row, code, message } of plan.unrealisable) failures.set(row, { code, message });
    return failures;
  }

  /** Waits for a poke, the next look at the device, or the next repetition of what failed. */
  async #pause(): Promise<void> {
    if (this.#poked || this.#stopped) return;
    const milliseconds = Math.min(this.#untilNextLook(), this.#untilRepetition());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }

  #untilNextLook(): number {
    const drift = this.#options.driftMilliseconds ?? 3000;
    return this.#deviceFailures === 0 ? drift : Math.min(drift, 100 * 2 ** Math.min(10, this.#deviceFailures));
  }

  #untilRepetition(): number {
    const earliest = this.#backoff.earliest();
    return earliest === undefined ? Number.POSITIVE_INFINITY : Math.max(0, earliest - performance.now());
  }
}
