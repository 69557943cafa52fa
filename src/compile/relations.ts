/**
 * The indexes over intent: how to get from a thing to the objects that speak of it without looking at all of them. Objects
 * are told by their keys (`objectKey`), and whoever needs more of one than that reads it.
 */
import type { ClaimStatus } from '../api/kinds/claim.ts';
import type { Resource } from '../api/object.ts';
import { withoutFirstLane } from '../api/ports.ts';
import { bitsOf } from '../net/address.ts';
import type { Prefix } from '../net/brand.ts';
import { prefixLength, prefixOfBits } from '../net/prefix.ts';
import type { Family } from '../net/bits.ts';
import { prefixOf, specOf } from './intent.ts';
import { index, type Entry } from './view.ts';

/** Key: uid of the owner. Names of its claims. */
export const claimsByOwner = index('claimsByOwner', 'Claim', (object, name) => [{ key: specOf('Claim', object).owner.uid, value: name }]);

/** Key: `<pool>|<value>`. Names of claims. */
export const holdersByValue = index('holdersByValue', 'Claim', (object, name) => {
  const { pool, value } = specOf('Claim', object);
  return [{ key: `${pool}|${value}`, value: name }];
});

export const isQuarantined = ({ kind, status }: Resource): boolean =>
  kind === 'Claim' && (status as ClaimStatus | undefined)?.phase === 'Quarantined';

/** Key: `<device>/<port>` (`withoutFirstLane`). Names of connections. */
export const connectionsByPort = index('connectionsByPort', 'Connection', (object, name) =>
  specOf('Connection', object).links.flatMap(({ ends }) => ends.map((end) => ({ key: withoutFirstLane(end), value: name }))),
);

/** Key: `asn|<number>` or `loopback|<address>`: what switches pin. All spines share one ASN, so theirs do not count. */
export const switchesByPin = index('switchesByPin', 'Switch', (object, name) => {
  const { role, asn, routerID, vtep } = specOf('Switch', object);
  const keys = [
    ...(asn === undefined || role === 'spine' ? [] : [`asn|${asn}`]),
    ...[routerID, vtep].flatMap((address) => (address === undefined ? [] : [`loopback|${address}`])),
  ];
  return keys.map((key) => ({ key, value: name }));
});

/** The same of gateways. */
export const gatewaysByPin = index('gatewaysByPin', 'Gateway', (object, name) => {
  const { asn, routerID, vtep } = specOf('Gateway', object);
  const addresses = [routerID, vtep].flatMap((address) => (address === undefined ? [] : [`loopback|${address}`]));
  return [...(asn === undefined ? [] : [`asn|${asn}`]), ...addresses].map((key) => ({ key, value: name }));
});

/** Key: MAC address. Names of servers. */
export const serversByMac = index('serversByMac', 'Server', (object, name) =>
  Object.values(specOf('Server', object).ports).flatMap(({ mac }) => (mac === undefined ? [] : [{ key: mac, value: name }])),
);

/** A prefix of a subnet: that of its hosts, in either family, or one that hosts may announce. */
export interface PlacedSubnet {
  readonly vpc: string;
  readonly subnet: string;
  readonly prefix: Prefix;
}

const placedIn = (object: Resource, vpc: string): readonly PlacedSubnet[] =>
  Object.entries(specOf('VPC', object).subnets).flatMap(([subnet, { cidr, ipv6, hostBGP }]) =>
    [cidr, ...(ipv6 === undefined ? [] : [ipv6.cidr]), ...(hostBGP?.prefixes ?? []).map((announced) => announced.cidr)]
      .map((text) => ({ vpc, subnet, prefix: prefixOf(text) })),
  );

/**
 * Of two prefixes that overlap one contains the other, so a subnet's overlaps are those inside it and those at one of the
 * prefixes around it: at most 33 keys (IPv4) instead of every subnet of the space. IPv6 prefixes are kept at every eighth length,
 * under the next shorter one, so that there are 17 and not 129: what is found there may also be near.
 */
const isKept = (family: Family, length: number): boolean => family === 4 || length % 8 === 0;

/** The kept prefixes around this one, longest last; the last is the prefix itself or the next around it. */
export const keptPrefixes = (prefix: Prefix): Prefix[] => {
  const bits = bitsOf(prefix);
  const lengths = Array.from({ length: prefixLength(prefix) + 1 }, (_, length) => length).filter((length) => isKept(bits.family, length));
  return lengths.map((length) => prefixOfBits(bits, length));
};

