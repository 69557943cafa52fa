/**
 * Which prefixes of two networks may exchange packets: what peerings of two VPCs, and of a VPC and an External, permit together.
 * Consent, address spaces and what is never outside are judged here again, whatever others said of the peering. Pure.
 */
import type { Prefix } from '../net/brand.ts';
import { contains, overlaps } from '../net/prefix.ts';
import { textPrefix, type External, type NetworkKey, type Vpc } from './networks.ts';
import type { Held, Objects, Specs } from './objects.ts';
import type { References } from './references.ts';
import { at, isError, isWithin, type Refusal, type RefusalBook } from './refusals.ts';

/** Every address of `local` may speak with every one of `remote`. */
export interface Pairing {
  readonly local: readonly Prefix[];
  readonly remote: readonly Prefix[];
  /** `refKey` of the peering. */
  readonly by: string;
  /** False while a part of it waits: then it is permitted and no more. */
  readonly isPromised: boolean;
}

export interface Networks {
  readonly objects: Objects;
  readonly refusals: RefusalBook;
  readonly vpc: (key: string) => Vpc | undefined;
  readonly external: (key: string) => External | undefined;
  /** By pair of networks: keys of VPCPeerings. */
  readonly peerings: References;
  /** By network: keys of ExternalPeerings. */
  readonly externalPeerings: References;
  /** By VPC (`namespace/name`): keys of PeeringConsents. */
  readonly consents: References;
}

export const pairKey = (one: NetworkKey, other: NetworkKey): string => (one <= other ? `${one} ${other}` : `${other} ${one}`);

/** From the side of `one`. */
export const pairingsBetween = (one: NetworkKey, other: NetworkKey, networks: Networks): readonly Pairing[] => {
  if (one.startsWith('External/')) return other.startsWith('External/') ? [] : mirrored(pairingsBetween(other, one, networks));
  if (other.startsWith('External/')) return outsidePairings(one, other, networks);
  return [...networks.peerings.of(pairKey(one, other))].flatMap((key) => peeringPairings(key, one, networks));
};

const mirrored = (pairings: readonly Pairing[]): readonly Pairing[] => pairings.map((each) => ({ ...each, local: each.remote, remote: each.local }));

type Side = Specs['VPCPeering']['permit'][number][number];

/** `VPC/<namespace>/<name>` of the two sides of each pairing. */
export const networksOfPeering = ({ namespace, spec }: Held<Specs['VPCPeering']>): readonly (readonly [NetworkKey, NetworkKey])[] =>
  spec.permit.flatMap((pair) => {
    const [one, other] = pair.map((side) => networkOf(side, namespace));
    return one === undefined || other === undefined ? [] : [[one, other] as const];
  });

const networkOf = (side: Side, namespace: string): NetworkKey => `VPC/${side.namespace ?? namespace}/${side.vpc}`;

const peeringPairings = (key: string, one: NetworkKey, networks: Networks): Pairing[] => {
  const held = networks.objects.get('VPCPeering', key);
  if (held === undefined) return [];
  const said = networks.refusals.of('VPCPeering', key);
  const parts = held.spec.permit.map((_, index) => at('spec', 'permit', index));
  if (said.some((refusal) => isError(refusal) && !parts.some((part) => isWithin(refusal, part)))) return [];
  return held.spec.permit.flatMap((pair, index): Pairing[] => {
    const own = said.filter((refusal) => isWithin(refusal, parts[index] ?? ''));
    const [left, right] = pair;
    if (left === undefined || right === undefined || own.some(isError)) return [];
    const [near, far] = networkOf(left, held.namespace) === one ? [left, right] : [right, left];
    const sides = [[near, far], [far, near]].map(([side, peer]) => (side && peer ? sideOf(side, peer, held.namespace, networks) : undefined));
    const [local, remote] = sides;
    if (local === undefined || remote === undefined || local.vpc.space !== remote.vpc.space || local.vpc.key === remote.vpc.key) return [];
    if (local.prefixes.some((prefix) => remote.prefixes.some((each) => overlaps(prefix, each)))) return [];
    return [{ local: local.prefixes, remote: remote.prefixes, by: `VPCPeering/${key}`, isPromised: own.length === 0 }];
  });
};

