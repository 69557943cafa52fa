/**
 * The dependency graph below the compiler: sources that are set from outside, and computations that record what they read
 * while they run. Every kind of node stands on a level and may read only what stands on a lower one. So one sweep from the
 * lowest level to the highest brings everything up to date: a node runs when something it has read is really different, after
 * all that it may read is final, and wakes its own readers only when its answer is different. The work is proportional to
 * what a change affects, nothing else is so much as looked at, and there can be no circles.
 *
 * In the words of "Build systems à la carte" (Mokhov, Mitchell, Peyton Jones, ICFP 2018): dynamic dependencies, early cutoff,
 * and a scheduler whose order is fixed beforehand.
 */
import { Edges, grown, type EdgeId, type NodeId } from './edges.ts';
import { same } from './same.ts';

export type { NodeId } from './edges.ts';

/** What the nodes of one kind have in common. */
export interface NodeKind {
  /** What to call a node, with its key, when the program is at fault. */
  readonly name: string;
  /** At least 0. */
  readonly level: number;
  /**
   * Left out for a source. What it throws is its answer, thrown again at those who read it.
   * @param before what it answered last; undefined at first
   */
  readonly compute?: (key: string, before: unknown) => unknown;
  /** Told of every answer that is different from the one before; undefined stands for none. */
  readonly onChange?: (key: string, before: unknown, after: unknown) => void;
  /** Told when nobody reads a node any more that is not kept; whoever holds it should drop it. */
  readonly onUnread: (key: string, node: NodeId) => void;
}

/** What a computation threw, in the place of an answer. */
export class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Flags of a node: to be run by the next sweep; never run so far; stays although nobody reads it. */
const due = 1;
const fresh = 2;
const kept = 4;

const none: NodeKind = { name: 'none', level: 0, onUnread: () => {} };

export class Graph {
  readonly #edges = new Edges();
  readonly #kinds: NodeKind[] = [none];
  readonly #keys: string[] = [''];
  readonly #values: unknown[] = [undefined];
  #flags = new Int32Array(1);
  /** The run that read a node last, so that a run notes each node once. */
  #readBy = new Int32Array(1);
  readonly #free: NodeId[] = [];
  /** By level. What was dropped meanwhile may still stand here; its flag tells. */
  readonly #due: NodeId[][] = [];
  /** The computation that runs now (0: none), the number of its run, and its last read so far. */
  #reader: NodeId = 0;
  #run = 0;
  #lastRead: EdgeId = 0;
  #runs = 0;
  #computations = 0;
  #unchanged = 0;

  /** How many nodes there are that compute something. */
  get computations(): number {
    return this.#computations;
  }

  /** Runs so far that answered again what was known. */
  get unchanged(): number {
    return this.#unchanged;
  }

