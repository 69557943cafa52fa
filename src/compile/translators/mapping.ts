/**
 * MappingSlice -> a row a host, in the shared scope of the VPC: compiled and held once, however many leaves have the VPC. A
 * slice is large and changes by one entry at a time, so rows that say the same as before are the very same rows: whoever
 * looks at them next sees that without reading them.
 */
import type { Mapping } from '../../api/kinds/mappingslice.ts';
import type { ObjectRef, Resource } from '../../api/object.ts';
import type { MappingRow } from '../../goal/rows.ts';
import type { Address, Mac, Vni } from '../../net/brand.ts';
import { error, type CompileFinding } from '../finding.ts';
import { path, specOf, tenantKey, tenantRef } from '../intent.ts';
import { refusalsOf } from '../resolve/capacity.ts';
import { gatewayMac } from '../resolve/externalvtep.ts';
import { fabricTenancy } from '../resolve/fabric.ts';
import { valuesOf } from '../resolve/mapping.ts';
import { faultsOf, foreignness, holdings, managedHosts, standings, type Surroundings } from '../resolve/mappingfaults.ts';
import { unready } from '../resolve/resolution.ts';
import { subnetRanges } from '../resolve/subnetrange.ts';
import { fabricOfTenants, knownVpc, type ResolvedVpc } from '../resolve/vpc.ts';
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
    if (resolution.value.overlay.mode === 'l3') return { rows: [], findings: [error('NotStretched', 'spec.vpc', notStretched(vpc.name))] };
    const refusals = refusalsOf(view, 'MappingSlice', tenantKey(object), 'spec.mappings');
    if (refusals.length > 0) return { rows: [], findings: refusals };
    return rowsOf(object, vpc, resolution.value, view, before);
  },
};

const notStretched = (vpc: string): string =>
  `VPC "${vpc}" is of mode l3, whose segments end at their leaf, so no host elsewhere can be in one; use mode l2`;

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
  const surroundings: Surroundings = {
    subnet,
    managed: managedHosts(hostPool, values, mappings, view),
    standing: standings(view),
    isHeld: holdings(view),
    isForeign: foreignness(view, vpc.namespace),
    gatewayMac: view.query(gatewayMac, fabricOfTenants),
    vnis: view.query(fabricTenancy, fabricOfTenants)?.vnis,
  };
  const place = { scope, from: [vpc] };
  const earlier = new Earlier(before.rows, place);
  const rows: ScopedRow[] = [];
  for (const [index, mapping] of mappings.entries()) {
    const value = values[index] ?? Number.NaN;
    const range = ranges.find(({ first, last }) => value >= first && value <= last);
    const faults = faultsOf(mapping, value, range, surroundings);
    for (const fault of faults) findings.push({ ...fault, path: path('spec', 'mappings', index, fault.path) });
    if (faults.length > 0 || range?.vni === undefined) continue;
    rows.push(earlier.find(mapping, range.vni) ?? { ...place, row: rowOf(mapping, range.vni) });
  }
  return { rows, findings, facts: { mappings: rows.length } };
};

const rowOf = ({ address, mac, vtep, vni }: Mapping, segment: Vni): ScopedRow['row'] => {
  // The API has checked and normalised these texts.
  const common = { segment, address: address as Address, mac: mac as Mac, vtep: vtep as Address };
  const value: MappingRow = vni === undefined || vni === segment ? common : { ...common, vni: vni as Vni };
  return { table: 'mapping', key: address, value };
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
