/** What a relation holds: under each key a counted set of values, each key a source that readers depend on. */
import { byText } from '../kit/order.ts';
import { Source } from './graph.ts';
import type { Entry, Relation } from './view.ts';

interface Held {
  readonly value: unknown;
  count: number;
}

export class Cell {
  readonly source: Source;
  readonly held = new Map<string, Held>();
  #sorted: readonly unknown[] | undefined;

  constructor(source: Source) {
    this.source = source;
  }

  values(): readonly unknown[] {
    this.#sorted ??= [...this.held.keys()].sort(byText).map((text) => this.held.get(text)?.value);
    return this.#sorted;
  }

  changed(): void {
    this.#sorted = undefined;
    this.source.changed();
  }
}

export class RelationTable {
  readonly relation: Relation<unknown>;
  readonly #level: number;
  readonly #cells = new Map<string, Cell>();

  /** `level` is what a reader of this relation gets: 0 for plain indexes, which are complete before anything runs. */
  constructor(relation: Relation<unknown>, level: number) {
    this.relation = relation;
    this.#level = level;
  }

  /** The source and the values under a key; the source exists also for a key that nothing is under. */
  cell(key: string): Cell {
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = new Cell(new Source(this.#level, () => this.#forgetIfEmpty(key)));
      this.#cells.set(key, cell);
    }
    return cell;
  }

  /** Exchanges what one object contributes; wakes the readers of the keys whose set of values is another one now. */
  replace(before: readonly Entry<unknown>[], after: readonly Entry<unknown>[]): void {
    const touched = new Map<string, Map<string, boolean>>();
    const note = (entry: Entry<unknown>, step: 1 | -1): void => {
      const text = JSON.stringify(entry.value);
      const cell = this.cell(entry.key);
      let values = touched.get(entry.key);
      if (values === undefined) touched.set(entry.key, (values = new Map()));
      if (!values.has(text)) values.set(text, cell.held.has(text));
      count(cell.held, text, entry.value, step);
    };
    for (const entry of after) note(entry, 1);
    for (const entry of before) note(entry, -1);
    for (const [key, values] of touched) {
      const cell = this.cell(key);
      const differs = [...values].some(([text, wasHeld]) => cell.held.has(text) !== wasHeld);
      if (differs) cell.changed();
      if (!cell.source.isRead) this.#forgetIfEmpty(key);
    }
  }

  #forgetIfEmpty(key: string): void {
    if (this.#cells.get(key)?.held.size === 0) this.#cells.delete(key);
  }
}

const count = (held: Map<string, Held>, text: string, value: unknown, step: 1 | -1): void => {
  const entry = held.get(text);
  if (entry === undefined) {
    held.set(text, { value, count: step });
    return;
  }
  entry.count += step;
  if (entry.count === 0) held.delete(text);
};
