/**
 * The goal state as it would be after a proposal: rows looked up in what is published, with the proposal on top. Nothing is
 * copied. Pure.
 */
import { deviceScope, rowId, type Row, type RowId, type TableName } from '../goal/rows.ts';
import { tableAndKey } from '../goal/rowset.ts';
import type { GoalState, ScopeChange } from '../goal/state.ts';
import { getOrMake } from '../kit/maps.ts';
import type { GoalLookup } from './verifier.ts';

export type Of<Table extends TableName> = Extract<Row, { table: Table }>;

/** Looks rows up in a goal state as it is at that moment. */
export const lookupIn = (goal: GoalState): GoalLookup => ({
  row: (scope, table, key) => goal.scope(scope).rows.find(table, key),
  rows: (scope, table) => goal.scope(scope).rows.in(table),
  count: (scope, table) => goal.scope(scope).rows.count(table),
  scopes: () => goal.scopes(),
  devicesOf: (scope) => goal.devicesOf(scope),
});

/** What is changed of a scope: rows by table and key, `undefined` where one is deleted. */
type Changed = Map<TableName, Map<string, Row | undefined>>;

export class State {
  readonly #goal: GoalLookup;
  readonly #changes = new Map<string, Changed>();
  #members: ReadonlyMap<string, ReadonlyMap<string, boolean>> | undefined;

  constructor(goal: GoalLookup, proposal: readonly ScopeChange[] = []) {
    this.#goal = goal;
    for (const { scope, upserts, deletes } of proposal) {
      for (const id of deletes) this.#note(scope, id, undefined);
      for (const row of upserts) this.#note(scope, rowId(row), row);
    }
  }

  /** The same without what was proposed. */
  get before(): State {
    return new State(this.#goal);
  }

  row<Table extends TableName>(scope: string, table: Table, key: string): Of<Table> | undefined {
    if (this.#changes.size === 0) return this.#goal.row(scope, table, key) as Of<Table> | undefined;
    const changed = this.#changes.get(scope)?.get(table);
    const found = changed?.has(key) === true ? changed.get(key) : this.#goal.row(scope, table, key);
    return found as Of<Table> | undefined;
  }

  rows<Table extends TableName>(scope: string, table: Table): Iterable<Of<Table>> {
    const changed = this.#changes.get(scope)?.get(table);
    const published = this.#goal.rows(scope, table) as Iterable<Of<Table>>;
    return changed === undefined ? published : withChanges(published, changed as Map<string, Of<Table> | undefined>);
  }

  count(scope: string, table: TableName): number {
    const changed = this.#changes.get(scope)?.get(table);
    let count = this.#goal.count(scope, table);
    for (const [key, row] of changed ?? []) count += (row === undefined ? 0 : 1) - (this.#goal.row(scope, table, key) === undefined ? 0 : 1);
    return count;
  }

  /** Devices that hold a scope. */
  devicesOf(scope: string): readonly string[] {
    const published = this.#goal.devicesOf(scope);
    const changed = this.#memberships().get(scope);
    if (changed === undefined) return published;
    const kept = published.filter((device) => !changed.has(device));
    return [...kept, ...[...changed].flatMap(([device, holds]) => (holds ? [device] : []))];
  }

  /** By scope: devices that come or go by the proposal, worked out when somebody asks first. */
  #memberships(): ReadonlyMap<string, ReadonlyMap<string, boolean>> {
    if (this.#members !== undefined) return this.#members;
    const members = new Map<string, Map<string, boolean>>();
    for (const [changed, tables] of this.#changes) {
      if (!changed.startsWith('device/')) continue;
      for (const [scope, row] of tables.get('member') ?? []) getOrMake(members, scope, () => new Map<string, boolean>()).set(changed.slice('device/'.length), row !== undefined);
    }
    this.#members = members;
    return members;
  }

  holds(device: string, scope: string): boolean {
    return scope === deviceScope(device) || this.row(deviceScope(device), 'member', scope) !== undefined;
  }

  scopes(): Iterable<string> {
    return new Set([...this.#goal.scopes(), ...this.#changes.keys()]);
  }

  #note(scope: string, id: RowId, row: Row | undefined): void {
    const [table, key] = tableAndKey(id);
    const tables = getOrMake(this.#changes, scope, (): Changed => new Map());
    getOrMake(tables, table as TableName, () => new Map<string, Row | undefined>()).set(key, row);
  }
}

function* withChanges<Table extends TableName>(published: Iterable<Of<Table>>, changed: ReadonlyMap<string, Of<Table> | undefined>): Generator<Of<Table>> {
  for (const row of published) if (!changed.has(row.key)) yield row;
  for (const row of changed.values()) if (row !== undefined) yield row;
}
