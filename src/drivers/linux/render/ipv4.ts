/** The two pieces of IPv4 arithmetic that dnsmasq's command line needs. */

const toNumber = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toText = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
const maskNumber = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
const split = (text: string): readonly [string, number] => [text.split('/')[0] ?? '', Number(text.split('/')[1] ?? 32)];

/** Netmask of `10.1.1.1/24`: `255.255.255.0`. */
export const maskOf = (interfaceAddress: string): string => toText(maskNumber(split(interfaceAddress)[1]));

/** Network address of `10.1.1.1/24`: `10.1.1.0`. */
export const networkOf = (interfaceAddress: string): string => {
  const [address, length] = split(interfaceAddress);
  return toText((toNumber(address) & maskNumber(length)) >>> 0);
};
