/** What every device must hold in the end: compiled from scratch from what the store has, and planned for an empty device. */
import type { ResourceClient } from '../api/client.ts';
import { kinds } from '../api/kinds.ts';
import { refOf, type Resource } from '../api/object.ts';
import { createCompiler } from '../compile/compiler.ts';
import { planRows } from '../drivers/fake/plan.ts';
import type { RowId } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';

export interface Expected {
  readonly goal: GoalState;
  /** Rows of a device as canonical text. */
  rows(device: string): ReadonlyMap<RowId, string>;
}

/** All objects of all kinds. */
export const everything = async (client: ResourceClient): Promise<readonly Resource[]> =>
  (await Promise.all(kinds.map(({ kind }) => client.list(kind)))).flatMap(({ items }) => items);

export const expectedOf = (objects: readonly Resource[]): Expected => {
  const compiler = createCompiler();
  compiler.apply(objects.map((object) => ({ ref: refOf(object), object })));
  const goal = new GoalState();
  for (const scope of compiler.scopes()) goal.commit([{ scope, upserts: compiler.rows(scope), deletes: [] }]);
  return { goal, rows: (device) => rowsOf(goal, device) };
};

const rowsOf = (goal: GoalState, device: string): ReadonlyMap<RowId, string> => {
  const { ops } = planRows({ rows: new Map(), capabilities: new Set(['bond']) }, goal.tables(device));
  return new Map(ops.map(({ argv: [, row = '', text = ''] }) => [row, text]));
};
