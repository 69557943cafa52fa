/** Pure planning of the fake: a step a row. An attachment opens last, is withdrawn first, and is never changed in place. */
import { rowId, tableNames } from '../../goal/rows.ts';
import type { Row, RowId, TableName, Tables } from '../../goal/rows.ts';
import type { GoalTables, Op, Plan, Unrealisable } from '../driver.ts';

export interface FakeActual {
  readonly rows: ReadonlyMap<RowId, string>;
  readonly capabilities: ReadonlySet<string>;
}

/** Costs a look at each row, and more only for those that differ: simulations plan for thousands of devices at once. */
export const planRows = (actual: FakeActual, goal: GoalTables): Plan => {
  const unrealisable: Unrealisable[] = [];
  const upserts: Planned[] = [];
  const wanted: Planned[] = [];
  let there = 0;
  for (const table of tableNames) {
    for (const [key, value] of goal[table]) {
      const refused = refusal(table, key, goal, actual);
      unrealisable.push(...refused);
      if (refused.length > 0) continue;
      const planned = plannedOf(table, key, value);
      const text = actual.rows.get(planned.id);
      wanted.push(planned);
      if (text !== undefined) there += 1;
      if (text !== planned.text) upserts.push(planned);
    }
  }
  const rewritten = upserts.flatMap(({ id }) => (isAttachment(id) && actual.rows.has(id) ? [id] : []));
  const removals = there === actual.rows.size ? rewritten : [...unwanted(actual, wanted), ...rewritten];
  const gone = new Set(removals);
  const withdrawn = removals.filter(isAttachment).map((id) => `remove/${id}`);
  return {
    ops: [
      ...removals.toSorted(withdrawalsFirst).map((id): Op => ({
        key: `remove/${id}`,
        argv: ['unset', id],
        after: isAttachment(id) ? [] : withdrawn,
        rows: rewritten.includes(id) ? [id] : [],
      })),
      ...upserts.map(({ id, text, row }): Op => ({
        key: id,
        argv: ['set', id, text],
        after: gone.has(id) ? [...needs(row), `remove/${id}`] : needs(row),
        rows: [id],
      })),
    ],
    unrealisable,
  };
};

interface Planned {
  readonly id: RowId;
  readonly text: string;
  readonly row: Row;
}

const unwanted = (actual: FakeActual, wanted: readonly Planned[]): RowId[] => {
  const ids = new Set(wanted.map(({ id }) => id));
  return [...actual.rows.keys()].filter((id) => !ids.has(id));
};

/** By value: simulated devices that hold the same row share it. */
const plans = new WeakMap<object, Planned>();

const plannedOf = (table: TableName, key: string, value: Tables[TableName]): Planned => {
  const known = plans.get(value);
  if (known?.row.key === key && known.row.table === table) return known;
  const row = { table, key, value } as Row;
  const made = { id: rowId(row), text: textOf(value), row };
  plans.set(value, made);
  return made;
};

const isAttachment = (id: RowId): boolean => id.startsWith('attachment/');

/** Attachments first, then from the leaves of the dependency tree to its root. */
const withdrawalsFirst = (left: RowId, right: RowId): number => rank(right) - rank(left);
const rank = (id: RowId): number => (isAttachment(id) ? tableNames.length : tableNames.findIndex((table) => id.startsWith(`${table}/`)));

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
