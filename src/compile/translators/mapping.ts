/**
 * MappingSlice -> a row a host, in the shared scope of the VPC: compiled and held once, however many leaves have the VPC. A
 * slice is large and changes by one entry at a time, so rows that say the same as before are the very same rows: whoever
 * looks at them next sees that without reading them.
 */
import type { Mapping } from '../../api/kinds/mappingslice.ts';
import type { ObjectRef, Resource } from '../../api/object.ts';
import type { MappingRow } from '../../goal/rows.ts';
import type { Address, Mac, Vni } from '../../net/brand.ts';
import { error, pending, type CompileFinding } from '../finding.ts';
import { path, specOf, tenantRef } from '../intent.ts';
import { hostAddresses, bucketsOf, valuesOf } from '../resolve/mapping.ts';
import { holdersOf, unready } from '../resolve/resolution.ts';
import { knownVpc, type ResolvedVpc } from '../resolve/vpc.ts';
import { subnetRanges, type SubnetRange } from '../resolve/subnetrange.ts';
import type { ScopedRow, Translation, Translator, View } from '../view.ts';

export const mappingTranslator: Translator = {
  name: 'mapping',
  kind: 'MappingSlice',
  translate: (object, view, before) => {
    const vpc = tenantRef('VPC', `${object.metadata.namespace ?? ''}/${specOf('MappingSlice', object).vpc}`);
    const resolution = view.query(knownVpc, `${vpc.namespace}/${vpc.name}`);
    const finding =
      resolution.value === undefined && view.get(vpc.kind, vpc.namespace, vpc.name) === undefined
        ? error('UnknownVPC', 'spec.vpc', `there is no VPC "${vpc.name}" in namespace "${vpc.namespace}"; create it or name another`)
        : unready(vpc, 'spec.vpc', resolution);
    if (resolution.value === undefined) return { rows: [], findings: [finding] };
    return rowsOf(object, vpc, resolution.value, view, before);
  },
};

const rowsOf = (object: Resource, vpc: ObjectRef, resolved: ResolvedVpc, view: View, before: Translation): Translation => {
  const { mappings, subnet } = specOf('MappingSlice', object);
  const findings: CompileFinding[] = [];
  if (subnet !== undefined && !Object.hasOwn(resolved.subnets, subnet)) {
    const names = Object.keys(resolved.subnets).join('", "');
    const message = `VPC "${vpc.name}" has no accepted subnet "${subnet}"; it has "${names}"`;
    return { rows: [], findings: [error('UnknownSubnet', 'spec.subnet', message)] };
  }
  const ranges = subnetRanges(resolved.subnets);
  const values = valuesOf(mappings);
  const { scope, hostPool } = resolved.overlay;
  const managed = managedHosts(hostPool, values, mappings, view);
  const place = { scope, from: [vpc] };
  const earlier = new Earlier(before.rows, place);
  const rows: ScopedRow[] = [];
  for (const [index, mapping] of mappings.entries()) {
    const value = values[index] ?? Number.NaN;
    const range = ranges.find(({ first, last }) => value >= first && value <= last);
    const fault = faultOf(mapping, value, range, subnet, managed) ?? (range?.vni === undefined ? waits(range) : undefined);
    if (fault !== undefined) findings.push({ ...fault, path: path('spec', 'mappings', index, 'address') });
    else if (range?.vni !== undefined) rows.push(earlier.find(mapping, range.vni) ?? { ...place, row: rowOf(mapping, range.vni) });
  }
  return { rows, findings, facts: { mappings: rows.length } };
};

const rowOf = ({ address, mac, vtep, vni }: Mapping, segment: Vni): ScopedRow['row'] => {
  // The API has checked and normalised these texts.
  const common = { segment, address: address as Address, mac: mac as Mac, vtep: vtep as Address };
  const value: MappingRow = vni === undefined || vni === segment ? common : { ...common, vni: vni as Vni };
  return { table: 'mapping', key: address, value };
};

const waits = (range: SubnetRange | undefined): CompileFinding =>
  pending('', `waits for the VNI of subnet "${range?.name ?? ''}"`);

const faultOf = (
  { address }: Mapping,
  value: number,
  range: SubnetRange | undefined,
  subnet: string | undefined,
  managed: ReadonlyMap<string, string>,
): CompileFinding | undefined => {
  if (range === undefined) {
    return error('AddressOutsideVPC', '', `"${address}" is in no subnet of the VPC; choose one inside a subnet or add the subnet`);
  }
  if (subnet !== undefined && range.name !== subnet) {
    return error('AddressOutsideSubnet', '', `"${address}" is in subnet "${range.name}", not in "${subnet}"; choose another or leave spec.subnet out`);
  }
  if (value === range.gateway) return error('AddressIsGateway', '', `"${address}" is the gateway of subnet "${range.name}"; choose another`);
  if (range.last - range.first > 1 && (value === range.first || value === range.last)) {
    return error('AddressNotAHost', '', `"${address}" is the network or broadcast address of subnet "${range.name}"; choose another`);
  }
  const holder = managed.get(address);
  return holder === undefined ? undefined : error('AddressInUse', '', `"${address}" is the address of ${holder}, which Heddle manages; remove this mapping`);
};

/** Addresses of servers near the slice's, with what to call who holds them. */
const managedHosts = (pool: string, values: readonly number[], mappings: readonly Mapping[], view: View): ReadonlyMap<string, string> => {
  const held = bucketsOf(pool, values).flatMap((bucket) => view.list(hostAddresses, bucket));
  if (held.length === 0) return new Map();
  const wanted = new Set(mappings.map(({ address }) => address));
  return new Map(held.filter((address) => wanted.has(address)).map((address) => [address, holderOf(pool, address, view)]));
};

const holderOf = (pool: string, address: string, view: View): string => {
  const [holder] = holdersOf(view, pool, address);
  return holder === undefined ? 'a server' : `${holder.kind} "${holder.name}"`;
};

/** Rows of the run before, found again in the order in which they were made. */
class Earlier {
  readonly #rows: readonly ScopedRow[];
  #next = 0;
  #positions: Map<string, number> | undefined;

  constructor(rows: readonly ScopedRow[], { scope, from }: Pick<ScopedRow, 'scope' | 'from'>) {
    const [first] = rows;
    const samePlace = first?.scope === scope && first.from[0]?.name === from[0]?.name && first.from[0]?.namespace === from[0]?.namespace;
    this.#rows = samePlace ? rows : [];
  }

  /** The row that says this mapping, if there was one. */
  find({ address, mac, vtep, vni }: Mapping, segment: Vni): ScopedRow | undefined {
    const found = this.#at(address);
    if (found?.row.table !== 'mapping') return undefined;
    const { value } = found.row;
    const same = value.mac === mac && value.vtep === vtep && value.segment === segment && (value.vni ?? segment) === (vni ?? segment);
    return same ? found : undefined;
  }

  #at(address: string): ScopedRow | undefined {
    const next = this.#rows[this.#next];
    if (next?.row.key !== address) {
      this.#positions ??= new Map(this.#rows.map(({ row }, position) => [row.key, position]));
      const position = this.#positions.get(address);
      if (position === undefined) return undefined;
      this.#next = position;
    }
    this.#next += 1;
    return this.#rows[this.#next - 1];
  }
}
