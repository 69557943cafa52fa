/**
 * Equivalence classes of addresses: the parts into which some prefixes cut each other. All addresses of a part are in the very
 * same prefixes, so one of them speaks for all. Pure.
 */
import { bitsOf } from '../net/address.ts';
import { addressOfBits } from '../net/address.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { exclude } from '../net/exclude.ts';
import { contains, lastAddress, networkAddress, prefixSize } from '../net/prefix.ts';

/**
 * One address for each part that is not empty: of every prefix, what no longer one among them has.
 * @param known addresses that somebody has: a part that has one of these is spoken for by it, and comes first
 */
export const representatives = (prefixes: Iterable<Prefix>, known: readonly Address[] = []): readonly Address[] => {
  const all = [...new Set(prefixes)];
  const taken: Address[] = [];
  const free = all.flatMap((prefix) => {
    const inside = all.filter((other) => other !== prefix && contains(prefix, other));
    const own = known.find((address) => contains(prefix, address) && !isIn(inside, address));
    if (own !== undefined) taken.push(own);
    if (own !== undefined) return [];
    const [part] = inside.length === 0 ? [prefix] : exclude(prefix, inside);
    return part === undefined ? [] : [hostOf(part)];
  });
  return [...taken, ...free];
};

/** An address that a host might have, where the prefix has one. */
const hostOf = (prefix: Prefix): Address => {
  if (prefixSize(prefix) <= 2n) return networkAddress(prefix);
  const { family, value } = bitsOf(prefix);
  // The gateway is the first host nearly everywhere.
  const offset = prefixSize(prefix) > 4n ? 2n : 1n;
  return addressOfBits({ family, value: value + offset });
};

export const isIn = (prefixes: readonly Prefix[], address: Address): boolean => prefixes.some((prefix) => contains(prefix, address));

/** Equal texts for sets of prefixes that list the same. */
export const setText = (values: Iterable<string>): string => [...new Set(values)].sort().join(' ');

export const edgesOf = (prefix: Prefix): readonly [Address, Address] => [networkAddress(prefix), lastAddress(prefix)];
