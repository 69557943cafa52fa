/** Rows of several scopes side by side, by table and key: what a driver plans from. */
import { type Row, type RowId, type TableName, type Tables, rowId, tableNames } from './rows.ts';

/** All rows a device must hold, over all its scopes, by table and key. */
export type GoalTables = { readonly [Table in TableName]: ReadonlyMap<string, Tables[Table]> };

type MutableTables = { readonly [Table in TableName]: Map<string, Tables[Table]> };

const emptyTables = (): MutableTables => ({
  system: new Map(),
  port: new Map(),
  bgp: new Map(),
  bgpPeer: new Map(),
  vtep: new Map(),
  member: new Map(),
  vrf: new Map(),
  segment: new Map(),
  attachment: new Map(),
  host: new Map(),
  leak: new Map(),
  mapping: new Map(),
  route: new Map(),
  hostPeering: new Map(),
  isolation: new Map(),
  reservation: new Map(),
  dhcpRange: new Map(),
  acl: new Map(),
  aclMember: new Map(),
  vrfPort: new Map(),
  vrfPeer: new Map(),
});

/** Rows of all scopes together. Scopes hold disjoint rows; should two name the same row, the first scope's stands. */
export const merge = (scopes: Iterable<Iterable<Row>>): GoalTables => {
  const tables = emptyTables();
  for (const rows of scopes) for (const row of rows) put(tables, row);
  return tables;
};

const put = <Table extends TableName>(tables: MutableTables, row: { table: Table; key: string; value: Tables[Table] }): void => {
  const table = tables[row.table];
  if (!table.has(row.key)) table.set(row.key, row.value);
};

/** All rows, table after table in the order of `tableNames`. */
export const rowsOf = (tables: GoalTables): Row[] =>
  tableNames.flatMap((table) => [...tables[table]].map(([key, value]) => ({ table, key, value }) as Row));

export interface RowDifference {
  /** Rows of `after` that `before` has not, or has with another value. */
  readonly upserts: readonly Row[];
  /** Rows of `before` that `after` has not. */
  readonly deletes: readonly RowId[];
}

/** What leads from one set of rows to another. `same` compares two rows of one id. */
export const diff = (
  before: ReadonlyMap<RowId, Row>,
  after: ReadonlyMap<RowId, Row>,
  same: (one: Row, other: Row) => boolean,
): RowDifference => {
  const upserts = [...after].filter(([id, row]) => {
    const previous = before.get(id);
    return previous === undefined || !same(previous, row);
  });
  return { upserts: upserts.map(([, row]) => row), deletes: [...before.keys()].filter((id) => !after.has(id)) };
};

/** Rows by id; of two rows with one id the later stands. */
export const byId = (rows: Iterable<Row>): Map<RowId, Row> => {
  const map = new Map<RowId, Row>();
  for (const row of rows) map.set(rowId(row), row);
  return map;
};
