/** The indexes over intent: how to get from a thing to the objects that speak of it without looking at all of them. */
import type { ClaimStatus } from '../api/kinds/claim.ts';
import type { Resource } from '../api/object.ts';
import { bitsOf } from '../net/address.ts';
import type { Prefix } from '../net/brand.ts';
import { prefixLength, prefixOfBits } from '../net/prefix.ts';
import { ageOf } from './age.ts';
import type { HeldClaim } from './demand.ts';
import { prefixOf, specOf, tenantKey } from './intent.ts';
import { index, type Entry } from './view.ts';

/** An object that lays claim to something which only one may have: the eldest has it. */
export interface Contender {
  /** Name, or `namespace/name`. */
  readonly name: string;
  readonly age: string;
}

/** Key: uid of the owner. */
export const claimsByOwner = index<HeldClaim>('claimsByOwner', 'Claim', (object) => {
  const { pool, purpose, value, owner } = specOf('Claim', object);
  return [{ key: owner.uid, value: { pool, purpose, value, quarantined: isQuarantined(object), age: ageOf(object) } }];
});

export interface Holder {
  readonly uid: string;
  /** `Kind "name"`, for people. */
  readonly holder: string;
  readonly quarantined: boolean;
}

/** Key: `<pool>|<value>`. */
export const holdersByValue = index<Holder>('holdersByValue', 'Claim', (object) => {
  const { pool, value, owner } = specOf('Claim', object);
  const holder = `${owner.kind} "${owner.name}"`;
  return [{ key: `${pool}|${value}`, value: { uid: owner.uid, holder, quarantined: isQuarantined(object) } }];
});

export const isQuarantined = (claim: Resource): boolean => (claim.status as ClaimStatus | undefined)?.phase === 'Quarantined';

/** Key: `<device>/<port>`. */
export const connectionsByPort = index<Contender>('connectionsByPort', 'Connection', (object) =>
  specOf('Connection', object).links.flatMap(({ ends }) =>
    ends.map((end) => ({ key: end, value: { name: object.metadata.name, age: ageOf(object) } })),
  ),
);

/** Key: `asn|<number>` or `loopback|<address>`: what switches pin. All spines share one ASN, so theirs do not count. */
export const switchesByPin = index<Contender>('switchesByPin', 'Switch', (object) => {
  const { role, asn, routerID, vtep } = specOf('Switch', object);
  const value = { name: object.metadata.name, age: ageOf(object) };
  const keys = [
    ...(asn === undefined || role === 'spine' ? [] : [`asn|${asn}`]),
    ...[routerID, vtep].flatMap((address) => (address === undefined ? [] : [`loopback|${address}`])),
  ];
  return keys.map((key) => ({ key, value }));
});

/** Key: MAC address. */
export const serversByMac = index<string>('serversByMac', 'Server', (object) =>
  Object.values(specOf('Server', object).ports).flatMap(({ mac }) =>
    mac === undefined ? [] : [{ key: mac, value: object.metadata.name }],
  ),
);

export interface SubnetContender extends Contender {
  readonly subnet: string;
  readonly prefix: Prefix;
}

const subnetsOf = (object: Resource): { readonly space: string; readonly value: SubnetContender }[] => {
  const { addressSpace, subnets } = specOf('VPC', object);
  return Object.entries(subnets).map(([subnet, { cidr }]) => ({
    space: addressSpace,
    value: { name: tenantKey(object), age: ageOf(object), subnet, prefix: prefixOf(cidr) },
  }));
};

/** Key: `<address space>|<prefix>`: the subnets that are exactly this prefix. */
export const subnetsAt = index<SubnetContender>('subnetsAt', 'VPC', (object) =>
  subnetsOf(object).map(({ space, value }) => ({ key: `${space}|${value.prefix}`, value })),
);

/**
 * Key: `<address space>|<prefix>`: the subnets inside this prefix but smaller than it. Of two prefixes that overlap one
 * contains the other, so a subnet's overlaps are those inside it and those at one of the prefixes around it: at most 32
 * keys (IPv4) instead of every subnet of the space.
 */
export const subnetsInside = index<SubnetContender>('subnetsInside', 'VPC', (object) =>
  subnetsOf(object).flatMap(({ space, value }) =>
    prefixesAround(value.prefix).map((around): Entry<SubnetContender> => ({ key: `${space}|${around}`, value })),
  ),
);

/** Every shorter prefix that contains this one. */
export const prefixesAround = (prefix: Prefix): Prefix[] => {
  const bits = bitsOf(prefix);
  return Array.from({ length: prefixLength(prefix) }, (_, length) => prefixOfBits(bits, length));
};

/** Key: fabric. */
export const switchesByFabric = index<string>('switchesByFabric', 'Switch', (object) => [
  { key: specOf('Switch', object).fabric, value: object.metadata.name },
]);

/** Key: address space. */
export const vpcsBySpace = index<string>('vpcsBySpace', 'VPC', (object) => [
  { key: specOf('VPC', object).addressSpace, value: tenantKey(object) },
]);

/** Key: connection. */
export const attachmentsByConnection = index<Contender>('attachmentsByConnection', 'VPCAttachment', (object) => [
  { key: specOf('VPCAttachment', object).connection, value: { name: tenantKey(object), age: ageOf(object) } },
]);

/** Key: `<namespace>/<vpc>|<address>`: attachments that pin the address. */
export const attachmentsByPin = index<Contender>('attachmentsByPin', 'VPCAttachment', (object) => {
  const { vpc, address } = specOf('VPCAttachment', object);
  if (address === undefined) return [];
  const key = `${object.metadata.namespace ?? ''}/${vpc}|${address}`;
  return [{ key, value: { name: tenantKey(object), age: ageOf(object) } }];
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