/** Key: `<address space>|<kept prefix>`. Subnets at it. */
export const subnetsAt = index('subnetsAt', 'VPC', (object, vpc) => {
  const { addressSpace } = specOf('VPC', object);
  return placedIn(object, vpc).map((placed): Entry<PlacedSubnet> => ({ key: `${addressSpace}|${keptPrefixes(placed.prefix).at(-1)}`, value: placed }));
});

/** Key: `<address space>|<kept prefix>`. Subnets inside it that are at a longer one. */
export const subnetsInside = index('subnetsInside', 'VPC', (object, vpc) => {
  const { addressSpace } = specOf('VPC', object);
  return placedIn(object, vpc).flatMap((placed) =>
    keptPrefixes(placed.prefix).slice(0, -1).map((around): Entry<PlacedSubnet> => ({ key: `${addressSpace}|${around}`, value: placed })),
  );
});

/** Key: fabric. */
export const switchesByFabric = index('switchesByFabric', 'Switch', (object, name) => [{ key: specOf('Switch', object).fabric, value: name }]);

/** Key: redundancy group. Names of switches. */
export const switchesByGroup = index('switchesByGroup', 'Switch', (object, name) => {
  const { group } = specOf('Switch', object);
  return group === undefined ? [] : [{ key: group, value: name }];
});

/** Key: address space. */
export const vpcsBySpace = index('vpcsBySpace', 'VPC', (object, vpc) => [{ key: specOf('VPC', object).addressSpace, value: vpc }]);

/** Key: connection. */
export const attachmentsByConnection = index('attachmentsByConnection', 'VPCAttachment', (object, attachment) => [
  { key: specOf('VPCAttachment', object).connection, value: attachment },
]);

/** Key: `<namespace>/<vpc>|<address>`: attachments that pin the address. */
export const attachmentsByPin = index('attachmentsByPin', 'VPCAttachment', (object, attachment) => {
  const { vpc, address, ipv6Address } = specOf('VPCAttachment', object);
  return [address, ipv6Address].flatMap((pin) =>
    pin === undefined ? [] : [{ key: `${object.metadata.namespace ?? ''}/${vpc}|${pin}`, value: attachment }],
  );
});

/** Key: `placeKey`. Externals that are met there. */
export const externalsByPlace = index('externalsByPlace', 'External', (object, name) =>
  specOf('External', object).attachments.map((attachment) => ({ key: placeKey(attachment), value: name })),
);

/** A cable, and the VLAN tag on it. */
export const placeKey = ({ connection, vlan }: { readonly connection: string; readonly vlan?: number }): string => `${connection}|${vlan ?? ''}`;

/** Key: `externalPairingKey`. ExternalPeerings that say the same. */
export const externalPeeringsByPairing = index('externalPeeringsByPairing', 'ExternalPeering', (object, peering) => [
  { key: externalPairingKey(object), value: peering },
]);

export const externalPairingKey = (object: Resource): string => {
  const { vpc, subnets = [], external, prefixes } = specOf('ExternalPeering', object);
  return [object.metadata.namespace, vpc, subnets.toSorted(), external, prefixes.toSorted()].join('|');
};

/** Key: `pairingKeys`. VPCPeerings that say the same in one of their pairings. */
export const peeringsByPairing = index('peeringsByPairing', 'VPCPeering', (object, peering) =>
  [...new Set(pairingKeys(object))].map((key) => ({ key, value: peering })),
);

/** Of each pairing: equal for those that permit the same, whichever side comes first and however subnets are ordered. */
export const pairingKeys = (object: Resource): string[] =>
  specOf('VPCPeering', object).permit.map((pair) => {
    const sides = pair.map(({ vpc, namespace = object.metadata.namespace, subnets }) => `${namespace}/${vpc}: ${subnets.toSorted().join(' ')}`);
    return sides.toSorted().join('|');
  });

/** Key: `consentKey`. PeeringConsents of a VPC's tenant for another namespace. */
export const consentsByPair = index('consentsByPair', 'PeeringConsent', (object, consent) => {
  const { vpc, peer } = specOf('PeeringConsent', object);
  return [{ key: consentKey(`${object.metadata.namespace}/${vpc}`, peer.namespace), value: consent }];
});

/** @param vpc `namespace/name` of the VPC, @param peer namespace that is let in */
export const consentKey = (vpc: string, peer: string): string => `${vpc}|${peer}`;

export const indexes = [
  externalsByPlace,
  externalPeeringsByPairing,
  peeringsByPairing,
  consentsByPair,
  claimsByOwner,
  holdersByValue,
  connectionsByPort,
  switchesByPin,
  gatewaysByPin,
  switchesByFabric,
  switchesByGroup,
  vpcsBySpace,
  serversByMac,
  subnetsAt,
  subnetsInside,
  attachmentsByConnection,
  attachmentsByPin,
];

