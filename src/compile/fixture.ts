/** Intent for tests: objects in few words, a small fabric, and an allocator that hands out the first free value. */
import type { ClaimSpec } from '../api/kinds/claim.ts';
import { apiVersion, refKey, refOf, type Resource } from '../api/object.ts';
import { rowId } from '../goal/rows.ts';
import { compareAddresses, plus } from '../net/address.ts';
import { hostAt, networkAddress } from '../net/prefix.ts';
import { ageOf } from './age.ts';
import { answerTo, isCandidate, type Candidates, type Demand, type HeldClaim } from './demand.ts';
import { createCompiler } from './compiler.ts';
import type { Compiler, ObjectChange } from './engine.ts';
import { specOf } from './intent.ts';

export interface Making {
  readonly namespace?: string;
  readonly uid?: string;
  /** Seconds after an epoch of the tests'. */
  readonly born?: number;
}

const tenantKinds = new Set(['VPC', 'VPCAttachment', 'VPCPeering', 'PeeringConsent', 'ExternalPeering', 'SecurityPolicy', 'MappingSlice', 'DHCPLease']);

export const object = (kind: string, name: string, spec: unknown, making: Making = {}): Resource => {
  const namespace = making.namespace ?? (tenantKinds.has(kind) ? 'default' : '');
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === '' ? {} : { namespace }),
      uid: making.uid ?? `uid-of-${kind}-${namespace}-${name}`,
      creationTimestamp: new Date(1_700_000_000_000 + (making.born ?? 0) * 1000).toISOString().replace('.000Z', 'Z'),
    },
    spec,
  };
};

const ports = (count: number): Record<string, { interface: string }> =>
  Object.fromEntries(Array.from({ length: count }, (_, port) => [`E1/${port + 1}`, { interface: `swp${port + 1}` }]));

export const fabric = (spec: object = {}): Resource =>
  object('Fabric', 'default', { overlay: { externalVTEPs: ['192.0.2.0/24'] }, ...spec });
export const profile = (capacity: unknown = {}): Resource =>
  object('SwitchProfile', 'linux-soft', { ports: ports(64), capacity });
export const addressSpace = (name: string, ...prefixes: string[]): Resource => object('AddressSpace', name, { prefixes });
export const switchOf = (name: string, role: string, spec: object = {}, making: Making = {}): Resource =>
  object('Switch', name, { role, ...spec }, making);
/** Every server has the ports eth1 and eth2; the MAC of eth1 ends in `number`. */
export const server = (name: string, number: number): Resource =>
  object('Server', name, { ports: { eth1: { mac: `02:00:00:00:00:${number.toString(16).padStart(2, '0')}` }, eth2: {} } });
export const connection = (name: string, links: readonly (readonly [string, string])[], spec: object = {}, making: Making = {}): Resource =>
  object('Connection', name, { links: links.map((ends) => ({ ends })), ...spec }, making);
export const vpc = (name: string, cidrs: Record<string, string>, spec: object = {}, making: Making = {}): Resource => {
  const subnets = Object.fromEntries(Object.entries(cidrs).map(([subnet, cidr]) => [subnet, { cidr }]));
  return object('VPC', name, { subnets, ...spec }, making);
};
export const attachment = (name: string, spec: object, making: Making = {}): Resource =>
  object('VPCAttachment', name, spec, making);
export const peering = (name: string, permit: unknown, making: Making = {}): Resource =>
  object('VPCPeering', name, { permit }, making);

/** Every host is behind 192.0.2.1 unless its mapping says otherwise; its MAC ends with the last octet of its address. */
export const mappingSlice = (name: string, vpcName: string, mappings: readonly (string | object)[], spec: object = {}, making: Making = {}): Resource =>
  object('MappingSlice', name, { vpc: vpcName, mappings: mappings.map(mapping), ...spec }, making);
const mapping = (host: string | object): object =>
  typeof host === 'string'
    ? { address: host, mac: `0a:00:00:00:00:${Number(host.split('.')[3]).toString(16).padStart(2, '0')}`, vtep: '192.0.2.1' }
    : host;

/** One spine, two leaves, servers a1 and b1 on leaf-1, a2 and b2 on leaf-2, connections named `<server>--<leaf>`. */
export const smallFabric = (): Resource[] => [
  fabric(),
  profile(),
  addressSpace('default', '10.0.0.0/8'),
  addressSpace('other', '10.0.0.0/8'),
  switchOf('spine-1', 'spine'),
  switchOf('leaf-1', 'leaf'),
  switchOf('leaf-2', 'leaf'),
  ...['a1', 'b1', 'a2', 'b2'].map((name, number) => server(name, number + 1)),
  connection('spine-1--leaf-1', [['spine-1/E1/1', 'leaf-1/E1/49']]),
  connection('spine-1--leaf-2', [['spine-1/E1/2', 'leaf-2/E1/49']]),
  connection('a1--leaf-1', [['a1/eth1', 'leaf-1/E1/1']]),
  connection('b1--leaf-1', [['b1/eth1', 'leaf-1/E1/2']]),
  connection('a2--leaf-2', [['a2/eth1', 'leaf-2/E1/1']]),
  connection('b2--leaf-2', [['b2/eth1', 'leaf-2/E1/2']]),
];

