/** Rows where none of their table belong. A device takes the rows of all scopes that it holds, so these take effect all the same. Pure. */
import type { RowId, TableName } from '../../goal/rows.ts';
import { tableAndKey } from '../../goal/rowset.ts';
import { rowRef, type Fault, type Scene } from '../fault.ts';
import { vrfNameOf } from './vrf.ts';

/** Which tables belong into scopes of a sort, see src/goal/rows.ts. */
const homes: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['device', new Set<TableName>([
    'system', 'port', 'bgp', 'bgpPeer', 'vtep', 'member', 'segment', 'attachment', 'host', 'hostPeering', 'dhcpRange', 'vrfPort', 'vrfPeer',
  ])],
  ['group', new Set<TableName>(['segment', 'attachment', 'host', 'hostPeering', 'dhcpRange'])],
  ['vpc', new Set<TableName>(['vrf', 'leak', 'mapping', 'route', 'isolation', 'reservation', 'acl', 'aclMember'])],
]);

const sortOf = (scope: string): string => scope.slice(0, scope.indexOf('/'));

export const isAtHome = (scope: string, table: string): boolean => homes.get(sortOf(scope))?.has(table) === true;

/** @param id of the row; of one at home it is asked whether it is of the VRF of its scope */
export const checkAstray = (scope: string, id: RowId, scene: Scene): readonly Fault[] => {
  const [table, key] = tableAndKey(id);
  const row = scene.state.row(scope, table as TableName, key);
  if (row === undefined) return [];
  const own = sortOf(scope) === 'vpc' ? vrfNameOf(Number(scope.slice('vpc/'.length)), scene.state) : undefined;
  const isForeign = row.table === 'route' && own !== undefined && row.value.vrf !== own;
  if (isAtHome(scope, table) && !isForeign) return [];
  const message = isAtHome(scope, table)
    ? `row "${id}" is in "${scope}", whose VRF is "${own ?? ''}": every device that holds both takes it for its own`
    : `row "${id}" is in "${scope}", where no ${table} belongs: every device that holds the scope takes it for its own`;
  return [{ code: 'StaleRow', message, rows: [rowRef(scope, id)], objects: ownersOf(scope, scene) }];
};

const ownersOf = (scope: string, { state, spec }: Scene): readonly string[] => {
  if (sortOf(scope) !== 'vpc') return state.devicesOf(scope).map((device) => spec.device(device)?.object ?? `Switch/${device}`);
  const vni = Number(scope.slice('vpc/'.length));
  return [spec.networkOfVni(vni)?.network ?? spec.claims.lastOwner(vni) ?? `Claim/vni-${vni}`];
};
