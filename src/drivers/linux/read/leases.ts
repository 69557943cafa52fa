/**
 * dnsmasq's file of leases. IPv4: `<expiry> <mac> <address> <name> <client id>`; then, after a line with the server's DUID, IPv6:
 * `<expiry> <iaid> <address> <name> <client DUID>`, without a MAC address. A name that was not told is `*`. Pure.
 */
import type { Address, Mac } from '../../../net/brand.ts';
import { parseAddress } from '../../../net/address.ts';
import { parseMac } from '../../../net/mac.ts';

export interface FileLease {
  readonly address: Address;
  /** Left out: of an IPv6 lease. */
  readonly mac?: Mac;
  readonly hostname: string;
}

/** Lines that are none are passed over. */
export const parseLeases = (text: string): readonly FileLease[] =>
  text.split('\n').flatMap((line): FileLease[] => {
    const [, owner = '', given = '', name = '', id] = line.split(' ');
    const address = parseAddress(given);
    if (id === undefined || !address.ok) return [];
    const hostname = name === '*' ? '' : name;
    const mac = parseMac(owner);
    if (given.includes(':')) return [{ address: address.value, hostname }];
    return mac.ok ? [{ address: address.value, mac: mac.value, hostname }] : [];
  });

/** Addresses in lines such as `… dnsmasq-dhcp[7]: DHCPDECLINE(br1001) 10.1.0.9 02:00:00:00:00:01`. */
export const parseDeclined = (log: string): readonly Address[] =>
  [...log.matchAll(/ DHCPDECLINE\(\S+\) (\S+) /g)].flatMap(([, text = '']) => {
    const address = parseAddress(text);
    return address.ok ? [address.value] : [];
  });
