/**
 * The loop that keeps a device equal to its goal: read, plan, apply, read again. One round at a time; what changes during a
 * round is picked up by its next pass, so that updates which arrive while the device is slow merge into one step.
 *
 * A device that was found equal to its goal a moment ago is not read again before a change is applied, only after it: for a
 * change of one row, reading is most of the time. Should it have drifted in that moment, the reading afterwards shows it.
 */
import type { Driver, Op, OpResult, Plan } from '../drivers/driver.ts';
import type { RowId } from '../goal/rows.ts';
import type { Logger } from '../kit/log.ts';
import { Backoff, type BackoffOptions, type Failure } from './backoff.ts';
import type { Goal } from './holding.ts';
import type { Inspection } from './inspection.ts';

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
  /** A reading that is under way already, to begin with. */
  readonly reading?: Promise<Actual>;
  /**
   * How often the device is read although nothing is known to have changed. Default 3,000; less often when a look takes so
   * long that looking would be more than a twentieth of the time.
   */
  readonly driftMilliseconds?: number;
  readonly backoff?: BackoffOptions;
}

/** Rounds of apply and read after which a plan that never becomes empty is called a failure. */
const mostPasses = 5;
const rememberedDrift = 16;
/** Milliseconds of rest for each millisecond of looking, and the longest rest. */
const restFactor = 19;
const longestRest = 60_000;

/** What the device was found to hold. */
interface Reading<Actual> {
  readonly actual: Actual;
  /** By `performance.now()`. */
  readonly at: number;
}

export class Reconciler<Actual> {
  readonly #options: ReconcilerOptions<Actual>;
  readonly #backoff: Backoff;
  #wake: () => void = () => {};
  #poked = false;
  #stirred = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #driftRepaired = 0;
  #rowsWritten = 0;
  #drifted: readonly string[] = [];
  #forgivenRevision = -1;
  /** Revision that the device once was equal to; what differs from it afterwards is drift. */
  #settledRevision = -1;
  #deviceFailures = 0;
  /** The last reading, while nothing was done to the device since and it was equal to the goal. */
  #known: Reading<Actual> | undefined;
  #lookMilliseconds = 0;
  #reading: Promise<Actual> | undefined;
  /** Who wants to know what the next reading finds. */
  #inspectors: ((found: Inspection | string) => void)[] = [];
  /** Those whose reading is under way: who asks later is told of a later one. */
  #inspecting: ((found: Inspection | string) => void)[] = [];

