/** Hosts behind foreign VTEPs. Pure. */
import { vpcScope } from '../../goal/rows.ts';
import type { Address, Vni } from '../../net/brand.ts';
import { mappedAt, mayName, subnetAt, type Mapped } from '../../specify/hosts.ts';
import { refusedMappings, type Mapping } from '../../specify/mappings.ts';
import type { Held, Specs } from '../../specify/objects.ts';
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
  return held === undefined || vpc === undefined ? none : sliceFaults(held, vpc, scene).faults;
};

/** All mappings of a VPC, and that there are no others. @param vni L3VNI */
export const checkMappings = (vni: number, scene: Scene): readonly Fault[] => {
  const { state, spec } = scene;
  const scope = vpcScope(vni as Vni);
  const network = spec.networkOfVni(vni);
  const vpc = network !== undefined && 'subnets' in network ? network : undefined;
  const faults: Fault[] = [];
  let right = 0;
  for (const key of vpc === undefined ? [] : spec.slicesByVpc.of(vpc.key)) {
    const held = spec.objects.get('MappingSlice', key);
    const found = held && vpc && sliceFaults(held, vpc, scene);
    right += found?.right ?? 0;
    faults.push(...(found?.faults ?? []));
  }
  // As many rows as are right: then there are no others.
  if (right === state.count(scope, 'mapping')) return faults;
  const told = new Set(faults.flatMap(({ rows }) => rows.map(({ row }) => row)));
  for (const { key } of state.rows(scope, 'mapping')) if (!told.has(`mapping/${key}`)) faults.push(...checkIn(scope, vpc, key, scene));
  return faults;
};

const sliceFaults = (held: Held<Specs['MappingSlice']>, vpc: Vpc, scene: Scene): { readonly faults: readonly Fault[]; readonly right: number } => {
  const scope = vpcScope(vpc.vni);
  const refused = refusedMappings(scene.spec.refusals.of('MappingSlice', held.key));
  const faults: Fault[] = [];
  let right = 0;
  for (const [index, mapping] of held.spec.mappings.entries()) {
    const isPlain = refused !== 'all' && !refused.has(index) && isPlainlyRight(mapping, held.spec.subnet, scope, vpc, scene);
    if (isPlain) right += 1;
    else faults.push(...checkIn(scope, vpc, mapping.address, scene));
  }
  return { faults, right };
};

/** What nearly all are: said by one slice, without a VNI of its own, and by a row. */
const isPlainlyRight = ({ address, mac, vtep, vni }: Mapping, named: string | undefined, scope: string, vpc: Vpc, { state, spec }: Scene): boolean => {
  if (vni !== undefined || vpc.mode === 'l3') return false;
  const value = state.row(scope, 'mapping', address)?.value;
  if (value?.address !== address || value.mac !== mac || value.vtep !== vtep || value.vni !== undefined) return false;
  const subnet = subnetAt(vpc, address);
  if (subnet === undefined || value.segment !== subnet.vni || (named !== undefined && named !== subnet.name)) return false;
  return mayName(vtep, spec) && spec.mappings.isAlone(vpc.key, address);
};
