/** Which subnets of an address space share addresses, and which of them was there first. */
import type { Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { ageOf } from '../age.ts';
import { nameTold, prefixOf, specOf, tenantKey } from '../intent.ts';
import { prefixesAround, subnetsAt, subnetsInside } from '../relations.ts';
import { query, type View } from '../view.ts';
import { eldestOf } from './resolution.ts';

/**
 * Key: `<address space>|<prefix>`. Subnets (`namespace/vpc/subnet`) with an address in common with the prefix. By itself,
 * because it looks at every prefix around, which a VPC need not do again whenever something else of it changes.
 */
const overlapping = query('overlapping', (view, key): readonly string[] => {
  const bar = key.lastIndexOf('|');
  const [space, prefix] = [key.slice(0, bar), prefixOf(key.slice(bar + 1))];
  const around = [prefix, ...prefixesAround(prefix)].flatMap((at) => view.list(subnetsAt, `${space}|${at}`));
  return [...around, ...view.list(subnetsInside, key)];
});

export const overlapLayers = [overlapping];

/** A subnet that was there first. */
interface Overlap {
  readonly vpc: string;
  readonly subnet: string;
}

/** The first subnet of the eldest among the older VPCs that share an address with `prefix`, in words for the owner of `object`. */
export const elderOverlap = (object: Resource, space: string, prefix: Prefix, view: View): string | undefined => {
  const own = tenantKey(object);
  const others = view
    .query(overlapping, `${space}|${prefix}`)
    .map((key): Overlap => ({ vpc: key.slice(0, key.lastIndexOf('/')), subnet: key.slice(key.lastIndexOf('/') + 1) }))
    .filter(({ vpc }) => vpc !== own);
  if (others.length === 0) return undefined;
  const eldest = eldestOf(view, 'VPC', others.map(({ vpc }) => vpc));
  const overlap = eldest === undefined || eldest.age > ageOf(object) ? undefined : others.find(({ vpc }) => vpc === eldest.key);
  return overlap && textOf(object, overlap, view);
};

const textOf = (object: Resource, { vpc, subnet }: Overlap, view: View): string => {
  const told = nameTold(object, vpc);
  const elder = view.at('VPC', vpc);
  if (told === undefined || elder === undefined) return 'a subnet of an older VPC of another tenant';
  return `"${specOf('VPC', elder).subnets[subnet]?.cidr}" of subnet "${subnet}" of the older VPC "${told}"`;
};
