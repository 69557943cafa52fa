/** The IPv6 address that a station makes of an advertised prefix and its MAC address (RFC 4862 §5.5.3, RFC 4291 App. A). */
import { addressOfBits, bitsOf } from './address.ts';
import type { Address, Mac, Prefix } from './brand.ts';

/** The universal/local bit of an interface identifier is the MAC's, inverted. */
const universalBit = 0x02_00n << 48n;

/** @param prefix an IPv6 /64 */
export const stationAddress = (prefix: Prefix, mac: Mac): Address => {
  const digits = mac.replaceAll(':', '');
  const identifier = BigInt(`0x${digits.slice(0, 6)}fffe${digits.slice(6)}`) ^ universalBit;
  return addressOfBits({ family: 6, value: bitsOf(prefix).value | identifier });
};

/** Length of prefix that leaves room for the identifier. */
export const stationPrefixLength = 64;
