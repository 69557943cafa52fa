/** A switch or a gateway with its ids: what its own rows and everything cabled to it build upon. */
import type { ObjectRef, Resource } from '../../api/object.ts';
import { deviceScope } from '../../goal/rows.ts';
import type { Address, Asn, Prefix } from '../../net/brand.ts';
import { parseAsn } from '../../net/scalars.ts';
import { error, type CompileFinding } from '../finding.ts';
import { addressOf, clusterRef, path, prefixOf, specNamed, specOf, type Specs } from '../intent.ts';
import { gatewaysByPin, switchesByPin } from '../relations.ts';
import { query, type View } from '../view.ts';
import { checkedPorts, profileCapacity } from './profile.ts';
import { absent, Examination, withoutDemands, type Resolution } from './resolution.ts';

/** Where a switch belongs: what everything cabled to it shares. */
export interface Chassis {
  readonly name: string;
  readonly scope: string;
  readonly role: 'spine' | 'leaf' | 'border' | 'gateway';
  readonly fabric: string;
  readonly profile: ObjectRef;
  /** Redundancy group. */
  readonly group?: string;
}

export interface ResolvedSwitch {
  readonly chassis: Chassis;
  readonly asn: Asn;
  readonly routerId: Address;
  /** Absent on spines, which only pass overlay routes on. */
  readonly vtep?: Address;
}

/** Key: name of a Switch or, where there is none, of a Gateway. */
export const switchResolution = query('switch', (view, name): Resolution<ResolvedSwitch> => {
  const object = view.get('Switch', '', name) ?? view.get('Gateway', '', name);
  return object === undefined ? absent : resolve(object, view);
});

/** The same for others than the switch itself: without what it demands, which changes with every pool. */
export const knownSwitch = query('knownSwitch', (view, name) => withoutDemands(view.query(switchResolution, name)));

export const switchLayers = [switchResolution, knownSwitch];

const resolve = (object: Resource, view: View): Resolution<ResolvedSwitch> => {
  const spec = deviceSpec(object);
  const seen = new Examination(object, view);
  const fabric = specNamed(view, 'Fabric', spec.fabric);
  if (fabric === undefined) seen.error('UnknownFabric', 'spec.fabric', `there is no Fabric "${spec.fabric}"; create it or name another`);
  if (view.query(profileCapacity, spec.profile) === undefined) {
    seen.error('UnknownSwitchProfile', 'spec.profile', `there is no SwitchProfile "${spec.profile}"; create it or name another`);
  }
  if (fabric === undefined) return seen.done<ResolvedSwitch>(undefined);
  const { role } = spec;
  const { name } = object.metadata;
  const profile = clusterRef('SwitchProfile', spec.profile);
  const group = spec.group === undefined ? {} : { group: spec.group };
  const chassis = { name, scope: deviceScope(name), role, fabric: spec.fabric, profile, ...group };
  const faults = portFaults(name, view);
  const pins = pinnedBy(object);
  const asn = asnOf(spec, fabric, pins, seen);
  const routerId = loopback(seen, 'routerID', spec.routerID, prefixOf(fabric.underlay.routerIDs), pins);
  if (role === 'spine') return seen.done(asn && routerId && { chassis, asn, routerId }, faults);
  const vtep = loopback(seen, 'vtep', spec.vtep, prefixOf(fabric.underlay.vteps), pins);
  return seen.done(asn && routerId && vtep && { chassis, asn, routerId, vtep }, faults);
};

type DeviceSpec = Pick<Specs['Switch'], 'fabric' | 'profile' | 'asn' | 'routerID' | 'vtep' | 'group'> & { readonly role: Chassis['role'] };

/** A gateway's group says who stands in for it, not where servers may be multihomed. */
const deviceSpec = (object: Resource): DeviceSpec => {
  if (object.kind === 'Switch') return specOf('Switch', object);
  const { group: _, ...spec } = specOf('Gateway', object);
  return { ...spec, role: 'gateway' };
};

const pinnedBy = (object: Resource): typeof switchesByPin => (object.kind === 'Switch' ? switchesByPin : gatewaysByPin);

/** What is wrong with one port leaves that port as its profile has it, and the switch in service. */
const portFaults = (name: string, view: View): readonly CompileFinding[] =>
  (view.query(checkedPorts, name)?.faults ?? []).map(({ port, member, code, message }) =>
    error(code, member === undefined ? path('spec', 'ports', port) : path('spec', 'ports', port, member), message),
  );

/** Spines share an ASN so that a route which went up never goes up again (RFC 7938 §5.2.1); a leaf has one of its own. */
const asnOf = (spec: DeviceSpec, fabric: Specs['Fabric'], relation: typeof switchesByPin, seen: Examination): Asn | undefined => {
  const { from, to } = fabric.asns.leaves;
  if (spec.role === 'spine') return brandedAsn(spec.asn ?? fabric.asns.spine);
  if (spec.asn === fabric.asns.spine) {
    seen.error('ASNOfSpines', 'spec.asn', `ASN "${spec.asn}" belongs to the spines; leave it out or choose another`);
  }
  const pin = spec.asn === undefined ? {} : { pin: `${spec.asn}` };
  const candidates = { type: 'numbers', from, to } as const;
  const demand = { pool: 'asn', purpose: 'self', owner: seen.owner, candidates, path: 'spec.asn', ...pin };
  return brandedAsn(seen.claim(demand, { code: 'PinInUse', relation, key: `asn|${spec.asn}` }));
};

const brandedAsn = (value: number | string | undefined): Asn | undefined => {
  const asn = parseAsn(value ?? 0);
  return asn.ok ? asn.value : undefined;
};

const pools = { routerID: 'routerid', vtep: 'vtep' } as const;

const loopback = (
  seen: Examination,
  field: keyof typeof pools,
  pinned: string | undefined,
  prefix: Prefix,
  relation: typeof switchesByPin,
): Address | undefined => {
  const pool = pools[field];
  const pin = pinned === undefined ? {} : { pin: pinned };
  const candidates = { type: 'addresses', prefix, except: [] } as const;
  const demand = { pool, purpose: 'self', owner: seen.owner, candidates, path: `spec.${field}`, ...pin };
  const otherPools = Object.values(pools).filter((other) => other !== pool);
  const value = seen.claim(demand, { code: 'PinInUse', relation, key: `loopback|${pinned}`, otherPools });
  return value === undefined ? undefined : addressOf(value);
};
