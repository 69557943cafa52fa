/**
 * Lists of FRR as contexts. An entry's number follows from what it says, so that a list changes by entries that come and go
 * and never is a mixture of two: FRR refuses an entry that the list has under another number.
 */
import { byText } from '../../../kit/order.ts';
import { familyOf } from '../../../net/address.ts';
import type { Prefix } from '../../../net/brand.ts';
import { prefixLength } from '../../../net/prefix.ts';
import type { PrefixMatch } from '../../../goal/rows.ts';

/** `ip` or `ipv6`. */
export const wordOf = (prefix: string): 'ip' | 'ipv6' => (prefix.includes(':') ? 'ipv6' : 'ip');

const longest = (prefix: Prefix): number => (familyOf(prefix) === 4 ? 32 : 128);

/** The prefix and all inside it. */
export const within = (prefix: Prefix): PrefixMatch => ({ prefix, minLength: prefixLength(prefix), maxLength: longest(prefix) });

/** The prefix and nothing else. */
export const exactly = (prefix: Prefix): PrefixMatch => ({ prefix, minLength: prefixLength(prefix), maxLength: prefixLength(prefix) });

/** As FRR prints it: no limit that the prefix itself sets. */
const matchWords = ({ prefix, minLength, maxLength }: PrefixMatch): string => {
  const length = prefixLength(prefix);
  const least = Math.max(minLength, length);
  return `permit ${prefix}${least > length ? ` ge ${least}` : ''}${maxLength > least || (least > length && maxLength < longest(prefix)) ? ` le ${maxLength}` : ''}`;
};

/** Lines of a prefix list that permits these, all of one family. */
export const prefixListLines = (matches: readonly PrefixMatch[]): readonly string[] => numbered(matches.map(matchWords));

export const communityListLines = (communities: readonly string[]): readonly string[] => numbered(communities.map((community) => `permit ${community}`));

/** Lines of a prefix list that permits these but for some single prefixes; one that permits nothing is a list all the same. */
export const exceptingListLines = (refused: readonly Prefix[], matches: readonly PrefixMatch[]): readonly string[] => [
  ...numbered(refused.map((prefix) => `deny ${prefix}`), 1, middle),
  ...numbered(matches.length === 0 ? ['deny any'] : matches.map(matchWords), middle + 1),
];

const numbered = (entries: readonly string[], least = 1, most = largest): readonly string[] => {
  const taken = new Set<number>();
  return [...new Set(entries)].toSorted(byText).map((entry) => {
    let number = least + (hash(entry) % (most - least + 1));
    while (taken.has(number)) number = number === most ? least : number + 1;
    taken.add(number);
    return `seq ${number} ${entry}`;
  });
};

const largest = 4_294_967_295;
const middle = 1_000_000;

/** FNV-1a of 32 bits, never 0. */
const hash = (text: string): number => {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value === 0 ? 1 : value;
};
