/** What a device really has of its goal, told from the steps that would make it equal: a row that no step is about is as it is to be. */
import { create } from '@bufbuild/protobuf';
import type { Plan } from '../drivers/driver.ts';
import {
  type ActualRequest, type ActualRows, ActualRowsSchema, type RowDifference, RowDifferenceSchema, ScopeStateSchema,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { type RowId, type TableName, tableNames } from '../goal/rows.ts';
import { tableAndKey } from '../goal/rowset.ts';
import { byText } from '../kit/order.ts';
import type { Failure } from './backoff.ts';
import type { Goal } from './holding.ts';

/** A device that was read, and what would be done with it. */
export interface Inspection {
  readonly goal: Goal;
  readonly plan: Plan;
  /** Rows that fail, whatever was tried. */
  readonly failures: ReadonlyMap<RowId, Failure>;
}

const usualLimit = 256;
const mostSteps = 8;
const mostSurplus = 64;
/** A step may carry a whole table. */
const mostStepText = 500;

export const answerTo = (request: ActualRequest, found: Inspection | string): ActualRows => {
  const { id } = request;
  if (typeof found === 'string') return create(ActualRowsSchema, { id, failure: found });
  const { goal } = found;
  if (goal.isolated) return create(ActualRowsSchema, { id, failure: 'the device is isolated: its server did not know it' });
  const { differing, surplus } = differencesOf(found);
  const asked = [...differing.keys()].filter((row) => isAsked(request, row)).toSorted(byText);
  const due = request.after === '' ? asked : asked.filter((row) => byText(row, request.after) > 0);
  const page = due.slice(0, request.limit === 0 ? usualLimit : request.limit);
  return create(ActualRowsSchema, {
    id,
    scopes: [...goal.versions].map(([scope, version]) => create(ScopeStateSchema, { scope, version: BigInt(version) })),
    differing: page.flatMap((row) => differing.get(row) ?? []),
    remaining: due.length - page.length,
    surplus: surplus.slice(0, mostSurplus),
  });
};

const isAsked = ({ tables, rows }: ActualRequest, row: RowId): boolean => {
  const [table, key] = tableAndKey(row);
  if (tables.length > 0 && !tables.includes(table)) return false;
  return rows.length === 0 || rows.some((each) => each.table === table && each.key === key);
};

const differencesOf = ({ goal, plan, failures }: Inspection): { readonly differing: ReadonlyMap<RowId, RowDifference>; readonly surplus: readonly string[] } => {
  const differing = new Map<RowId, RowDifference>();
  const surplus: string[] = [];
  const differenceOf = (row: RowId): RowDifference => {
    const [table, key] = tableAndKey(row);
    const made = differing.get(row) ?? create(RowDifferenceSchema, { table, key });
    differing.set(row, made);
    return made;
  };
  for (const { argv, rows } of plan.ops) {
    const text = argv.join(' ');
    const step = text.length > mostStepText ? `${text.slice(0, mostStepText)}…` : text;
    const wanted = rows.filter((row) => isWanted(goal, row));
    if (wanted.length === 0) surplus.push(step);
    for (const row of wanted) {
      const { steps } = differenceOf(row);
      if (steps.length < mostSteps) steps.push(step);
    }
  }
  for (const [row, { code, message }] of failures) if (isWanted(goal, row)) Object.assign(differenceOf(row), { code, message });
  return { differing, surplus };
};

const isTable = (text: string): text is TableName => tableNames.some((name) => name === text);

const isWanted = ({ tables }: Goal, row: RowId): boolean => {
  const [table, key] = tableAndKey(row);
  return isTable(table) && tables[table].has(key);
};