  /** Makes a source without a value, or a computation that runs when somebody asks for it. */
  add(kind: NodeKind, key: string): NodeId {
    const node = this.#free.pop() ?? this.#keys.length;
    this.#kinds[node] = kind;
    this.#keys[node] = key;
    this.#values[node] = undefined;
    if (node >= this.#flags.length) this.#grow(node + 1);
    this.#flags[node] = kind.compute === undefined ? 0 : fresh;
    if (kind.compute !== undefined) this.#computations++;
    return node;
  }

  /** Forgets a node that nobody reads. */
  drop(node: NodeId): void {
    const kind = this.#kindOf(node);
    const key = this.#keyOf(node);
    const before = this.#values[node];
    this.#edges.cut(node, 0, this.#unread);
    this.#flags[node] = 0;
    this.#values[node] = undefined;
    this.#keys[node] = '';
    this.#free.push(node);
    if (kind.compute !== undefined) this.#computations--;
    if (before !== undefined) kind.onChange?.(key, before, undefined);
  }

  /** Lets a computation run, now and whenever it must, although nobody may read it. */
  keep(node: NodeId): void {
    this.#flags[node] = this.#flagsOf(node) | kept;
    if (this.#has(node, fresh)) this.#schedule(node);
  }

  /** From now on a node is there for its readers only. */
  release(node: NodeId): void {
    this.#flags[node] = this.#flagsOf(node) & ~kept;
    if (!this.#edges.isRead(node)) this.#kindOf(node).onUnread(this.#keyOf(node), node);
  }

  /** Gives a source another value. When that is a difference to its readers, `wake` them. */
  set(node: NodeId, value: unknown): void {
    this.#values[node] = value;
  }

  /** All readers of a node are to run again. */
  wake(node: NodeId): void {
    for (let edge = this.#edges.firstReader(node); edge !== 0; edge = this.#edges.nextReader(edge)) {
      this.#schedule(this.#edges.readerAt(edge));
    }
  }

  /**
   * The node that the running computation read at this place in its last run, when it is of this kind and key; else 0. A run
   * mostly reads what the one before did, and two texts are compared in less time than one is looked up.
   */
  expected(kind: NodeKind, key: string): NodeId {
    if (this.#reader === 0) return 0;
    const node = this.#edges.readAt(this.#nextRead());
    return this.#kinds[node] === kind && this.#keys[node] === key ? node : 0;
  }

  isRead(node: NodeId): boolean {
    return this.#edges.isRead(node);
  }

  /** What a node holds, without reading it: undefined when it never ran. */
  peek(node: NodeId): unknown {
    return this.#values[node];
  }

  /** The value of a node, which the running computation has read from now on; throws what the node threw. */
  read(node: NodeId): unknown {
    if (this.#reader !== 0) this.#note(node);
    if (this.#has(node, fresh)) this.#compute(node);
    const value = this.#values[node];
    if (value instanceof Thrown) throw value.error;
    return value;
  }

  /** Brings everything up to date that is kept or read. */
  sweep(): void {
    for (let level = 0; level < this.#due.length; level++) {
      const nodes = this.#due[level] ?? [];
      for (const node of nodes) {
        if (this.#has(node, due) && this.#kindOf(node).level === level) this.#compute(node);
      }
      nodes.length = 0;
    }
  }

  /** Notes a read behind those of this run. One that was made at this place in the run before is simply kept. */
  #note(node: NodeId): void {
    if (this.#readBy[node] === this.#run) return;
    const reader = this.#reader;
    if (this.#kindOf(node).level >= this.#kindOf(reader).level) {
      throw new Error(`${this.#nameOf(reader)} reads ${this.#nameOf(node)}, which does not stand below it`);
    }
    this.#readBy[node] = this.#run;
    const next = this.#nextRead();
    this.#lastRead = this.#edges.readAt(next) === node ? next : this.#edges.insert(reader, this.#lastRead, node);
  }

  /** What the run before read next after the last read of this one. */
  #nextRead(): EdgeId {
    return this.#lastRead === 0 ? this.#edges.firstRead(this.#reader) : this.#edges.nextRead(this.#lastRead);
  }

  #compute(node: NodeId): void {
    const reader = this.#reader;
    const run = this.#run;
    const lastRead = this.#lastRead;
    const isFirst = this.#has(node, fresh);
    this.#flags[node] = this.#flagsOf(node) & ~(due | fresh);
    this.#reader = node;
    this.#run = this.#nextRun();
    this.#lastRead = 0;
    const answer = this.#attempt(node);
    this.#edges.cut(node, this.#lastRead, this.#unread);
    this.#reader = reader;
    this.#run = run;
    this.#lastRead = lastRead;
    this.#accept(node, answer, isFirst);
  }

  #attempt(node: NodeId): unknown {
    try {
      return this.#kindOf(node).compute?.(this.#keyOf(node), this.#values[node]);
    } catch (error) {
      return new Thrown(error);
    }
  }

  #accept(node: NodeId, after: unknown, isFirst: boolean): void {
    const before = this.#values[node];
    if (!isFirst && same(before, after) && !(after instanceof Thrown)) {
      this.#unchanged++;
      return;
    }
    this.#values[node] = after;
    this.#kindOf(node).onChange?.(this.#keyOf(node), before, after);
    if (!isFirst) this.wake(node);
  }

  #schedule(node: NodeId): void {
    if (this.#has(node, due)) return;
    this.#flags[node] = this.#flagsOf(node) | due;
    const { level } = this.#kindOf(node);
    while (this.#due.length <= level) this.#due.push([]);
    this.#due[level]?.push(node);
  }

  readonly #unread = (node: NodeId): void => {
    if (!this.#has(node, kept)) this.#kindOf(node).onUnread(this.#keyOf(node), node);
  };

  #nextRun(): number {
    if (this.#runs === 0x7fff_ffff) {
      this.#readBy.fill(0);
      this.#runs = 0;
    }
    return ++this.#runs;
  }

  #grow(count: number): void {
    this.#flags = grown(this.#flags, count);
    this.#readBy = grown(this.#readBy, count);
    this.#edges.growNodes(this.#flags.length);
  }

  #flagsOf(node: NodeId): number {
    return this.#flags[node] ?? 0;
  }

  #has(node: NodeId, flag: number): boolean {
    return (this.#flagsOf(node) & flag) !== 0;
  }

  #keyOf(node: NodeId): string {
    return this.#keys[node] ?? '';
  }

  #kindOf(node: NodeId): NodeKind {
    return this.#kinds[node] ?? none;
  }

  #nameOf(node: NodeId): string {
    return `${this.#kindOf(node).name} of ${this.#keyOf(node)}`;
  }
}
