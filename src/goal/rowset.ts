/**
 * Rows of one scope, by table and key. To readers it is a map by row id; the ids are made when they are asked for and not
 * held, for a row has its key already, and a million ids are more memory than the rows they name.
 */
import { getOrMake } from '../kit/maps.ts';
import { type Row, type RowId, type TableName, rowId } from './rows.ts';

export class RowSet<Held extends { readonly table: TableName; readonly key: string } = Row> implements ReadonlyMap<RowId, Held> {
  readonly #tables = new Map<string, Map<string, Held>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(table: string, key: string): Held | undefined {
    return this.#tables.get(table)?.get(key);
  }

  /** How many rows of a table. */
  count(table: TableName): number {
    return this.#tables.get(table)?.size ?? 0;
  }

  /** The rows of a table. */
  in(table: TableName): Iterable<Held> {
    return this.#tables.get(table)?.values() ?? [];
  }

  put(row: Held): void {
    const rows = getOrMake(this.#tables, row.table, () => new Map<string, Held>());
    const before = rows.size;
    rows.set(row.key, row);
    this.#size += rows.size - before;
  }

  remove(table: string, key: string): void {
    const rows = this.#tables.get(table);
    if (rows?.delete(key) !== true) return;
    this.#size -= 1;
    if (rows.size === 0) this.#tables.delete(table);
  }

  get(id: RowId): Held | undefined {
    const [table, key] = tableAndKey(id);
    return this.find(table, key);
  }

  has(id: RowId): boolean {
    return this.get(id) !== undefined;
  }

  *values(): Generator<Held, undefined> {
    for (const rows of this.#tables.values()) yield* rows.values();
  }

  *entries(): Generator<[RowId, Held], undefined> {
    for (const row of this.values()) yield [rowId(row), row];
  }

  *keys(): Generator<RowId, undefined> {
    for (const row of this.values()) yield rowId(row);
  }

  [Symbol.iterator](): Generator<[RowId, Held], undefined> {
    return this.entries();
  }

  forEach(visit: (row: Held, id: RowId, rows: ReadonlyMap<RowId, Held>) => void): void {
    for (const [id, row] of this.entries()) visit(row, id, this);
  }
}

/** A row id taken apart; of what is none, both are empty. */
export const tableAndKey = (id: RowId): readonly [table: string, key: string] => {
  const slash = id.indexOf('/');
  return slash < 0 ? ['', ''] : [id.slice(0, slash), id.slice(slash + 1)];
};
