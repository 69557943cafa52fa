/** A prefix without some prefixes inside it, as prefixes again. */
import { bitsOf, familyOf } from './address.ts';
import { width } from './bits.ts';
import type { Prefix } from './brand.ts';
import { contains, overlaps, prefixLength, prefixOfBits } from './prefix.ts';

/** In order; a prefix a bit of each excluded one at most, since every half without one is taken whole. */
export function exclude(prefix: Prefix, excluded: readonly Prefix[]): Prefix[] {
  const inside = excluded.filter((each) => familyOf(each) === familyOf(prefix) && overlaps(prefix, each));
  if (inside.length === 0) return [prefix];
  if (inside.some((each) => contains(each, prefix))) return [];
  const length = prefixLength(prefix) + 1;
  const { family, value } = bitsOf(prefix);
  const half = 1n << BigInt(width(family) - length);
  return [value, value + half].flatMap((start) => exclude(prefixOfBits({ family, value: start }, length), inside));
}
