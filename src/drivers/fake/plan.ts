/** Pure planning of the fake: a step a row. An attachment opens last, is withdrawn first, and is never changed in place. */
import { rowId, tableNames } from '../../goal/rows.ts';
import type { Row, RowId, TableName, Tables } from '../../goal/rows.ts';
import type { GoalTables, Op, Plan, Unrealisable } from '../driver.ts';

export interface FakeActual {
  readonly rows: ReadonlyMap<RowId, string>;
  readonly capabilities: ReadonlySet<string>;
}

export const planRows = (actual: FakeActual, goal: GoalTables): Plan => {
  const unrealisable = tableNames.flatMap((table) => [...goal[table].keys()].flatMap((key) => refusal(table, key, goal, actual)));
  const refused = new Set(unrealisable.map(({ row }) => row));
  const wanted = new Map(rowsOf(goal).filter((row) => !refused.has(rowId(row))).map((row) => [rowId(row), row]));
  const texts = new Map([...wanted].map(([id, row]) => [id, textOf(row.value)]));
  const differs = (id: RowId): boolean => actual.rows.get(id) !== texts.get(id);
  const removals = [...actual.rows.keys()].filter((id) => !wanted.has(id) || (isAttachment(id) && differs(id)));
  const upserts = [...wanted.values()].filter((row) => differs(rowId(row)));
  const gone = new Set(removals);
  return {
    ops: [
      ...removals.toSorted(withdrawalsFirst).map((id): Op => ({
        key: `remove/${id}`,
        argv: ['unset', id],
        after: isAttachment(id) ? [] : removals.filter(isAttachment).map((other) => `remove/${other}`),
        rows: wanted.has(id) ? [id] : [],
      })),
      ...upserts.map((row): Op => {
        const id = rowId(row);
        return { key: id, argv: ['set', id, texts.get(id) ?? ''], after: [...needs(row), ...(gone.has(id) ? [`remove/${id}`] : [])], rows: [id] };
      }),
    ],
    unrealisable,
  };
};

const isAttachment = (id: RowId): boolean => id.startsWith('attachment/');

/** Attachments first, then from the leaves of the dependency tree to its root. */
const withdrawalsFirst = (left: RowId, right: RowId): number => rank(right) - rank(left);
const rank = (id: RowId): number => (isAttachment(id) ? tableNames.length : tableNames.findIndex((table) => id.startsWith(`${table}/`)));

const rowsOf = (goal: GoalTables): readonly Row[] =>
  tableNames.flatMap(<Table extends TableName>(table: Table) =>
    [...goal[table]].map(([key, value]) => ({ table, key, value }) as Row));

/** JSON with sorted keys, so that equal rows are equal text. */
const textOf = (value: unknown): string => JSON.stringify(sorted(value));

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)]));
};

/** Steps that come before a row's, as on a real device. */
const needs = (row: Row): readonly string[] => {
  switch (row.table) {
    case 'segment':
      return [`vrf/${row.value.vrf}`];
    case 'attachment':
      return [`segment/${row.value.segment}`, `port/${row.value.port}`];
    case 'host':
      return [`attachment/${row.value.port}`];
    case 'leak':
      return [`vrf/${row.value.vrf}`, `vrf/${row.value.peerVrf}`];
    case 'bgpPeer':
      return ['bgp/underlay'];
    default:
      return [];
  }
};

const refusal = (table: TableName, key: string, goal: GoalTables, actual: FakeActual): readonly Unrealisable[] => {
  const row = `${table}/${key}`;
  const port = table === 'port' ? goal.port.get(key) : undefined;
  if (port?.bundle !== undefined && !actual.capabilities.has('bond')) {
    return [{ row, code: 'Unsupported', message: `bundle "${port.bundle}" needs link aggregation (LACP), which this device lacks` }];
  }
  const attachment: Tables['attachment'] | undefined = table === 'attachment' ? goal.attachment.get(key) : undefined;
  if (attachment !== undefined && !goal.segment.has(`${attachment.segment}`)) {
    return [{ row, code: 'Conflict', message: `segment ${attachment.segment} is not on this device` }];
  }
  return [];
};
