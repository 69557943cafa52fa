/**
 * What devices have of rows that are withheld. A controller that starts knows what is wanted and nothing of what was published
 * before, so what is withheld would be taken from devices by a mere restart. Therefore the statuses of the objects that such a row
 * comes from say which rows they are and what there is instead (`kept`), and the first publication puts that back. Whichever object
 * changed says it together with that it was heard, so a kill between two statuses loses nothing. Pure.
 */
import { refKey, refOf, type Resource } from '../../api/object.ts';
import { rowId, tableNames, type Row, type RowId } from '../../goal/rows.ts';
import type { GoalState, ScopeChange } from '../../goal/state.ts';
import { isJsonObject } from '../../kit/json.ts';
import { refOfKey } from '../explain.ts';
import type { Withheld } from '../withheld.ts';

export interface Kept {
  readonly scope: string;
  readonly id: RowId;
  /** The row as JSON: table, key and value; left out, devices have none. */
  readonly row?: string;
}

/** A status is no place for more. */
const mostRows = 32;
const longestRow = 4096;

/** What the status of an object remembers; undefined: nothing. */
export const keptOf = (object: Resource, withheld: Pick<Withheld, 'of'>, goal: Pick<GoalState, 'scope'>): readonly Kept[] | undefined => {
  const { namespace = '' } = object.metadata;
  const kept: Kept[] = [];
  for (const { scope, id, reason, owners } of withheld.of(refKey(refOf(object)))) {
    if (reason !== 'Unproven' || !mayRead(namespace, owners)) continue;
    const row = goal.scope(scope).rows.get(id);
    kept.push({ scope, id, ...(row === undefined ? {} : { row: JSON.stringify(row) }) });
  }
  const isSmall = kept.length <= mostRows && kept.every(({ row = '' }) => row.length <= longestRow);
  return kept.length > 0 && isSmall ? kept : undefined;
};

/** What statuses remember, by `<scope> <id>`. */
export const remembered = (objects: Iterable<Resource>): ReadonlyMap<string, Kept> => {
  const found = new Map<string, Kept>();
  for (const { status } of objects) {
    const { kept = [] } = (status ?? {}) as { readonly kept?: readonly Kept[] };
    for (const each of kept) found.set(`${each.scope} ${each.id}`, each);
  }
  return found;
};

/** Rows that devices have of those that are withheld now. */
export const keptRows = (known: Iterable<Kept>, withheld: Pick<Withheld, 'get'>): readonly ScopeChange[] =>
  [...known].flatMap(({ scope, id, row: text }) => {
    const row = text === undefined ? undefined : rowOf(text);
    const isWithheld = row !== undefined && rowId(row) === id && withheld.get(scope, id)?.reason === 'Unproven';
    return isWithheld ? [{ scope, upserts: [row], deletes: [] }] : [];
  });

/** Rows that objects of others hand in are not shown. */
const mayRead = (namespace: string, owners: readonly string[]): boolean =>
  namespace === '' || owners.map(refOfKey).every((owner) => owner.namespace === namespace);

const rowOf = (text: string): Row | undefined => {
  try {
    const row: unknown = JSON.parse(text);
    const isRow = isJsonObject(row) && tableNames.some((table) => table === row['table']) && typeof row['key'] === 'string' && isJsonObject(row['value']);
    return isRow ? (row as Row) : undefined;
  } catch {
    return undefined;
  }
};
