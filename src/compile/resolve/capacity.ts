/**
 * What does not fit on a device, or needs what the device cannot do. Everything that puts rows there is taken in the order of
 * its age until a table of the device's profile is full; what comes then is refused. Each device is looked at as if nothing
 * were refused on another one: it may refuse a little more than it must, never less, and nothing depends on the order in
 * which things came.
 *
 * Counting exactly costs as much as there is on the device, so a bound comes first which changes only when something
 * doubles: where that is within the capacity, which is nearly everywhere, nothing is counted.
 */
import { capacityTables, capacityWords, type Capacity, type CapacityTable } from '../../api/capacity.ts';
import type { Feature } from '../../api/kinds/switchprofile.ts';
import { groupScope } from '../../goal/rows.ts';
import { error, type CompileFinding } from '../finding.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { consumersOn, joinsOf, loadsOf, networksOn, occupants, ownUse, type Consumer, type Use } from './consumers.ts';
import { misfits, sum } from './fitting.ts';
import { lackText, profileCapacity, profileFeatures } from './profile.ts';
import { knownSwitch, type Chassis } from './switch.ts';

export type Lacks = { readonly [Name in Feature]?: boolean };

/** That a device does not take an object, and why. */
export interface Refusal {
  readonly kind: Consumer['kind'];
  readonly key: string;
  readonly message: string;
  readonly code: 'CapacityExceeded' | 'FeatureMissing';
}

interface DeviceLimits {
  readonly refusals: readonly Refusal[];
  /** Features of the profile that are false. */
  readonly lacks?: Lacks;
}

const noLimits: DeviceLimits = { refusals: [] };

/** Key: switch. */
export const deviceLimits = query('deviceLimits', (view, name): DeviceLimits => {
  const chassis = view.query(knownSwitch, name).value?.chassis;
  if (chassis === undefined || chassis.role === 'spine') return noLimits;
  const lacks = view.query(profileFeatures, chassis.profile.name);
  const refusals = [...overfull(view, chassis), ...(lacks?.acls === false ? unfiltered(view, chassis) : [])];
  if (lacks === undefined) return refusals.length === 0 ? noLimits : { refusals };
  return { refusals, lacks };
});

/** Key: `<kind>/<objectKey>`. Refusals of all devices. */
export const refusedAt = derivedIndex('refusedAt', 'Switch', deviceLimits, ({ refusals }) =>
  refusals.map((refusal) => ({ key: `${refusal.kind}/${refusal.key}`, value: refusal })),
);

/** What all devices say against an object; `path` is where the object could do something about it. */
export const refusalsOf = (view: View, kind: Consumer['kind'], key: string, path: string): CompileFinding[] =>
  view.list(refusedAt, `${kind}/${key}`).map(({ code, message }) => error(code, path, message));

const placesOf = ({ name, fabric, group }: Chassis): string[] => (group === undefined ? [name] : [name, groupScope(fabric, group)]);

const overfull = (view: View, chassis: Chassis): Refusal[] => {
  const { name, profile } = chassis;
  const capacity = view.query(profileCapacity, profile.name);
  const places = placesOf(chassis);
  if (capacity === undefined || fits(bound(view, places, capacity), capacity)) return [];
  return misfits(consumersOn(view, places), capacity, (network) => view.query(ownUse, network)).map(({ consumer, table, used, needs, of }) => ({
    kind: consumer.kind,
    key: consumer.key,
    code: 'CapacityExceeded',
    message: `Switch "${name}" holds ${of} ${capacityWords[table]}, ${used} are used and this needs ${needs} more; ${wayOut[consumer.kind]}`,
  }));
};

const wayOut: { readonly [Kind in Consumer['kind']]: string } = {
  VPCAttachment: 'attach to another leaf',
  VPCPeering: 'permit fewer subnets, or attach the VPCs to other leaves',
  ExternalPeering: 'name fewer prefixes, or attach the VPC to other leaves',
  MappingSlice: 'map fewer addresses, or attach the VPC to other leaves',
  SecurityPolicy: 'write fewer rules, or attach the VPC to other leaves; until then its subjects are permitted nothing',
  External: '',
};

const fits = (use: Use, capacity: Capacity): boolean => capacityTables.every((table) => (use[table] ?? 0) <= (capacity[table] ?? Infinity));

/** At least what there is: every attachment may have a segment of its own and an address of each family. */
const bound = (view: View, places: readonly string[], capacity: Capacity): Use => {
  const count = places.reduce((total, place) => total + view.count(occupants, place), 0);
  const local: Use = { segments: count, hosts: 2 * count, routes: 2 * count };
  if (!sharedTables.some((table) => capacity[table] !== undefined)) return local;
  return sum([local, ...[...networksOn(view, places)].map((network) => view.query(reach, network))]);
};

/** Tables with entries that come with a network. */
const sharedTables = ['vrfs', 'routes', 'mappings', 'aclRules'] as const satisfies readonly CapacityTable[];

/** Key: network. What it needs on every device that holds it. */
const networkUse = query('networkUse', (view, network): Use => {
  const halves = joinsOf(view, network).map(({ ends, routes }): Use => ({ routes: routes[ends[0] === network ? 0 : 1] }));
  return sum([view.query(ownUse, network), ...halves, ...loadsOf(view, network).map(({ use }) => use)]);
});

/** Key: network. What comes with it where it is present, each number rounded up to a power of two. */
const reach = query('reach', (view, network): Use => {
  const others = joinsOf(view, network).flatMap(({ ends }) => ends).filter((end) => end !== network);
  const total = sum([network, ...new Set(others)].map((each) => view.query(networkUse, each)));
  return Object.fromEntries(sharedTables.map((table) => [table, roundedUp(total[table] ?? 0)]));
});

const roundedUp = (count: number): number => (count <= 1 ? count : 2 ** Math.ceil(Math.log2(count)));

/** A device without filters cannot have what would let through more than it permits. */
const unfiltered = (view: View, chassis: Chassis): Refusal[] =>
  consumersOn(view, placesOf(chassis))
    .filter(({ kind }) => kind === 'VPCPeering' || kind === 'ExternalPeering' || kind === 'SecurityPolicy')
    .map(({ kind, key }) => ({ kind, key, code: 'FeatureMissing', message: `${lackText(chassis, 'acls')}; ${wayOut[kind]}` }));

export const capacityLayers = [networkUse, reach, deviceLimits, refusedAt];
