/**
 * What a driver plans from, kept up to date row by row: a change costs its own rows, not all that the device holds. The same
 * maps change in place, so what is to outlast the next change must be copied.
 */
import { splitRowId } from '../goal/codec.ts';
import type { Replica } from '../goal/replica.ts';
import { type RowId, type TableName, type Tables, deviceScope, tableNames } from '../goal/rows.ts';
import type { GoalTables } from '../goal/tables.ts';

/** Beyond this share of all rows, tables are put together anew when they are next needed. */
const mostChanged = 1 / 4;

export class HeldTables {
  readonly #replica: Replica;
  readonly #device: string;
  #tables: GoalTables | undefined;

  constructor(replica: Replica, device: string) {
    this.#replica = replica;
    this.#device = device;
  }

  get(): GoalTables {
    this.#tables ??= this.#replica.tables(this.#device);
    return this.#tables;
  }

  /** Rows of these ids came, changed or went, in whatever scope; call it when the replica has them. */
  changed(ids: ReadonlySet<RowId>): void {
    if (this.#tables === undefined) return;
    if (ids.size > mostChanged * sizeOf(this.#tables)) this.#tables = undefined;
    else for (const id of ids) this.#settle(this.#tables, id);
  }

  #settle(tables: GoalTables, id: RowId): void {
    const parts = splitRowId(id);
    if (parts === undefined) return;
    const row = this.#find(id);
    if (row === undefined) remove(tables, parts.table, parts.key);
    else put(tables, row.table, row.key, row.value);
  }

  /** The device's own scope comes first, then the others in their order, as in `Replica.tables`. */
  #find(id: RowId): { readonly table: TableName; readonly key: string; readonly value: Tables[TableName] } | undefined {
    const { scopes } = this.#replica;
    const own = scopes.get(deviceScope(this.#device))?.rows.get(id)?.row;
    if (own !== undefined) return own;
    for (const { rows } of scopes.values()) {
      const row = rows.get(id)?.row;
      if (row !== undefined) return row;
    }
    return undefined;
  }
}

const sizeOf = (tables: GoalTables): number => tableNames.reduce((sum, table) => sum + tables[table].size, 0);

/** `GoalTables` is read-only to everybody else. */
const mutable = <Value>(map: ReadonlyMap<string, Value>): Map<string, Value> => map as Map<string, Value>;

const remove = <Table extends TableName>(tables: GoalTables, table: Table, key: string): void =>
  void mutable<Tables[Table]>(tables[table]).delete(key);

const put = <Table extends TableName>(tables: GoalTables, table: Table, key: string, value: Tables[TableName]): void =>
  void mutable(tables[table]).set(key, value as Tables[Table]);
