/** What several changes of goal state come to, and how many rows that is to a device. Pure. */
import { deviceScope, rowId, type RowId } from '../goal/rows.ts';
import type { ScopeChange } from '../goal/state.ts';
import { getOrMake } from '../kit/maps.ts';

const devicePrefix = deviceScope('');
export const memberPrefix = 'member/';

/** By scope. */
export type Net = Map<string, { readonly upserts: ScopeChange['upserts']; readonly deletes: ReadonlySet<RowId> }>;

/** Of several changes of a row the last counts. */
export const netOf = (changes: readonly ScopeChange[]): Net => {
  const scopes = new Map<string, { upserts: Map<RowId, ScopeChange['upserts'][number]>; deletes: Set<RowId> }>();
  for (const { scope, upserts, deletes } of changes) {
    const net = getOrMake(scopes, scope, () => ({ upserts: new Map(), deletes: new Set<RowId>() }));
    for (const id of deletes) {
      net.upserts.delete(id);
      net.deletes.add(id);
    }
    for (const row of upserts) {
      net.upserts.set(rowId(row), row);
      net.deletes.delete(rowId(row));
    }
  }
  return new Map([...scopes].map(([scope, { upserts, deletes }]) => [scope, { upserts: [...upserts.values()], deletes }]));
};

/** With a `member` row a whole scope comes or goes. */
export const weigh = (scope: string, rows: readonly RowId[], sizeOf: (shared: string) => number): number => {
  if (!scope.startsWith(devicePrefix)) return rows.length;
  const members = rows.filter((row) => row.startsWith(memberPrefix)).map((row) => row.slice(memberPrefix.length));
  return members.reduce((sum, shared) => sum + sizeOf(shared), rows.length);
};
