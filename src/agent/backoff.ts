/**
 * Steps that failed, and when to try each again. A step that waits holds back the steps that come after it; everything else of
 * the plan goes on.
 */
import type { Op } from '../drivers/driver.ts';
import type { RowId } from '../goal/rows.ts';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

interface Waiting extends Failure {
  readonly rows: readonly RowId[];
  readonly attempts: number;
  /** In the milliseconds of the clock that the caller passes. */
  readonly until: number;
}

export interface BackoffOptions {
  /** Milliseconds before the first repetition. Default 200. */
  readonly first?: number;
  /** Default 10,000. */
  readonly longest?: number;
}

export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  readonly #waiting = new Map<string, Waiting>();

  constructor(options: BackoffOptions = {}) {
    this.#first = options.first ?? 200;
    this.#longest = options.longest ?? 10_000;
  }

  /** Steps that may run now; forgets failures of steps that the plan no longer has. */
  admit(ops: readonly Op[], now: number): readonly Op[] {
    const keys = new Set(ops.map(({ key }) => key));
    for (const key of this.#waiting.keys()) if (!keys.has(key)) this.#waiting.delete(key);
    const held = new Set<string>();
    for (const [key, { until }] of this.#waiting) if (until > now) held.add(key);
    return held.size === 0 ? ops : withoutFollowers(ops, held);
  }

  failed(op: Op, failure: Failure, now: number): void {
    const attempts = (this.#waiting.get(op.key)?.attempts ?? 0) + 1;
    const delay = Math.min(this.#longest, this.#first * 2 ** (attempts - 1));
    this.#waiting.set(op.key, { ...failure, rows: op.rows, attempts, until: now + delay });
  }

  succeeded(op: Op): void {
    this.#waiting.delete(op.key);
  }

  isWaiting(op: Op): boolean {
    return this.#waiting.has(op.key);
  }

  /** What is wrong with which row; a step without rows counts under its own key. */
  failures(): ReadonlyMap<RowId, Failure> {
    const failures = new Map<RowId, Failure>();
    for (const [key, { rows, code, message }] of this.#waiting) {
      for (const row of rows.length === 0 ? [key] : rows) failures.set(row, { code, message });
    }
    return failures;
  }

  /** Every failure may be tried again at once: the goal changed. */
  forgive(): void {
    this.#waiting.clear();
  }

  /** When the first step may be tried again. */
  earliest(): number | undefined {
    let earliest: number | undefined;
    for (const { until } of this.#waiting.values()) if (earliest === undefined || until < earliest) earliest = until;
    return earliest;
  }
}

/** One pass does when steps come in an order in which they may run; others take as many as it takes. */
const withoutFollowers = (ops: readonly Op[], held: Set<string>): readonly Op[] => {
  let admitted = ops.filter(({ key }) => !held.has(key));
  for (let before = -1; before !== held.size; ) {
    before = held.size;
    admitted = admitted.filter(({ key, after }) => {
      if (!after.some((earlier) => held.has(earlier))) return true;
      held.add(key);
      return false;
    });
  }
  return admitted;
};
