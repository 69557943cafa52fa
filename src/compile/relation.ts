/**
 * What a relation holds: under each key a counted set of values, each key a source that readers depend on. Nearly all keys
 * have one value from one object; such a key's source holds the value itself, and a set is made only for more.
 */
import { byText } from '../kit/order.ts';
import type { Graph, NodeId, NodeKind } from './graph.ts';
import { same } from './same.ts';
import type { Entry } from './view.ts';

/** Told when the values under a key became one more or one fewer. */
export type Listener = (key: string, value: unknown, step: 1 | -1) => void;

export class RelationTable {
  readonly #graph: Graph;
  readonly #kind: NodeKind;
  readonly #cells = new Map<string, NodeId>();
  readonly #listeners: Listener[] = [];

  /** `level` is that of the sources: whoever reads them must stand above it. */
  constructor(name: string, graph: Graph, level: number) {
    this.#graph = graph;
    this.#kind = { name, level, onUnread: (key, cell) => this.#forgetIfEmpty(key, cell) };
  }

  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** The distinct values under a key, in a fixed order. The running computation reads the key, whether it has values or not. */
  list(key: string): readonly unknown[] {
    return valuesOf(this.#graph.read(this.#known(key)));
  }

  /** How many `list` would answer; also a read. */
  count(key: string): number {
    return sizeOf(this.#graph.read(this.#known(key)));
  }

  /** What `list` would answer, without being a read. */
  peek(key: string): readonly unknown[] {
    const cell = this.#cells.get(key);
    return cell === undefined ? noValues : valuesOf(this.#graph.peek(cell));
  }

  /** Exchanges what one object contributes; wakes the readers of the keys whose set of values is another one now. */
  replace(before: readonly Entry<unknown>[], after: readonly Entry<unknown>[]): void {
    const start = commonStart(before, after);
    // What comes is counted before what goes, so that a value which only moves within the lists was never gone.
    for (let place = start; place < after.length; place++) this.#count(after[place], 1);
    for (let place = start; place < before.length; place++) this.#count(before[place], -1);
  }

  #count(entry: Entry<unknown> | undefined, step: 1 | -1): void {
    if (entry === undefined) return;
    const { key, value } = entry;
    const cell = this.#cell(key);
    if (!this.#step(cell, value, step)) return;
    this.#graph.wake(cell);
    for (const listener of this.#listeners) listener(key, value, step);
    if (!this.#graph.isRead(cell)) this.#forgetIfEmpty(key, cell);
  }

  /** Counts a value up or down; answers whether it came or went with that. */
  #step(cell: NodeId, value: unknown, step: 1 | -1): boolean {
    const content = this.#graph.peek(cell);
    if (content === undefined || (step === -1 && !(content instanceof Bag))) {
      this.#graph.set(cell, step === 1 ? value : undefined);
      return true;
    }
    const bag = content instanceof Bag ? content : new Bag(content);
    const differs = bag.count(value, step);
    this.#graph.set(cell, bag.size === 0 ? undefined : bag);
    return differs;
  }

  #known(key: string): NodeId {
    return this.#graph.expected(this.#kind, key) || this.#cell(key);
  }

  /** The source of a key; there is one also for a key that is read and has no values. */
  #cell(key: string): NodeId {
    let cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, (cell = this.#graph.add(this.#kind, key)));
    return cell;
  }

  #forgetIfEmpty(key: string, cell: NodeId): void {
    if (this.#cells.get(key) !== cell || this.#graph.peek(cell) !== undefined) return;
    this.#cells.delete(key);
    this.#graph.drop(cell);
  }
}

/** The values of a key that has, or had, more than one. A text stands for itself, everything else under its JSON. */
class Bag {
  readonly #counts = new Map<string, number>();
  readonly #values = new Map<string, unknown>();
  #sorted: readonly unknown[] | undefined;

  constructor(first: unknown) {
    this.count(first, 1);
  }

  get size(): number {
    return this.#counts.size;
  }

  /** In an order that does not depend on who came first. */
  values(): readonly unknown[] {
    this.#sorted ??= [...this.#counts.keys()].sort(byText).map((text) => this.#values.get(text) ?? text);
    return this.#sorted;
  }

  /** Answers whether the value came or went. */
  count(value: unknown, step: 1 | -1): boolean {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const before = this.#counts.get(text) ?? 0;
    const after = before + step;
    if (after === 0) this.#counts.delete(text);
    else this.#counts.set(text, after);
    if (before !== 0 && after !== 0) return false;
    this.#sorted = undefined;
    if (after === 0) this.#values.delete(text);
    else if (typeof value !== 'string') this.#values.set(text, value);
    return true;
  }
}

const noValues: readonly unknown[] = [];

const valuesOf = (content: unknown): readonly unknown[] => {
  if (content === undefined) return noValues;
  return content instanceof Bag ? content.values() : [content];
};

const sizeOf = (content: unknown): number => {
  if (content === undefined) return 0;
  return content instanceof Bag ? content.size : 1;
};

/** How many entries the two lists have in common from the start. */
const commonStart = (before: readonly Entry<unknown>[], after: readonly Entry<unknown>[]): number => {
  let place = 0;
  while (place < before.length && place < after.length && same(before[place], after[place])) place++;
  return place;
};