  constructor(options: ReconcilerOptions<Actual>) {
    this.#options = options;
    this.#reading = options.reading;
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

  /** The device changed by itself: look at once. What is to be done then is not drift. */
  stir(): void {
    this.#stirred = true;
    this.poke();
  }

  /** Reads the device as soon as the step under way has ended, and tells what it finds before anything is repaired; a text: why not. */
  inspect(): Promise<Inspection | string> {
    if (this.#stopped) return Promise.resolve('the agent is ending');
    const found = new Promise<Inspection | string>((resolve) => this.#inspectors.push(resolve));
    this.poke();
    return found;
  }

  /** Resolves when the step under way has ended; the device stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
    this.#inspecting.push(...this.#inspectors.splice(0));
    this.#tellInspectors('the agent is ending');
  }

  #tellInspectors(found: Inspection | string): void {
    for (const tell of this.#inspecting.splice(0)) tell(found);
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      this.#poked = false;
      await this.#guardedRound();
      await this.#pause();
    }
  }

  async #guardedRound(): Promise<void> {
    if (this.#options.goal() === undefined) {
      this.#reading = undefined;
      this.#inspecting.push(...this.#inspectors.splice(0));
      this.#tellInspectors('the device has no goal');
      return;
    }
    try {
      await this.#round();
      this.#deviceFailures = 0;
    } catch (error) {
      this.#known = undefined;
      this.#deviceFailures += 1;
      const message = error instanceof Error ? error.message : String(error);
      this.#tellInspectors(`the device cannot be read: ${message}`);
      this.#options.log.error({ error: message }, 'the device cannot be read or planned for');
      const deviceFailure = { code: 'DriverFailed', message };
      const goal = this.#options.goal();
      if (goal !== undefined) this.#options.onOutcome({ goal, phase: 'programmed', failures: new Map(), deviceFailure });
    }
  }

  /** The goal is asked for when there is a reading to plan from, and may be another one in every pass. */
  async #round(): Promise<void> {
    const { driver } = this.#options;
    let isStirred = false;
    for (let pass = 0; ; pass += 1) {
      isStirred ||= this.#stirred;
      this.#stirred = false;
      this.#inspecting.push(...this.#inspectors.splice(0));
      const known = this.#takeKnown(isStirred || this.#inspecting.length > 0);
      const began = performance.now();
      const { actual, at } = known ?? { actual: await this.#read(), at: began };
      const goal = this.#options.goal();
      if (goal === undefined) return this.#tellInspectors('the device has no goal');
      if (goal.revision !== this.#forgivenRevision) {
        this.#backoff.forgive();
        pass = 0;
      }
      this.#forgivenRevision = goal.revision;
      // What changed while it was read may not be in what was read.
      this.#poked = this.#stirred || this.#inspectors.length > 0;
      const plan = driver.plan(actual, goal.tables, goal.mark);
      if (this.#inspecting.length > 0) this.#tellInspectors({ goal, plan, failures: this.#failures(plan) });
      const ops = this.#backoff.admit(plan.ops, performance.now());
      if (known === undefined) this.#lookMilliseconds = performance.now() - began;
      if (ops.length === 0) return this.#settled(goal, plan, { actual, at });
      if (this.#stopped) return;
      if (pass === mostPasses) return this.#unstable(goal, plan, ops);
      const results = await driver.apply(ops);
      // What fails after planning from memory may have failed because the device is not as remembered.
      const isSure = known === undefined || results.every(({ ok }) => ok);
      this.#account(ops, isSure ? results : results.filter(({ ok }) => ok), !isStirred && goal.revision === this.#settledRevision);
      if (isSure) this.#options.onOutcome({ goal, phase: 'programmed', failures: this.#failures(plan) });
      if (this.#stopped) return;
    }
  }

  async #read(): Promise<Actual> {
    const reading = this.#reading ?? this.#options.driver.read();
    this.#reading = undefined;
    return reading;
  }

  /** What is remembered of the device, if that is new enough to plan a new goal from. */
  #takeKnown(isStirred: boolean): Reading<Actual> | undefined {
    const known = this.#known;
    this.#known = undefined;
    if (isStirred || known === undefined || performance.now() - known.at > this.#betweenLooks()) return undefined;
    return this.#options.goal()?.revision === this.#settledRevision ? undefined : known;
  }

  #settled(goal: Goal, plan: Plan, reading: Reading<Actual>): void {
    this.#settledRevision = goal.revision;
    this.#known = reading;
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
    const steps: string[] = [];
    for (const result of results) {
      const op = byKey.get(result.key);
      if (op === undefined) continue;
      const rows = isDrift && !this.#backoff.isWaiting(op) ? drifted : written;
      // What a goal asks for follows from it; what was found otherwise than it was left does not.
      if (rows === drifted || this.#settledRevision === -1) steps.push(op.argv.join(' '));
      if (result.ok) {
        for (const row of op.rows.length === 0 ? [op.key] : op.rows) rows.add(row);
        this.#backoff.succeeded(op);
      } else {
        this.#backoff.failed(op, result, now);
        if (result.code !== 'Blocked') this.#options.log.warn({ step: op.argv.join(' '), code: result.code, why: result.message }, 'step failed');
      }
    }
    this.#rowsWritten += written.size;
    if (written.size > 0) this.#options.log.info({ ...shortened(written), ...(steps.length > 0 && { steps: steps.slice(0, rememberedDrift) }) }, 'rows written');
    if (drifted.size > 0) this.#repaired(drifted, steps);
  }

  #repaired(rows: ReadonlySet<string>, steps: readonly string[]): void {
    this.#driftRepaired += rows.size;
    this.#drifted = [...this.#drifted.filter((row) => !rows.has(row)), ...rows].slice(-rememberedDrift);
    this.#options.log.warn({ ...shortened(rows), steps: steps.slice(0, rememberedDrift) }, 'drift repaired');
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
    const drift = this.#betweenLooks();
    return this.#deviceFailures === 0 ? drift : Math.min(drift, 100 * 2 ** Math.min(10, this.#deviceFailures));
  }

  /** Looking at a device that holds much takes long; most of the time it shall rest. */
  #betweenLooks(): number {
    const rest = Math.min(longestRest, this.#lookMilliseconds * restFactor);
    return Math.max(this.#options.driftMilliseconds ?? 3000, rest);
  }

  #untilRepetition(): number {
    const earliest = this.#backoff.earliest();
    return earliest === undefined ? Number.POSITIVE_INFINITY : Math.max(0, earliest - performance.now());
  }
}

const shortened = (rows: ReadonlySet<string>) => ({ rows: [...rows].slice(0, rememberedDrift), count: rows.size });
