/** Which subnets of an address space share addresses, and which of them was there first. */
import type { Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { ageOf } from '../age.ts';
import { overlaps } from '../../net/prefix.ts';
import { nameTold, prefixOf, tenantKey } from '../intent.ts';
import { keptPrefixes, subnetsAt, subnetsInside, type PlacedSubnet } from '../relations.ts';
import { query, type View } from '../view.ts';
import { eldestOf } from './resolution.ts';

/**
 * Key: `<address space>|<prefix>`. Subnets with an address in common with the prefix. By itself, because it looks at the
 * prefixes around, which a VPC need not do again whenever something else of it changes.
 */
const overlapping = query('overlapping', (view, key): readonly PlacedSubnet[] => {
  const bar = key.lastIndexOf('|');
  const [space, prefix] = [key.slice(0, bar), prefixOf(key.slice(bar + 1))];
  const kept = keptPrefixes(prefix).map((at) => `${space}|${at}`);
  const near = [...kept.flatMap((at) => view.list(subnetsAt, at)), ...view.list(subnetsInside, kept.at(-1) ?? '')];
  return near.filter((other) => overlaps(other.prefix, prefix));
});

export const overlapLayers = [overlapping];

/** The first subnet of the eldest among the older VPCs that share an address with `prefix`, in words for the owner of `object`. */
export const elderOverlap = (object: Resource, space: string, prefix: Prefix, view: View): string | undefined => {
  const own = tenantKey(object);
  const others = view.query(overlapping, `${space}|${prefix}`).filter(({ vpc }) => vpc !== own);
  if (others.length === 0) return undefined;
  const eldest = eldestOf(view, 'VPC', others.map(({ vpc }) => vpc));
  const overlap = eldest === undefined || eldest.age > ageOf(object) ? undefined : others.find(({ vpc }) => vpc === eldest.key);
  return overlap && textOf(object, overlap);
};

const textOf = (object: Resource, { vpc, subnet, prefix }: PlacedSubnet): string => {
  const told = nameTold(object, vpc);
  return told === undefined ? 'a subnet of an older VPC of another tenant' : `"${prefix}" of subnet "${subnet}" of the older VPC "${told}"`;
};
