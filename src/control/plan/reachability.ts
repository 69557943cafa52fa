/** Who reaches whom otherwise than before, between the VPCs that a change touches and their neighbours. */
import { setImmediate as turn } from 'node:timers/promises';
import { differenceOf, matrixOf, vpcsOf, type Cell, type Difference } from '../../verify/matrix.ts';
import type { VrfAt } from '../../verify/surroundings.ts';
import type { Outlook, Sources } from './outlook.ts';
import type { RowChange } from './rehearsal.ts';

/** VPCs that are looked at; a change of the whole fabric touches all. */
const mostVpcs = 50;

export interface Reach extends Difference {
  /** VPCs that were not looked at. */
  readonly leftOut: number;
}

export const reachOf = async (rows: readonly RowChange[], before: Sources, after: Outlook): Promise<Reach> => {
  const names = new Set(rows.flatMap(({ objects }) => objects.flatMap((key) => (key.startsWith('VPC/') ? [key.slice('VPC/'.length)] : []))));
  const scopes = new Set(rows.flatMap(({ scope }) => (scope.startsWith('vpc/') ? [scope] : [])));
  if (names.size + scopes.size === 0) return { allows: [], denies: [], leftOut: 0 };
  const [former, latter] = [before, after].map((goal) => vpcsIn(goal, names, scopes)) as [VrfAt[], VrfAt[]];
  const all = [...new Set([...former, ...latter].map(({ scope }) => scope))];
  const looked = new Set(all.slice(0, mostVpcs));
  const difference = differenceOf(await cellsOf(before, former, looked), await cellsOf(after, latter, looked));
  return { ...difference, leftOut: all.length - looked.size };
};

const vpcsIn = (goal: Sources, names: ReadonlySet<string>, scopes: ReadonlySet<string>): VrfAt[] =>
  vpcsOf(goal).filter(({ scope }) => scopes.has(scope) || [...goal.scope(scope).rows.in('vrf')].some((row) => row.table === 'vrf' && names.has(row.value.description)));

/** Each pair once, also where both are looked at. */
const cellsOf = async (goal: Sources, vrfs: readonly VrfAt[], looked: ReadonlySet<string>): Promise<Cell[]> => {
  const cells = new Map<string, Cell>();
  for (const vrf of vrfs.filter(({ scope }) => looked.has(scope))) {
    for (const cell of matrixOf(goal, vrf)) cells.set(`${cell.from} ${cell.to} ${cell.family}`, cell);
    await turn();
  }
  return [...cells.values()];
};
