/**
 * The indexes over intent: how to get from a thing to the objects that speak of it without looking at all of them. Objects
 * are told by their keys (`objectKey`), and whoever needs more of one than that reads it.
 */
import type { ClaimStatus } from '../api/kinds/claim.ts';
import type { Resource } from '../api/object.ts';
import { bitsOf } from '../net/address.ts';
import type { Prefix } from '../net/brand.ts';
import { prefixLength, prefixOfBits } from '../net/prefix.ts';
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

/** Key: `<device>/<port>`. Names of connections. */
export const connectionsByPort = index('connectionsByPort', 'Connection', (object, name) =>
  specOf('Connection', object).links.flatMap(({ ends }) => ends.map((end) => ({ key: end, value: name }))),
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

/** Key: MAC address. Names of servers. */
export const serversByMac = index('serversByMac', 'Server', (object, name) =>
  Object.values(specOf('Server', object).ports).flatMap(({ mac }) => (mac === undefined ? [] : [{ key: mac, value: name }])),
);

/** `namespace/vpc/subnet`, with where it is. */
const subnetsOf = (object: Resource, key: string): { readonly space: string; readonly prefix: Prefix; readonly value: string }[] => {
  const { addressSpace, subnets } = specOf('VPC', object);
  return Object.entries(subnets).map(([name, { cidr }]) => ({ space: addressSpace, prefix: prefixOf(cidr), value: `${key}/${name}` }));
};

/** Key: `<address space>|<prefix>`. Subnets (`namespace/vpc/subnet`) that are exactly this prefix. */
export const subnetsAt = index('subnetsAt', 'VPC', (object, vpc) =>
  subnetsOf(object, vpc).map(({ space, prefix, value }) => ({ key: `${space}|${prefix}`, value })),
);

/**
 * Key: `<address space>|<prefix>`. Subnets inside this prefix but smaller than it. Of two prefixes that overlap one contains
 * the other, so a subnet's overlaps are those inside it and those at one of the prefixes around it: at most 32 keys (IPv4)
 * instead of every subnet of the space.
 */
export const subnetsInside = index('subnetsInside', 'VPC', (object, vpc) =>
  subnetsOf(object, vpc).flatMap(({ space, prefix, value }) =>
    prefixesAround(prefix).map((around): Entry<string> => ({ key: `${space}|${around}`, value })),
  ),
);

/** Every shorter prefix that contains this one. */
export const prefixesAround = (prefix: Prefix): Prefix[] => {
  const bits = bitsOf(prefix);
  return Array.from({ length: prefixLength(prefix) }, (_, length) => prefixOfBits(bits, length));
};

/** Key: fabric. */
export const switchesByFabric = index('switchesByFabric', 'Switch', (object, name) => [{ key: specOf('Switch', object).fabric, value: name }]);

/** Key: address space. */
export const vpcsBySpace = index('vpcsBySpace', 'VPC', (object, vpc) => [{ key: specOf('VPC', object).addressSpace, value: vpc }]);

/** Key: connection. */
export const attachmentsByConnection = index('attachmentsByConnection', 'VPCAttachment', (object, attachment) => [
  { key: specOf('VPCAttachment', object).connection, value: attachment },
]);

/** Key: `<namespace>/<vpc>|<address>`: attachments that pin the address. */
export const attachmentsByPin = index('attachmentsByPin', 'VPCAttachment', (object, attachment) => {
  const { vpc, address } = specOf('VPCAttachment', object);
  return address === undefined ? [] : [{ key: `${object.metadata.namespace ?? ''}/${vpc}|${address}`, value: attachment }];
});

export const indexes = [
  claimsByOwner,
  holdersByValue,
  connectionsByPort,
  switchesByPin,
  switchesByFabric,
  vpcsBySpace,
  serversByMac,
  subnetsAt,
  subnetsInside,
  attachmentsByConnection,
  attachmentsByPin,
];

