/** Addresses: parse, order, arithmetic. An `Address` is always canonical text, so equal addresses are equal strings. */
import type { Address, InterfaceAddress, Parsed, Prefix } from './brand.ts';
import { parsed, unparsed } from './brand.ts';
import type { Bits, Family } from './bits.ts';
import { bitsOfText, textOfBits, width } from './bits.ts';

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
/** IPv4 has one spelling only; by far the most addresses there are. */
const dottedDecimal = new RegExp(`^(?:${octet}\\.){3}${octet}$`);

/** Reads an IPv4 or IPv6 address in any legal spelling and answers the canonical one. Codes: `InvalidAddress`. */
export function parseAddress(text: string): Parsed<Address> {
  if (dottedDecimal.test(text)) return parsed(text as Address);
  const bits = bitsOfText(text);
  if (bits !== undefined) return parsed(addressOfBits(bits));
  if (text.includes('/')) {
    return unparsed(`"${text}" is a prefix, an address without "/" is wanted here`, 'InvalidAddress');
  }
  return unparsed(`"${text}" is not an IP address; write it like 10.1.0.1 or 2001:db8::1`, 'InvalidAddress');
}

/** The number behind an address or the first address of a prefix. The text is trusted: it is branded. */
export function bitsOf(address: Address | Prefix | InterfaceAddress): Bits {
  const slash = address.indexOf('/');
  const bits = bitsOfText(slash === -1 ? address : address.slice(0, slash));
  if (bits === undefined) throw new TypeError(`branded address is not an address: "${address}"`);
  return bits;
}

/** The number behind an IPv4 address, without a detour through big integers; undefined of an IPv6 address. Trusted as branded. */
export function ipv4Number(address: Address): number | undefined {
  let [value, part] = [0, 0];
  for (let index = 0; index < address.length; index++) {
    const code = address.charCodeAt(index);
    if (code === colon) return undefined;
    if (code !== dot) part = part * 10 + code - zero;
    else [value, part] = [value * 256 + part, 0];
  }
  return value * 256 + part;
}

/** Code units of "." "0" ":". */
const [dot, zero, colon] = [46, 48, 58];

/** @param bits value within the family's width */
export const addressOfBits = (bits: Bits): Address => textOfBits(bits) as Address;

export const familyOf = (address: Address | Prefix | InterfaceAddress): Family => (address.includes(':') ? 6 : 4);

/** Total order: IPv4 before IPv6, then by number. Negative, zero or positive, as `sort` wants it. */
export function compareAddresses(left: Address, right: Address): number {
  const [a, b] = [bitsOf(left), bitsOf(right)];
  if (a.family !== b.family) return a.family - b.family;
  if (a.value === b.value) return 0;
  return a.value < b.value ? -1 : 1;
}

/** The address `offset` after this one (before it, when negative); undefined beyond either end of the family. */
export function plus(address: Address, offset: number | bigint): Address | undefined {
  const { family, value } = bitsOf(address);
  const sum = value + BigInt(offset);
  return sum < 0n || sum >> BigInt(width(family)) > 0n ? undefined : addressOfBits({ family, value: sum });
}

/** `address/32` or `address/128`: the prefix that holds exactly this address, such as a loopback route. */
export const hostPrefix = (address: Address): Prefix => `${address}/${width(familyOf(address))}` as Prefix;
