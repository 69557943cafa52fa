/**
 * Who has which address of a VPC, for servers that Heddle manages and hosts that a MappingSlice speaks of: each side must be
 * able to ask the other without looking at all of it. Addresses meet in buckets of 1,024, so a VPC with ten thousand
 * mappings costs ten entries and not ten thousand.
 */
import type { Resource } from '../../api/object.ts';
import { ipv4Number } from '../../net/address.ts';
import type { Address } from '../../net/brand.ts';
import { addressOf, specOf, tenantRef } from '../intent.ts';
import { isQuarantined } from '../relations.ts';
import { index, query, type View } from '../view.ts';
import { eldestOf } from './resolution.ts';

const bucketSize = 1024;

/** Key of the bucket of an address, under whatever tells one space of addresses from another. */
export const bucketKey = (space: string, value: number): string => `${space}|${Math.floor(value / bucketSize)}`;

/** Pool that the addresses of a VPC's servers are taken from. */
export const hostPool = (vpcUid: string): string => `host.${vpcUid}`;

/** Numbers of the addresses; NaN for one that is no IPv4 address. */
export const valuesOf = (mappings: readonly { readonly address: string }[]): number[] =>
  mappings.map(({ address }) => ipv4Number(address as Address) ?? Number.NaN);

/** Keys of the buckets that these addresses are in, each once. */
export const bucketsOf = (space: string, values: readonly number[]): string[] => {
  const buckets = new Set<number>();
  for (const value of values) if (!Number.isNaN(value)) buckets.add(Math.floor(value / bucketSize));
  return [...buckets].map((bucket) => bucketKey(space, bucket * bucketSize));
};

/** An address of each bucket between two addresses, and the first of them. */
export const bucketsWithin = (first: number, last: number): number[] => {
  const starts: number[] = [];
  for (let start = first; start <= last; start = (Math.floor(start / bucketSize) + 1) * bucketSize) starts.push(start);
  return starts;
};

const vpcOf = (slice: Resource): string => `${slice.metadata.namespace ?? ''}/${specOf('MappingSlice', slice).vpc}`;

/** Key: bucket of `namespace/vpc`. Keys of slices. */
export const slicesByBucket = index('slicesByBucket', 'MappingSlice', (object, slice) =>
  bucketsOf(vpcOf(object), valuesOf(specOf('MappingSlice', object).mappings)).map((key) => ({ key, value: slice })),
);

/** Key: `<vtep> <vni>`, for mappings that say which VNI. Keys of slices. */
export const slicesByForeignVni = index('slicesByForeignVni', 'MappingSlice', (object, slice) => {
  const keys = new Set<string>();
  for (const { vtep, vni } of specOf('MappingSlice', object).mappings) if (vni !== undefined) keys.add(foreignVni(vtep, vni));
  return [...keys].map((key) => ({ key, value: slice }));
});

export const foreignVni = (vtep: string, vni: number): string => `${vtep} ${vni}`;

/** Key: bucket of a pool of host addresses. Addresses that are held. */
export const hostAddresses = index('hostAddresses', 'Claim', (object) => {
  const { pool, value: address } = specOf('Claim', object);
  const value = pool.startsWith(hostPool('')) && !isQuarantined(object) ? ipv4Number(addressOf(address)) : undefined;
  return value === undefined ? [] : [{ key: bucketKey(pool, value), value: address }];
});

/** Key: bucket of a pool of host addresses. Numbers of the addresses that are held. */
export const heldInBucket = query('heldInBucket', (view, key): readonly number[] =>
  view.list(hostAddresses, key).map((address) => ipv4Number(address as Address) ?? Number.NaN),
);

/** Key: bucket of `namespace/vpc`. Numbers of the addresses that slices map there. */
export const mappedInBucket = query('mappedInBucket', (view, key): readonly number[] => {
  const bucket = Number(key.slice(key.lastIndexOf('|') + 1));
  return view.list(slicesByBucket, key).flatMap((slice) => {
    const object = view.at('MappingSlice', slice);
    const values = object === undefined ? [] : valuesOf(specOf('MappingSlice', object).mappings);
    return values.filter((value) => Math.floor(value / bucketSize) === bucket);
  });
});

/** Key: `namespace/name` of a slice. All its addresses as one text, which is compared and searched in no time. */
const addressText = query('addressesOfSlice', (view, key): string => {
  const { kind, namespace, name } = tenantRef('MappingSlice', key);
  const object = view.get(kind, namespace, name);
  return object === undefined ? '' : ` ${specOf('MappingSlice', object).mappings.map(({ address }) => address).join(' ')} `;
});

export const mappingLayers = [hostAddresses, slicesByBucket, slicesByForeignVni, addressText];

/** The eldest slice that maps an address of the VPC (`namespace/name`). */
export const sliceAt = (view: View, vpc: string, address: Address): { readonly key: string; readonly age: string } | undefined => {
  const near = view.list(slicesByBucket, bucketKey(vpc, ipv4Number(address) ?? Number.NaN));
  return near.length === 0 ? undefined : eldestOf(view, 'MappingSlice', near.filter((key) => view.query(addressText, key).includes(` ${address} `)));
};
