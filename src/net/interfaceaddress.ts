/** An address on an interface: the address together with the length of its network, such as `10.1.0.1/24`. */
import { textOfBits } from './bits.ts';
import type { Address, InterfaceAddress, Parsed, Prefix } from './brand.ts';
import { parsed } from './brand.ts';
import { bitsOf } from './address.ts';
import { prefixLength, prefixOfBits, splitCidr } from './prefix.ts';

/** Reads `address/length`; host bits are welcome. Codes: `InvalidCIDR`, `PrefixLength`. */
export function parseInterfaceAddress(text: string): Parsed<InterfaceAddress> {
  const split = splitCidr(text);
  if (!split.ok) return split;
  return parsed(`${textOfBits(split.value.bits)}/${split.value.length}` as InterfaceAddress);
}

/** The interface address of `address` in the network `prefix`. The caller knows that it lies inside. */
export const interfaceAddress = (address: Address, prefix: Prefix): InterfaceAddress =>
  `${address}/${prefixLength(prefix)}` as InterfaceAddress;

export const addressPart = (at: InterfaceAddress): Address => at.slice(0, at.indexOf('/')) as Address;

/** The network the interface is in. */
export const networkOf = (at: InterfaceAddress): Prefix => prefixOfBits(bitsOf(at), prefixLength(at));
