/**
 * What puts rows on a device. A network (a VPC or an External) is present where something is attached to it or it is met;
 * with it come the networks it is peered with, and whatever was declared of each of them.
 */
import type { CapacityTable } from '../../api/capacity.ts';
import { entriesOf } from '../../api/policyparts.ts';
import { ageOf } from '../age.ts';
import { specOf } from '../intent.ts';
import { derivedIndex, index, query, type View } from '../view.ts';
import { placement, type ResolvedAttachment } from './attachment.ts';
import { externalResolution, knownExternal } from './external.ts';
import { externalPeeringResolution } from './externalpeering.ts';
import { peeringResolution } from './peering.ts';
import { knownVpc } from './vpc.ts';

/** `VPC/<namespace>/<name>` or `External/<name>`. */
export type Network = string;

const vpcNetwork = (key: string): Network => `VPC/${key}`;
const externalNetwork = (name: string): Network => `External/${name}`;

/** How many entries of which tables. */
export type Use = { readonly [Table in CapacityTable]?: number };

interface Named {
  readonly kind: 'VPCAttachment' | 'VPCPeering' | 'ExternalPeering' | 'MappingSlice' | 'SecurityPolicy' | 'External';
  /** `objectKey`. */
  readonly key: string;
  readonly age: string;
}

/** Puts its network on the device. */
export interface Presence extends Named {
  readonly network: Network;
  /** Which it shares with others. */
  readonly segment?: { readonly vni: number; readonly gateways: number };
  readonly hosts: number;
}

/** Puts each of two networks where the other is present. */
export interface Join extends Named {
  readonly ends: readonly [Network, Network];
  /** Prefixes that the first end gets of the second, and the second of the first. */
  readonly routes: readonly [number, number];
}

/** Is wherever its network is. */
export interface Load extends Named {
  readonly network: Network;
  readonly use: Use;
}

export type Consumer = Presence | Join | Load;

/** Key: name of a leaf, or scope of a group. Attachments that would be there if it could hold everything. */
export const occupants = derivedIndex('occupants', 'VPCAttachment', placement, ({ value }, attachment) =>
  value === undefined ? [] : placesOf(value).map((key) => ({ key, value: attachment })),
);

/** Key: as above. VPCs (`namespace/name`). */
export const vpcsAt = derivedIndex('vpcsAt', 'VPCAttachment', placement, ({ value }) =>
  value === undefined ? [] : placesOf(value).map((key) => ({ key, value: value.place.vpc })),
);

/** What is multihomed is held by the whole group. */
const placesOf = ({ connection: { group, legs } }: ResolvedAttachment): string[] =>
  group === undefined ? legs.map(({ leaf }) => leaf.name) : [group];

/** Key: leaf. Externals that are met there. */
export const externalsAt = derivedIndex('externalsAt', 'External', externalResolution, ({ value }, name) =>
  (value?.places ?? []).map(({ leaf }) => ({ key: leaf.name, value: name })),
);

/** Key: network. */
export const peeringsOf = derivedIndex('peeringsOf', 'VPCPeering', peeringResolution, ({ value }, key) => {
  if (value === undefined) return [];
  const { left, right, pairings, age } = value;
  const count = (side: 'left' | 'right'): number => pairings.reduce((sum, pairing) => sum + pairing[side].length, 0);
  return joinEntries({ kind: 'VPCPeering', key, age, ends: [vpcNetwork(left), vpcNetwork(right)], routes: [count('right'), count('left')] });
});

/** Key: network. */
export const externalPeeringsOf = derivedIndex('externalPeeringsOf', 'ExternalPeering', externalPeeringResolution, ({ value }, key) => {
  if (value === undefined) return [];
  const { vpc, network, pairing, age } = value;
  const ends = [vpcNetwork(vpc), externalNetwork(network.external.name)] as const;
  return joinEntries({ kind: 'ExternalPeering', key, age, ends, routes: [pairing.right.length, pairing.left.length] });
});

