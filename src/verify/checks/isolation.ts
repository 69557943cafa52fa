/** What subnets of one VPC may not exchange, and its static routes. Pure. */
import { vpcScope } from '../../goal/rows.ts';
import type { Address, Prefix, Vni } from '../../net/brand.ts';
import { familyOf } from '../../net/address.ts';
import { contains } from '../../net/prefix.ts';
import type { Subnet, Vpc } from '../../specify/networks.ts';
import { isIn, representatives, setText } from '../atoms.ts';
import { ref, type Fault, type Scene } from '../fault.ts';
import type { Of } from '../state.ts';
import { addressesIn } from './ports.ts';
import { vrfNameOf } from './vrf.ts';

/** Whether a VPC lets two of its subnets exchange packets. */
export const mayMeet = ({ spec }: Vpc, one: Subnet, other: Subnet): boolean =>
  one.name === other.name || (!one.isolated && !other.isolated) || spec.permit.some((names) => names.includes(one.name) && names.includes(other.name));

export const checkIsolation = (vni: number, { state, spec }: Scene): readonly Fault[] => {
  const scope = vpcScope(vni as Vni);
  const network = spec.networkOfVni(vni);
  if (network === undefined) return [];
  const found = [...state.rows(scope, 'isolation')];
  if ('inside' in network) return found.map(({ key }) => ({ code: 'StaleRow', message: `"${network.network}" has no subnets that could be isolated`, rows: [ref(scope, 'isolation', key)], objects: [network.network] }));
  const vrf = vrfNameOf(vni, state);
  const faults: Fault[] = found.flatMap((row): Fault[] => {
    if (row.key === `${row.value.segment}` && (vrf === undefined || row.value.vrf === vrf)) return [];
    return [{ code: 'WrongIdentity', message: `isolation "${row.key}" of "${network.network}" is of segment ${row.value.segment} in VRF "${row.value.vrf}"`, rows: [ref(scope, 'isolation', row.key)], objects: [network.network] }];
  });
  const subnets = [...network.subnets.values()].filter((subnet) => subnet.vni !== undefined);
  if (faults.length === 0 && isAsWritten(network, subnets, found)) return [];
  for (const [index, one] of subnets.entries()) {
    // Where every host is a route of its own, packets within a subnet meet these rows too.
    for (const other of subnets.slice(network.mode === 'l3' && !one.restricted ? index : index + 1)) faults.push(...pairFaults(network, one, other, found, scope, addressesIn(network, spec)));
  }
  return [...faults, ...strayFaults(network, subnets, found, scope)];
};

/** Nearly always rows list what is denied in the plain way. */
const isAsWritten = (vpc: Vpc, subnets: readonly Subnet[], rows: readonly Of<'isolation'>[]): boolean => {
  const expected = new Map<string, string>(subnets.flatMap((subnet) => {
    const others = subnet.isolated ? [...vpc.subnets.values()].filter((other) => !mayMeet(vpc, subnet, other)) : [];
    return others.length === 0 ? [] : [[`${subnet.vni}`, `${setText(subnet.reach)}|${setText(others.flatMap(({ reach }) => reach))}`] as const];
  }));
  return rows.length === expected.size && rows.every(({ key, value }) => expected.get(key) === `${setText(value.prefixes)}|${setText(value.denied)}`);
};

const denies = (rows: readonly Of<'isolation'>[], one: Address, other: Address): Of<'isolation'> | undefined =>
  rows.find(({ value: { prefixes, denied } }) => (isIn(prefixes, one) && isIn(denied, other)) || (isIn(prefixes, other) && isIn(denied, one)));

