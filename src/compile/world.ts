/**
 * The objects, their relations and the memoised queries: everything a translator can read, with every read recorded.
 */
import { refKey, type ObjectRef, type Resource } from '../api/object.ts';
import { attempt, Computation, Source, Tracker, type Outcome } from './graph.ts';
import { RelationTable, type Cell } from './relation.ts';
import { same } from './same.ts';
import type { Entry, Query, Relation, View } from './view.ts';

interface ObjectCell {
  readonly source: Source;
  object: Resource | undefined;
}

/** The entries that one object contributes to one derived relation. */
interface EntryJob {
  readonly computation: Computation;
  entries: readonly Entry<unknown>[];
}

interface DerivedTable {
  readonly table: RelationTable;
  readonly jobs: Map<string, EntryJob>;
  readonly due: Set<EntryJob>;
  readonly level: number;
}

export interface Runs {
  queries: number;
  relations: number;
}

export class World {
  readonly tracker = new Tracker();
  readonly runs: Runs = { queries: 0, relations: 0 };
  readonly view: View;
  readonly #objects = new Map<string, ObjectCell>();
  readonly #queries = new Map<string, Map<string, Computation>>();
  readonly #plain = new Map<string, RelationTable>();
  readonly #derived = new Map<string, DerivedTable>();

  constructor(relations: readonly Relation<unknown>[]) {
    for (const [position, relation] of relations.entries()) this.#declare(relation, position);
    this.view = {
      get: (kind, namespace, name) => this.#get(refKey({ kind, namespace, name })),
      list: (relation, key) => this.#list(relation, key),
      count: (relation, key) => this.#read(relation, key).held.size,
      query: (query, key) => this.#query(query, key),
    };
  }

  /** Sets or removes an object; answers whether that is a change. */
  put(ref: ObjectRef, object: Resource | undefined): boolean {
    const key = refKey(ref);
    const cell = this.#cell(key);
    const before = cell.object;
    if (same(before, object)) {
      this.#forget(key);
      return false;
    }
    cell.object = object;
    this.#replaceEntries(ref.kind, before, object);
    if (object === undefined) this.#removeJobs(ref.kind, key);
    else if (before === undefined) this.#addJobs(ref, key);
    cell.source.changed();
    this.#forget(key);
    return true;
  }

  object(ref: ObjectRef): Resource | undefined {
    return this.#objects.get(refKey(ref))?.object;
  }

  /** Brings the derived relations up to date, each before those that may read it. */
  flush(): void {
    for (const { table, due } of this.#derived.values()) {
      for (const job of due) {
        const entries = entriesOf(job.computation.outcome());
        table.replace(job.entries, entries);
        job.entries = entries;
      }
      due.clear();
    }
  }

  #declare(relation: Relation<unknown>, position: number): void {
    if (!relation.derived) {
      this.#plain.set(relation.name, new RelationTable(relation, 0));
      return;
    }
    const table = new RelationTable(relation, position + 1);
    this.#derived.set(relation.name, { table, jobs: new Map(), due: new Set(), level: position });
  }

  #replaceEntries(kind: string, before: Resource | undefined, after: Resource | undefined): void {
    for (const table of this.#plain.values()) {
      const { relation } = table;
      if (relation.kind !== kind) continue;
      const entries = (object: Resource | undefined) =>
        object === undefined ? noEntries : entriesOf(attempt(() => relation.entries(object, this.view)));
      table.replace(entries(before), entries(after));
    }
  }

  #addJobs(ref: ObjectRef, key: string): void {
    for (const { table, jobs, due, level } of this.#derived.values()) {
      const { relation } = table;
      if (relation.kind !== ref.kind) continue;
      const job: EntryJob = {
        entries: noEntries,
        computation: new Computation(this.tracker, {
          name: `${relation.name} of ${key}`,
          ceiling: level,
          compute: () => {
            const object = this.#get(key);
            return object === undefined ? noEntries : relation.entries(object, this.view);
          },
          schedule: () => due.add(job),
          onRun: () => this.runs.relations++,
        }),
      };
      jobs.set(key, job);
      due.add(job);
    }
  }

  #removeJobs(kind: string, key: string): void {
    for (const { table, jobs, due } of this.#derived.values()) {
      const job = table.relation.kind === kind ? jobs.get(key) : undefined;
      if (job === undefined) continue;
      job.computation.dispose();
      table.replace(job.entries, noEntries);
      jobs.delete(key);
      due.delete(job);
    }
  }

  #cell(key: string): ObjectCell {
    let cell = this.#objects.get(key);
    if (cell === undefined) {
      cell = { source: new Source(0, () => this.#forget(key)), object: undefined };
      this.#objects.set(key, cell);
    }
    return cell;
  }

  /** Drops the cell of an object that neither exists nor is missed by anybody. */
  #forget(key: string): void {
    const cell = this.#objects.get(key);
    if (cell !== undefined && cell.object === undefined && !cell.source.isRead) this.#objects.delete(key);
  }

  #get(key: string): Resource | undefined {
    const cell = this.#cell(key);
    this.tracker.read(cell.source);
    return cell.object;
  }

  #list<Value>(relation: Relation<Value>, key: string): readonly Value[] {
    return this.#read(relation, key).values() as readonly Value[];
  }

  #read<Value>(relation: Relation<Value>, key: string): Cell {
    const table = this.#plain.get(relation.name) ?? this.#derived.get(relation.name)?.table;
    if (table === undefined) throw new Error(`relation ${relation.name} is not declared`);
    const cell = table.cell(key);
    this.tracker.read(cell.source);
    return cell;
  }

  #query<Value>(query: Query<Value>, key: string): Value {
    let answers = this.#queries.get(query.name);
    if (answers === undefined) this.#queries.set(query.name, (answers = new Map()));
    let computation = answers.get(key);
    if (computation === undefined) answers.set(key, (computation = this.#makeQuery(query, key, answers)));
    this.tracker.read(computation);
    return computation.value() as Value;
  }

  #makeQuery<Value>(query: Query<Value>, key: string, answers: Map<string, Computation>): Computation {
    const computation = new Computation(this.tracker, {
      name: `${query.name} of ${key}`,
      compute: () => query.answer(this.view, key),
      onRun: () => this.runs.queries++,
      onAbandoned: () => {
        answers.delete(key);
        computation.dispose();
      },
    });
    return computation;
  }
}

const noEntries: readonly Entry<unknown>[] = [];

/** An object whose entries cannot be told has none; its translator, which reads the same, reports why. */
const entriesOf = (outcome: Outcome): readonly Entry<unknown>[] =>
  'thrown' in outcome ? noEntries : (outcome.value as readonly Entry<unknown>[]);
