/** Hosts behind foreign VTEPs. Pure. */
import { vpcScope } from '../../goal/rows.ts';
import type { Address, Vni } from '../../net/brand.ts';
import { mappedAt, mayName, type Mapped } from '../../specify/hosts.ts';
import type { Vpc } from '../../specify/networks.ts';
import { ref, type Fault, type Scene } from '../fault.ts';
import type { Of } from '../state.ts';

const none: readonly Fault[] = [];

/** @param address key of the row */
export const checkMapping = (vni: number, address: string, scene: Scene): readonly Fault[] => {
  const network = scene.spec.networkOfVni(vni);
  return checkIn(vpcScope(vni as Vni), network !== undefined && 'subnets' in network ? network : undefined, address, scene);
};

const checkIn = (scope: string, vpc: Vpc | undefined, address: string, { state, spec }: Scene): readonly Fault[] => {
  const row = state.row(scope, 'mapping', address);
  const expected = vpc && mappedAt(vpc, address, spec);
  if (row === undefined ? expected === undefined : expected !== undefined && saysSo(row, address, expected)) return none;
  return faultsOf(scope, address, row, expected, vpc, spec);
};

const saysSo = ({ value }: Of<'mapping'>, address: string, { segment, mac, vtep, vni }: Mapped): boolean =>
  value.address === address && value.segment === segment && value.mac === mac && value.vtep === vtep && value.vni === vni;

const faultsOf = (
  scope: string, address: string, row: Of<'mapping'> | undefined, expected: Mapped | undefined, vpc: Vpc | undefined, spec: Scene['spec'],
): readonly Fault[] => {
  const rows = [ref(scope, 'mapping', address)];
  const name = vpc?.network ?? spec.claims.lastOwner(Number(scope.slice('vpc/'.length))) ?? scope;
  const objects = [...(expected === undefined ? [] : [expected.by]), name];
  const probe = vpc === undefined ? {} : probeTo(vpc, address as Address, spec);
  if (row === undefined) {
    return expected === undefined ? none : [{ code: 'Unreachable', message: `"${address}" of "${name}" is behind "${expected.vtep}" by ${expected.by}, but no row leads there`, rows, objects, ...probe }];
  }
  const { value } = row;
  if (!mayName(value.vtep, spec)) {
    return [{ code: 'Leak', message: `packets for "${address}" of "${name}" are sent to "${value.vtep}", which no mapping may name`, rows, objects, ...probe }];
  }
  if (expected === undefined) {
    return [{ code: 'StaleRow', message: `packets for "${address}" of "${name}" are sent to "${value.vtep}", but no slice maps it; the row must be withdrawn`, rows, objects, ...probe }];
  }
  const wanted = `"${expected.mac}" behind "${expected.vtep}" (VNI ${expected.vni ?? expected.segment})`;
  const has = `"${value.mac}" behind "${value.vtep}" (VNI ${value.vni ?? value.segment}${value.segment === expected.segment ? '' : ` of segment ${value.segment}`})`;
  return [{ code: 'WrongMapping', message: `packets for "${address}" of "${name}" go to ${has} and must go to ${wanted}`, rows, objects, ...probe }];
};

const probeTo = ({ key, network }: Vpc, destination: Address, spec: Scene['spec']) => {
  const source = [...spec.attachmentsByVpc.of(key)].flatMap((each) => spec.placement(each)?.addresses ?? []).find((each) => !each.includes(':'));
  return source === undefined ? {} : { probe: { source, destination, network } };
};

/** @param key of the slice */
export const checkSlice = (key: string, scene: Scene): readonly Fault[] => {
  const held = scene.spec.objects.get('MappingSlice', key);
  const vpc = held && scene.spec.vpc(`${held.namespace}/${held.spec.vpc}`);
  if (held === undefined || vpc === undefined) return none;
  const scope = vpcScope(vpc.vni);
  const faults: Fault[] = [];
  for (const { address } of held.spec.mappings) {
    const found = checkIn(scope, vpc, address, scene);
    if (found.length > 0) faults.push(...found);
  }
  return faults;
};
