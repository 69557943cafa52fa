/** Prefixes: parse and the questions one asks of them. A `Prefix` has no host bits and is canonical text. */
import { addressOfBits, bitsOf, familyOf } from './address.ts';
import type { Bits } from './bits.ts';
import { bitsOfText, textOfBits, width } from './bits.ts';
import type { Address, InterfaceAddress, Parsed, Prefix } from './brand.ts';
import { parsed, unparsed } from './brand.ts';

/** `Bits` of the address part and the length, as written: host bits may be set. */
export interface AddressAndLength {
  readonly bits: Bits;
  readonly length: number;
}

/** Reads `address/length` of either family without judging host bits. Codes: `InvalidCIDR`, `PrefixLength`. */
export function splitCidr(text: string): Parsed<AddressAndLength> {
  const [address = '', length, ...rest] = text.split('/');
  const bits = bitsOfText(address);
  if (bits === undefined || rest.length > 0) {
    return unparsed(`"${text}" is not a prefix; write it like 10.1.0.0/24 or 2001:db8::/64`, 'InvalidCIDR');
  }
  const longest = width(bits.family);
  if (length === undefined || length === '') {
    const example = bits.family === 4 ? 24 : 64;
    return unparsed(`"${text}" has no prefix length; add one, such as "${address}/${example}"`, 'InvalidCIDR');
  }
  if (!/^(?:0|[1-9]\d*)$/.test(length) || Number(length) > longest) {
    return unparsed(`"${text}" has prefix length "${length}"; IPv${bits.family} lengths are 0 to ${longest}`, 'PrefixLength');
  }
  return parsed({ bits, length: Number(length) });
}

/**
 * Reads a prefix and answers its canonical text. Codes: `InvalidCIDR`, `PrefixLength`, and `HostBitsSet`, whose message
 * names the prefix that was probably meant.
 */
export function parsePrefix(text: string): Parsed<Prefix> {
  const split = splitCidr(text);
  if (!split.ok) return split;
  const { bits, length } = split.value;
  const network = prefixOfBits(bits, length);
  if (bitsOf(network).value === bits.value) return parsed(network);
  return unparsed(`"${text}" has host bits set; the prefix is "${network}"`, 'HostBitsSet');
}

/** The prefix of `length` that holds the address; host bits are cleared. */
export function prefixOfBits(bits: Bits, length: number): Prefix {
  const host = BigInt(width(bits.family) - length);
  return `${textOfBits({ family: bits.family, value: (bits.value >> host) << host })}/${length}` as Prefix;
}

/** Length of a prefix or of an interface address, 0 to 32 or 128. */
export const prefixLength = (prefix: Prefix | InterfaceAddress): number => Number(prefix.slice(prefix.indexOf('/') + 1));

/** Number of addresses, 1 to 2^128. */
export const prefixSize = (prefix: Prefix): bigint => 1n << BigInt(width(familyOf(prefix)) - prefixLength(prefix));

/** Whether the address, or every address of the prefix, lies inside. Families never contain each other. */
export function contains(outer: Prefix, inner: Address | Prefix): boolean {
  const [a, b] = [bitsOf(outer), bitsOf(inner)];
  const length = prefixLength(outer);
  if (a.family !== b.family) return false;
  if (inner.includes('/') && Number(inner.slice(inner.indexOf('/') + 1)) < length) return false;
  const host = BigInt(width(a.family) - length);
  return a.value >> host === b.value >> host;
}

/** Whether the two share an address: of two prefixes that do, one always contains the other. */
export const overlaps = (left: Prefix, right: Prefix): boolean => contains(left, right) || contains(right, left);

/** The n-th address of the prefix, counted from 0 (the network address); undefined past its end. */
export function hostAt(prefix: Prefix, n: number | bigint): Address | undefined {
  if (n < 0 || BigInt(n) >= prefixSize(prefix)) return undefined;
  const { family, value } = bitsOf(prefix);
  return addressOfBits({ family, value: value + BigInt(n) });
}

/** Position of an address within the prefix; undefined when it lies outside. The inverse of `hostAt`. */
export const offsetOf = (prefix: Prefix, address: Address): bigint | undefined =>
  contains(prefix, address) ? bitsOf(address).value - bitsOf(prefix).value : undefined;

export const networkAddress = (prefix: Prefix): Address => addressOfBits(bitsOf(prefix));

export function lastAddress(prefix: Prefix): Address {
  const { family, value } = bitsOf(prefix);
  return addressOfBits({ family, value: value + prefixSize(prefix) - 1n });
}

/**
 * The IPv4 broadcast address; undefined for IPv6, which has none, and for /31 and /32, where every address is a host
 * (RFC 3021).
 */
export const broadcastAddress = (prefix: Prefix): Address | undefined =>
  familyOf(prefix) === 4 && prefixLength(prefix) <= 30 ? lastAddress(prefix) : undefined;

/** Whether an address is one a host may have: inside, and neither network (or anycast, RFC 4291 §2.6.1) nor broadcast. */
export function isHost(prefix: Prefix, address: Address): boolean {
  if (!contains(prefix, address)) return false;
  if (prefixSize(prefix) <= 2n) return true;
  return address !== networkAddress(prefix) && address !== broadcastAddress(prefix);
}

/** First address that a host may have: the one after the network address, or the network address of a /31, /32, /127, /128. */
export function firstHost(prefix: Prefix): Address {
  const { family, value } = bitsOf(prefix);
  return addressOfBits({ family, value: prefixSize(prefix) <= 2n ? value : value + 1n });
}

/** Last address that a host may have. */
export function lastHost(prefix: Prefix): Address {
  const { family, value } = bitsOf(prefix);
  const end = value + prefixSize(prefix) - 1n;
  return addressOfBits({ family, value: broadcastAddress(prefix) === undefined ? end : end - 1n });
}

/** Total order: IPv4 before IPv6, then by address, then the shorter (larger) prefix first. */
export function comparePrefixes(left: Prefix, right: Prefix): number {
  const [a, b] = [bitsOf(left), bitsOf(right)];
  if (a.family !== b.family) return a.family - b.family;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return prefixLength(left) - prefixLength(right);
}