export const put = (resource: Resource): ObjectChange => ({ ref: refOf(resource), object: resource });
export const remove = (resource: Resource): ObjectChange => ({ ref: refOf(resource), object: undefined });

/**
 * Claims that answer the unmet demands of the given objects, none of them handing out a value of `taken`
 * (`<pool>|<value>`), which grows.
 */
export const allocate = (compiler: Compiler, objects: readonly Resource[], held: readonly Resource[], taken: Set<string>): Resource[] => {
  const claims: Resource[] = [];
  const heldBy = Map.groupBy(held.map((claim) => specOf('Claim', claim)), ({ owner }) => owner.uid);
  for (const resource of objects) {
    const ref = refOf(resource);
    const answers = (heldBy.get(resource.metadata.uid ?? '') ?? []).map(heldOf);
    const unmet = compiler.demandsOf(ref).filter((demand) => answerTo(demand, answers) === undefined);
    for (const demand of unmet) claims.push(...answer(demand, taken));
  }
  return claims;
};

const heldOf = ({ pool, purpose, value }: ClaimSpec): HeldClaim => ({ pool, purpose, value, quarantined: false, age: '' });

const answer = (demand: Demand, taken: Set<string>): Resource[] => {
  const value = demand.pin ?? firstFree(demand, taken);
  if (value === undefined || taken.has(`${demand.pool}|${value}`)) return [];
  taken.add(`${demand.pool}|${value}`);
  const { pool, purpose, owner } = demand;
  return [object('Claim', `${pool}-${value}`, { pool, value, owner, purpose })];
};

const firstFree = (demand: Demand, taken: ReadonlySet<string>): string | undefined => {
  for (let position = 0; position < 100_000; position++) {
    const value = valueAt(demand.candidates, position);
    if (value !== undefined && isCandidate(demand.candidates, value) && !taken.has(`${demand.pool}|${value}`)) return value;
  }
  return undefined;
};

const valueAt = (candidates: Candidates, position: number): string | undefined => {
  if (candidates.type === 'numbers') return `${candidates.from + position}`;
  if (candidates.type === 'addresses') {
    const address = hostAt(candidates.prefix, position);
    const [from, to] = candidates.spare ?? [];
    const isSpare = address !== undefined && from !== undefined && to !== undefined && compareAddresses(from, address) <= 0 && compareAddresses(address, to) <= 0;
    return isSpare ? undefined : address;
  }
  const network = plus(networkAddress(candidates.prefix), position * 2 ** (32 - candidates.length));
  return network === undefined ? undefined : `${network}/${candidates.length}`;
};

/** Applies changes and hands out what they demand until nothing is unmet; answers all claims there are now. */
export const settleAll = (compiler: Compiler, objects: readonly Resource[], held: readonly Resource[] = []): Resource[] => {
  const claims = [...held];
  const taken = new Set(claims.map((claim) => `${specOf('Claim', claim).pool}|${specOf('Claim', claim).value}`));
  compiler.apply([...objects, ...claims].map(put));
  for (;;) {
    const fresh = allocate(compiler, objects, claims, taken);
    if (fresh.length === 0) return claims;
    claims.push(...fresh);
    compiler.apply(fresh.map(put));
  }
};

/** Everything a compiler holds, as text to compare: rows with their contributors, then what it says of each object. */
export const dump = (compiler: Compiler, objects: readonly Resource[]): string => {
  const lines: string[] = [];
  for (const scope of compiler.scopes()) {
    lines.push(`${scope}:`);
    for (const row of compiler.rows(scope)) {
      const contributors = compiler.explain(scope, rowId(row)).map(refKey).join(' ');
      lines.push(`  ${rowId(row)} ${JSON.stringify(row.value)}  <- ${contributors}`);
    }
  }
  const verdicts = [...objects]
    .sort((left, right) => (ageOf(left) < ageOf(right) ? -1 : 1))
    .map((resource) => {
      const ref = refOf(resource);
      return `${refKey(ref)} ${JSON.stringify([compiler.findingsOf(ref), compiler.factsOf(ref), compiler.demandsOf(ref), compiler.scopesOf(ref)])}`;
    });
  return [...lines, ...verdicts].join('\n');
};

/** Rows of some tables of a scope, `<table>/<key>` with the value as JSON: small enough to be read in a test. */
export const rowsIn = (compiler: Compiler, scope: string, ...tables: string[]): Record<string, unknown> =>
  Object.fromEntries(
    compiler
      .rows(scope)
      .filter(({ table }) => tables.length === 0 || tables.includes(table))
      .map((row) => [rowId(row), row.value]),
  );

/** A compiler with the small fabric (objects of the same key replaced) and everything allocated. */
export const compiled = (...objects: readonly Resource[]): { readonly compiler: Compiler; readonly claims: Resource[] } => {
  const byKey = new Map([...smallFabric(), ...objects].map((each) => [refKey(refOf(each)), each]));
  const compiler = createCompiler();
  return { compiler, claims: settleAll(compiler, [...byKey.values()]) };
};
