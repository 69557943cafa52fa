/** VRFs: whose a shared scope is, and that its VRF says so. Pure. */
import { vpcScope, type TableName } from '../../goal/rows.ts';
import type { Vni } from '../../net/brand.ts';
import { setText } from '../atoms.ts';
import { ref, type Fault, type Scene } from '../fault.ts';
import type { State } from '../state.ts';

const sharedTables = ['vrf', 'leak', 'mapping', 'route', 'isolation', 'reservation', 'acl', 'aclMember'] as const satisfies readonly TableName[];

/** Name that rows have for the VRF of an L3VNI. */
export const vrfNameOf = (vni: number, state: State): string | undefined => {
  for (const row of state.rows(vpcScope(vni as Vni), 'vrf')) return row.value.name;
  return undefined;
};

export const checkVrf = (vni: number, { state, spec }: Scene): readonly Fault[] => {
  const scope = vpcScope(vni as Vni);
  const network = spec.networkOfVni(vni);
  if (network === undefined) return sharedTables.flatMap((table) => strays(scope, table, state, spec.claims.lastOwner(vni) ?? `Claim/vni-${vni}`));
  const objects = [network.network];
  const found = [...state.rows(scope, 'vrf')];
  const [row] = found;
  if (row === undefined) {
    const message = `"${network.network}" has no VRF: nothing of it is routed anywhere`;
    return [{ code: 'MissingRow', message, rows: [ref(scope, 'vrf', `vrf${vni}`)], objects }];
  }
  const rows = found.map(({ key }) => ref(scope, 'vrf', key));
  const faults: Fault[] = [];
  if (found.length > 1) faults.push({ code: 'Duplicate', message: `"${network.network}" has ${found.length} VRFs, "${found.map(({ key }) => key).join('", "')}"`, rows, objects });
  const { name, vni: carried, external } = row.value;
  if (carried !== vni || name !== row.key) {
    faults.push({ code: 'WrongIdentity', message: `VRF "${row.key}" of "${network.network}" is "${name}" with VNI ${carried} and must have VNI ${vni}: packets end in another VRF`, rows, objects });
  }
  // Names are kept apart by the VNI at their end; two VRFs of one name would be one on every device that has both.
  if (/(\d*)$/.exec(name)?.[1] !== `${vni}`) {
    faults.push({ code: 'WrongIdentity', message: `VRF "${name}" of "${network.network}" does not bear its VNI ${vni}, so that another may have the same name`, rows, objects });
  }
  const inside = 'inside' in network ? network.inside : undefined;
  if (setText(external?.inside ?? []) !== setText(inside ?? []) || (external === undefined) !== (inside === undefined)) {
    const message = inside === undefined
      ? `VRF "${name}" of "${network.network}" is treated as an outside network`
      : `"${network.network}" does not keep the addresses of VPCs and of the fabric out: what is never outside is ${(external?.inside ?? []).join(', ') || 'nothing'} and must be ${inside.join(', ')}`;
    faults.push({ code: 'Leak', message, rows, objects });
  }
  return faults;
};

/** Rows in the scope of nobody. */
const strays = (scope: string, table: TableName, state: State, owner: string): Fault[] => {
  const keys: string[] = [];
  for (const { key } of state.rows(scope, table)) if (keys.push(key) >= 8) break;
  if (keys.length === 0) return [];
  const message = `"${scope}" is of no VPC or External that is in force, but still has rows of ${table}; they must be withdrawn`;
  return [{ code: 'StaleRow', message, rows: keys.map((key) => ref(scope, table, key)), objects: [owner] }];
};