const joinEntries = (value: Join): { key: string; value: Join }[] => value.ends.map((key) => ({ key, value }));

/** Key: network. */
export const slicesOf = index('slicesOf', 'MappingSlice', (object, key) => {
  const { vpc, mappings } = specOf('MappingSlice', object);
  const network = vpcNetwork(`${object.metadata.namespace ?? ''}/${vpc}`);
  const value: Load = { kind: 'MappingSlice', key, age: ageOf(object), network, use: { mappings: mappings.length } };
  return [{ key: network, value }];
});

/** Key: network. */
export const policiesOf = index('policiesOf', 'SecurityPolicy', (object, key) => {
  const spec = specOf('SecurityPolicy', object);
  const network = vpcNetwork(`${object.metadata.namespace ?? ''}/${spec.vpc}`);
  const value: Load = { kind: 'SecurityPolicy', key, age: ageOf(object), network, use: { aclRules: entriesOf(spec) } };
  return [{ key: network, value }];
});

/** Key: network. Entries that it needs on every device that holds it, by itself. */
export const ownUse = query('ownUse', (view, network): Use => {
  const slash = network.indexOf('/');
  const [kind, key] = [network.slice(0, slash), network.slice(slash + 1)];
  const routes = kind === 'VPC' ? view.query(knownVpc, key).value?.staticRoutes.length : view.query(knownExternal, key).value?.fixed?.length;
  return { vrfs: 1, routes: routes ?? 0 };
});

export const joinsOf = (view: View, network: Network): readonly Join[] => [
  ...view.list(peeringsOf, network),
  ...view.list(externalPeeringsOf, network),
];

export const loadsOf = (view: View, network: Network): readonly Load[] => [...view.list(slicesOf, network), ...view.list(policiesOf, network)];

/** Networks that are present on a leaf. */
export const networksOn = (view: View, places: readonly string[]): ReadonlySet<Network> =>
  new Set(places.flatMap((place) => [...view.list(vpcsAt, place).map(vpcNetwork), ...view.list(externalsAt, place).map(externalNetwork)]));

/** Everything that puts rows on a leaf, in no order. Externals have no age: they are the operator's, and few. */
export const consumersOn = (view: View, places: readonly string[]): readonly Consumer[] => {
  const networks = networksOn(view, places);
  const joins = new Map([...networks].flatMap((network) => joinsOf(view, network)).map((join) => [`${join.kind}/${join.key}`, join]));
  const held = new Set([...networks, ...[...joins.values()].flatMap(({ ends }) => ends)]);
  // A peering of two networks that are here only for the sake of a third puts rows here as well.
  for (const network of held) for (const join of joinsOf(view, network)) joins.set(`${join.kind}/${join.key}`, join);
  const concerned = new Set([...held, ...[...joins.values()].flatMap(({ ends }) => ends)]);
  const loads = [...concerned].flatMap((network) => loadsOf(view, network));
  const externals = places.flatMap((place) => view.list(externalsAt, place).map(externalPresence));
  return [...externals, ...places.flatMap((place) => view.list(occupants, place).flatMap((key) => attachmentPresence(view, key))), ...joins.values(), ...loads];
};

const externalPresence = (name: string): Presence => ({ kind: 'External', key: name, age: '', network: externalNetwork(name), hosts: 0 });

const attachmentPresence = (view: View, key: string): Presence[] => {
  const { value } = view.query(placement, key);
  const object = view.at('VPCAttachment', key);
  if (value === undefined || object === undefined) return [];
  const { place, segment: vni, address, ipv6Address } = value;
  const gateways = place.subnet.ipv6 === undefined ? 1 : 2;
  const hosts = [address, ipv6Address].filter((each) => each !== undefined).length;
  return [{ kind: 'VPCAttachment', key, age: ageOf(object), network: vpcNetwork(place.vpc), segment: { vni, gateways }, hosts }];
};

export const consumerLayers = [occupants, vpcsAt, externalsAt, peeringsOf, externalPeeringsOf, slicesOf, policiesOf, ownUse];