const pairFaults = (vpc: Vpc, one: Subnet, other: Subnet, rows: readonly Of<'isolation'>[], scope: string, known: readonly Address[]): Fault[] => {
  const said = rows.flatMap(({ value: { prefixes, denied } }) => [...prefixes, ...denied]);
  const partsOf = ({ reach }: Subnet): readonly Address[] => representatives([...reach, ...said.filter((prefix) => reach.some((own) => contains(own, prefix)))], known);
  const isMeant = mayMeet(vpc, one, other);
  for (const source of partsOf(one)) {
    for (const destination of partsOf(other)) {
      if (familyOf(source) !== familyOf(destination)) continue;
      const row = denies(rows, source, destination);
      if (isMeant === (row === undefined)) continue;
      const [code, what] = isMeant ? (['IsolationNarrower', 'do not exchange packets although nothing isolates them'] as const) : (['IsolationWider', 'exchange packets although one of them is isolated'] as const);
      const isolated = one.isolated ? one : other;
      const message = `subnets "${one.name}" and "${other.name}" of "${vpc.network}" ${what}: "${source}" and "${destination}"`;
      return [{ code, message, rows: [ref(scope, 'isolation', row?.key ?? `${isolated.vni}`)], objects: [vpc.network], probe: { source, destination, network: vpc.network } }];
    }
  }
  return [];
};

/** Rows of subnets that are gone. */
const strayFaults = (vpc: Vpc, subnets: readonly Subnet[], rows: readonly Of<'isolation'>[], scope: string): Fault[] => {
  const known = new Set(subnets.map((subnet) => `${subnet.vni}`));
  return rows.filter(({ key }) => !known.has(key)).map(({ key }) => ({
    code: 'StaleRow', message: `"${vpc.network}" has no subnet with segment ${key} that could be isolated`, rows: [ref(scope, 'isolation', key)], objects: [vpc.network],
  }));
};

/** @param prefix of the route: the rest of the key of its row behind the VRF */
export const checkRoute = (vni: number, prefix: string, { state, spec }: Scene): readonly Fault[] => {
  const scope = vpcScope(vni as Vni);
  const network = spec.networkOfVni(vni);
  const name = vrfNameOf(vni, state);
  if (network === undefined || name === undefined) return [];
  const key = `${name}/${prefix}`;
  const row = state.row(scope, 'route', key);
  const wanted = hopsOf(network, prefix as Prefix, spec);
  const [rows, objects] = [[ref(scope, 'route', key)], [network.network]];
  if (wanted === undefined) return row === undefined ? [] : [{ code: 'StaleRow', message: `"${network.network}" has a route to "${prefix}" that it does not declare`, rows, objects }];
  if (row === undefined) return [{ code: 'Unreachable', message: `"${network.network}" declares a route to "${prefix}", but no row leads there`, rows, objects }];
  const { value } = row;
  if (value.vrf !== name || value.prefix !== prefix) return [{ code: 'WrongIdentity', message: `the route "${key}" leads to "${value.prefix}" in VRF "${value.vrf}"`, rows, objects }];
  if (setText(value.nextHops) === setText(wanted)) return [];
  const code = 'subnets' in network ? routeCode(value.nextHops, network) : 'WrongRow';
  return [{ code, message: `the route of "${network.network}" to "${prefix}" goes over ${value.nextHops.join(', ') || 'nothing'} and must go over ${wanted.join(', ')}`, rows, objects }];
};

/** Undefined: no such route is declared. */
const hopsOf = (network: NonNullable<ReturnType<Scene['spec']['network']>>, prefix: Prefix, spec: Scene['spec']): readonly string[] | undefined => {
  if ('subnets' in network) return network.spec.staticRoutes.find((route) => route.prefix === prefix)?.nextHops;
  if (network.spec.static === undefined || network.behind?.includes(prefix) !== true) return undefined;
  return [...new Set(spec.places(network.key).flatMap(({ nextHop }) => (nextHop !== undefined && familyOf(nextHop) === familyOf(prefix) ? [nextHop] : [])))];
};

/** A next hop that is behind another static route, and in the end behind itself, goes in a circle. */
const routeCode = (hops: readonly Address[], { subnets, spec: { staticRoutes } }: Vpc): 'Loop' | 'BlackHole' | 'WrongRow' => {
  const astray = hops.filter((hop) => ![...subnets.values()].some(({ prefixes }) => isIn(prefixes, hop)));
  if (astray.some((hop) => staticRoutes.some(({ prefix }) => contains(prefix as Prefix, hop)))) return 'Loop';
  return astray.length > 0 || hops.length === 0 ? 'BlackHole' : 'WrongRow';
};