const sideOf = (side: Side, peer: Side, namespace: string, networks: Networks): { readonly vpc: Vpc; readonly prefixes: readonly Prefix[] } | undefined => {
  const key = `${side.namespace ?? namespace}/${side.vpc}`;
  const vpc = networks.vpc(key);
  if (vpc === undefined || !isConsented(key, side, peer, namespace, networks)) return undefined;
  return { vpc, prefixes: prefixesOf(vpc, side.subnets) };
};

/** Of all subnets when none is named. */
const prefixesOf = ({ subnets }: Vpc, names: readonly string[]): readonly Prefix[] => {
  const chosen = names.length === 0 ? [...subnets.values()] : names.flatMap((name) => subnets.get(name) ?? []);
  return [...new Set(chosen.flatMap(({ reach }) => reach))];
};

/** Another tenant's VPC takes part when that tenant says so, of all subnets that are meant. */
const isConsented = (vpc: string, { namespace: theirs, subnets }: Side, peer: Side, own: string, { objects, consents }: Networks): boolean => {
  if ((theirs ?? own) === own) return true;
  const given = [...consents.of(vpc)]
    .flatMap((key) => objects.get('PeeringConsent', key) ?? [])
    .filter(({ spec }) => spec.peer.namespace === (peer.namespace ?? own) && (spec.peer.vpc ?? peer.vpc) === peer.vpc);
  if (given.some(({ spec }) => spec.subnets.length === 0)) return true;
  const covered = new Set(given.flatMap(({ spec }) => spec.subnets));
  return subnets.length > 0 && subnets.every((name) => covered.has(name));
};

const outsidePairings = (network: NetworkKey, outside: NetworkKey, networks: Networks): Pairing[] => {
  const keys = [...networks.externalPeerings.of(network)];
  return keys.flatMap((key): Pairing[] => {
    const reach = reachOf(key, networks);
    if (reach === undefined || reach.external.network !== outside || networks.refusals.of('ExternalPeering', key).some(isForWantOfRoom)) return [];
    const elders = keys.filter((other) => other !== key).flatMap((other) => reachOf(other, networks) ?? [])
      .filter(({ external, held }) => external.network !== outside && held.age < reach.held.age);
    // Packets take one way only: the eldest of peerings with several Externals has a prefix.
    const remote = reach.outside.filter((prefix) => !elders.some((elder) => elder.outside.includes(prefix)));
    return remote.length === 0 ? [] : [{ local: reach.local, remote, by: `ExternalPeering/${key}`, isPromised: true }];
  });
};

/** What devices have no room for keeps its prefixes all the same. */
const isForWantOfRoom = ({ path }: Refusal): boolean => path === 'spec';

interface Reach {
  readonly held: Held<Specs['ExternalPeering']>;
  readonly external: External;
  readonly local: readonly Prefix[];
  readonly outside: readonly Prefix[];
}

const reachOf = (key: string, { objects, refusals, vpc: vpcAt, external: externalAt }: Networks): Reach | undefined => {
  const held = objects.get('ExternalPeering', key);
  const vpc = held && vpcAt(`${held.namespace}/${held.spec.vpc}`);
  const external = held && externalAt(held.spec.external);
  if (held === undefined || vpc === undefined || external === undefined || vpc.space !== external.space) return undefined;
  const said = refusals.of('ExternalPeering', key);
  if (said.some((refusal) => !isWithin(refusal, 'spec.prefixes') && !isForWantOfRoom(refusal))) return undefined;
  const outside = held.spec.prefixes.flatMap((text, index) => {
    const prefix = textPrefix(text);
    if (said.some((refusal) => isWithin(refusal, at('spec', 'prefixes', index))) || external.inside.some((each) => contains(each, prefix))) return [];
    return shared(prefix, external.behind);
  });
  return { held, external, local: prefixesOf(vpc, held.spec.subnets ?? []), outside: [...new Set(outside)] };
};

/** Of two prefixes that share addresses one contains the other: the smaller is what they share. */
const shared = (prefix: Prefix, behind: readonly Prefix[] | undefined): readonly Prefix[] =>
  behind === undefined ? [prefix] : behind.filter((each) => overlaps(each, prefix)).map((each) => (contains(each, prefix) ? prefix : each));
