/** Rules on addresses that several kinds share: which prefixes and addresses a network can really be built with. */
import { familyOf, hostPrefix, ipv4Number, parseAddress } from '../../net/address.ts';
import type { Family } from '../../net/bits.ts';
import type { Address, Mac, Prefix } from '../../net/brand.ts';
import { isUnicast, parseMac } from '../../net/mac.ts';
import { contains, overlaps, parsePrefix } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';

/** Blocks that no host address can be in (RFC 6890; RFC 4291 §2.5 and §4), with the word people know them by. */
const special: readonly (readonly [Prefix, string])[] = [
  ['0.0.0.0/8' as Prefix, '"this network"'],
  ['127.0.0.0/8' as Prefix, 'loopback'],
  ['169.254.0.0/16' as Prefix, 'link-local'],
  ['224.0.0.0/4' as Prefix, 'multicast'],
  ['240.0.0.0/4' as Prefix, 'reserved for future use'],
  ['::/8' as Prefix, 'unspecified, loopback and IPv4-mapped'],
  ['fe80::/10' as Prefix, 'link-local'],
  ['ff00::/8' as Prefix, 'multicast'],
];

/** Whether none of the blocks has it, told from its octets: slices of mappings have thousands of addresses. */
const isOrdinary = (address: Address): boolean => {
  const value = ipv4Number(address);
  if (value === undefined) return false;
  const first = Math.floor(value / 0x1_00_00_00);
  return first > 0 && first < 224 && first !== 127 && Math.floor(value / 0x1_00_00) !== 0xa9fe;
};

/** Which families a field takes; most are about the underlay, which is IPv4. */
export type Families = Family | 'both';

/** The prefix in `text`, when hosts can have its addresses. Codes: those of parsePrefix, `AddressFamily`, `SpecialUse`. */
export function usablePrefix(path: string, text: string, found: Findings, families: Families = 4): Prefix | undefined {
  const prefix = found.parsed(path, parsePrefix(text));
  if (prefix === undefined || !isOfFamily(path, prefix, found, families)) return undefined;
  return isSpecial(path, prefix, found) ? undefined : prefix;
}

/** The address in `text`, when a host can have it. Codes: `InvalidAddress`, `AddressFamily`, `SpecialUse`. */
export function usableAddress(path: string, text: string, found: Findings, families: Families = 4): Address | undefined {
  const address = found.parsed(path, parseAddress(text));
  if (address === undefined || !isOfFamily(path, address, found, families)) return undefined;
  return isOrdinary(address) || !isSpecial(path, hostPrefix(address), found) ? address : undefined;
}

/** The MAC address in `text`, when one station can have it. Codes: `InvalidMAC`, `NotUnicast`. */
export function unicastMac(path: string, text: string, found: Findings): Mac | undefined {
  const mac = found.parsed(path, parseMac(text));
  if (mac === undefined || isUnicast(mac)) return mac;
  found.add(path, 'NotUnicast', `"${mac}" is a group address or all zeros; use a unicast MAC, whose first octet is even`);
  return undefined;
}

function isOfFamily(path: string, text: Address | Prefix, found: Findings, families: Families): boolean {
  if (families === 'both' || familyOf(text) === families) return true;
  found.add(path, 'AddressFamily', `"${text}" is IPv${familyOf(text)}; use IPv${families} here`);
  return false;
}

function isSpecial(path: string, prefix: Prefix, found: Findings): boolean {
  const hit = special.find(([block]) => overlaps(block, prefix));
  if (hit === undefined) return false;
  const [block, meaning] = hit;
  const where = contains(block, prefix) ? 'lies in' : 'overlaps';
  found.add(path, 'SpecialUse', `"${prefix}" ${where} ${block} (${meaning}), which hosts cannot use`);
  return true;
}

export interface NamedPrefix {
  readonly path: string;
  /** What the prefix is called in a message, such as `subnet "front"`. */
  readonly label: string;
  readonly prefix: Prefix;
}

/** One finding for each prefix that overlaps an earlier one of the list. Code: `Overlap`. */
export function disjoint(prefixes: readonly NamedPrefix[], found: Findings): void {
  for (const [index, later] of prefixes.entries()) {
    const earlier = prefixes.slice(0, index).find((other) => overlaps(other.prefix, later.prefix));
    if (earlier === undefined) continue;
    found.add(later.path, 'Overlap', `"${later.prefix}" overlaps ${earlier.label} "${earlier.prefix}"; choose prefixes that share no address`);
  }
}
