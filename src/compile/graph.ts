/**
 * The dependency graph below the compiler: sources that change from outside, and computations that record what they read
 * while they run. A change marks its direct readers dirty and everything behind them "check"; when a computation is asked
 * for, it runs only if something it read has really changed. That is the scheme of Salsa and Adapton (demanded
 * computation graphs, Hammer et al., PLDI 2014): the work is proportional to what the change affects.
 *
 * Every node has a level: 0 for input, n + 1 for what is built from relation n. A relation may read only what lies below
 * it, so that a flush in order of levels meets each relation complete.
 */
import { same } from './same.ts';

/** Something that can be read. Its readers are exactly the computations that read it in their last run. */
export abstract class Node {
  level = 0;
  /** Nearly all nodes have no reader or one; a set for each of them would be most of the memory of a large fabric. */
  #readers: Computation | Set<Computation> | undefined;

  /** Called when the last reader is gone. */
  abstract abandoned(): void;

  get isRead(): boolean {
    return this.#readers !== undefined;
  }

  addReader(reader: Computation): void {
    if (this.#readers instanceof Set) this.#readers.add(reader);
    else if (this.#readers === undefined) this.#readers = reader;
    else if (this.#readers !== reader) this.#readers = new Set([this.#readers, reader]);
  }

  removeReader(reader: Computation): void {
    if (this.#readers === reader) this.#readers = undefined;
    if (this.#readers instanceof Set) {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#readers = undefined;
    }
    if (this.#readers === undefined) this.abandoned();
  }

  protected markReaders(state: 'check' | 'dirty'): void {
    if (this.#readers instanceof Set) for (const reader of this.#readers) reader.mark(state);
    else this.#readers?.mark(state);
  }
}

/** A value that is set from outside the graph: an object, or what one key of a relation holds. */
export class Source extends Node {
  readonly #onAbandoned: () => void;

  constructor(level: number, onAbandoned: () => void) {
    super();
    this.level = level;
    this.#onAbandoned = onAbandoned;
  }

  abandoned(): void {
    this.#onAbandoned();
  }

  /** Tells all readers that the value is another one now. */
  changed(): void {
    this.markReaders('dirty');
  }
}

type State = 'clean' | 'check' | 'dirty' | 'running';
export type Outcome = { readonly value: unknown } | { readonly thrown: unknown };

export interface ComputationOptions {
  readonly name: string;
  readonly compute: () => unknown;
  /** Told when the computation may have to run again; what is scheduled is asked for in the next flush. */
  readonly schedule?: () => void;
  /** Called when nobody reads it any more; left out, it lives until disposed. */
  readonly onAbandoned?: () => void;
  /** Highest level it may read; Infinity when left out. */
  readonly ceiling?: number;
  readonly onRun?: () => void;
}

export class Computation extends Node {
  readonly #options: ComputationOptions;
  readonly #tracker: Tracker;
  #reads: readonly Node[] = [];
  #state: State = 'dirty';
  #outcome: Outcome | undefined;

  constructor(tracker: Tracker, options: ComputationOptions) {
    super();
    this.#tracker = tracker;
    this.#options = options;
  }

  abandoned(): void {
    this.#options.onAbandoned?.();
  }

  mark(state: 'check' | 'dirty'): void {
    if (this.#state === 'running' || this.#state === 'dirty' || this.#state === state) return;
    const wasClean = this.#state === 'clean';
    this.#state = state;
    if (!wasClean) return;
    this.#options.schedule?.();
    this.markReaders('check');
  }

  /** The up-to-date value; throws again what the computation threw. */
  value(): unknown {
    const outcome = this.outcome();
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  }

  /** What the computation answered or threw, up to date. Throws only for faults of the program's own shape. */
  outcome(): Outcome {
    if (this.#state === 'running') throw new Error(`${this.#options.name} depends on itself`);
    this.settle();
    if (this.#outcome === undefined) throw new Error(`${this.#options.name} did not finish`);
    return this.#outcome;
  }

  /** Leaves the graph: nothing wakes it any more. */
  dispose(): void {
    for (const read of this.#reads) read.removeReader(this);
    this.#reads = [];
  }

  /** Brings what was read up to date, in the order it was read; the first real change makes this one dirty. */
  #verify(): void {
    for (const read of this.#reads) {
      if (read instanceof Computation) read.settle();
      if (this.#state === 'dirty') return;
    }
    this.#state = 'clean';
  }

  /** Up to date without handing out the value. */
  settle(): void {
    if (this.#state === 'check') this.#verify();
    if (this.#state === 'dirty') this.#run();
  }

  #run(): void {
    this.#state = 'running';
    this.#options.onRun?.();
    const before = this.#outcome;
    const { outcome, reads } = this.#tracker.run(this.#options.compute);
    this.#replaceReads(reads);
    this.#outcome = outcome;
    this.#state = 'clean';
    if (before !== undefined && !('thrown' in outcome) && same(before, outcome)) {
      this.#outcome = before;
      return;
    }
    this.markReaders('dirty');
  }

  #replaceReads(reads: Set<Node>): void {
    const before = this.#reads;
    this.#reads = [...reads];
    let level = 0;
    for (const read of reads) {
      read.addReader(this);
      level = Math.max(level, read.level);
    }
    for (const read of before) if (!reads.has(read)) read.removeReader(this);
    this.level = level;
    const { ceiling = Infinity, name } = this.#options;
    if (level > ceiling) throw new Error(`${name} reads a relation that is not below it`);
  }
}

/** Knows which computation runs now, and notes what it reads. */
export class Tracker {
  #reads: Set<Node> | undefined;

  read(node: Node): void {
    this.#reads?.add(node);
  }

  run(compute: () => unknown): { readonly outcome: Outcome; readonly reads: Set<Node> } {
    const outer = this.#reads;
    const reads = new Set<Node>();
    this.#reads = reads;
    try {
      return { outcome: attempt(compute), reads };
    } finally {
      this.#reads = outer;
    }
  }
}

/** Runs something and answers what came of it instead of throwing. */
export const attempt = (compute: () => unknown): Outcome => {
  try {
    return { value: compute() };
  } catch (thrown) {
    return { thrown };
  }
};
