/** The addresses of an attached server: pinned, allocated, or made by the server itself (slaac), and what may stand against them. */
import type { Resource } from '../../api/object.ts';
import type { Address, Mac } from '../../net/brand.ts';
import { stationAddress } from '../../net/eui64.ts';
import { contains, isHost } from '../../net/prefix.ts';
import { ageOf } from '../age.ts';
import type { Demand } from '../demand.ts';
import { pending, warning } from '../finding.ts';
import { addressOf, ownerOf, specOf, tenantRef } from '../intent.ts';
import { attachmentsByPin } from '../relations.ts';
import type { View } from '../view.ts';
import { isInRange, leaseholder, waitsForLease, type Reservation } from './dhcp.ts';
import { sliceAt } from './mapping.ts';
import { holdersOf, type Examination } from './resolution.ts';
import type { Network, Overlay, ResolvedSubnet } from './vpc.ts';

/** Where the addresses are: `vpc` is `namespace/vpc`. */
interface Place {
  readonly vpc: string;
  readonly overlay: Overlay;
  readonly subnet: ResolvedSubnet;
}

export interface HostAddresses {
  readonly address?: Address;
  readonly ipv6Address?: Address;
}

/** @param mac of the server; without it only what is pinned is wanted. Undefined while something is missing that is wanted. */
export const hostAddresses = (object: Resource, place: Place, mac: Mac | undefined, seen: Examination, view: View): HostAddresses | undefined => {
  const spec = specOf('VPCAttachment', object);
  // Where requests are relayed, the server outside decides what nobody pinned.
  const wanted = spec.address !== undefined || (mac !== undefined && place.subnet.dhcp?.relay === undefined);
  const reservation = mac === undefined ? undefined : place.subnet.reservations?.[mac];
  const address = !wanted ? undefined : reservation === undefined ? claimAddress(object, place, mac, seen, view) : reservedAddress(object, reservation, seen);
  const ipv6 = ipv6Of(object, place, mac, seen);
  if ((wanted && address === undefined) || ipv6 === 'missing') return undefined;
  return ipv6 === undefined ? (address === undefined ? {} : { address }) : address === undefined ? { ipv6Address: ipv6 } : { address, ipv6Address: ipv6 };
};

/** The VPC holds it for the MAC address of the server: the attachment needs no claim of its own. */
const reservedAddress = (object: Resource, { address, ready }: Reservation, seen: Examination): Address | undefined => {
  const { address: pin, vpc } = specOf('VPCAttachment', object);
  if (pin !== undefined && pin !== address) {
    seen.error('AddressReserved', 'spec.address', `VPC "${vpc}" reserves "${address}" for the MAC address of the server, not "${pin}"; leave it out or change the reservation`);
  } else if (!ready) {
    seen.findings.push(pending('spec.address', `waits for "${address}", which VPC "${vpc}" reserves for the MAC address of the server; see the conditions of the VPC`));
  }
  return ready && !seen.failed ? address : undefined;
};

const claimAddress = (object: Resource, { vpc, overlay, subnet }: Place, mac: Mac | undefined, seen: Examination, view: View): Address | undefined => {
  const { address: pin } = specOf('VPCAttachment', object);
  const { hostPool: pool, scope: unlessMapped } = overlay;
  const at = 'spec.address';
  if (pin !== undefined) {
    checkPin(at, addressOf(pin), subnet, seen);
    checkMapped(object, vpc, pool, addressOf(pin), seen, view);
  }
  const demand = { pool, purpose: 'host', owner: seen.owner, candidates: subnet.hosts, mustFit: true as const, unlessMapped, path: at };
  const value = claim(demand, vpc, pin, seen);
  if (value === undefined) return undefined;
  const holder = isInRange(subnet.range, addressOf(value)) ? leaseholder(view, vpc, addressOf(value), mac) : undefined;
  if (holder !== undefined) {
    seen.findings.push(waitsForLease(at, addressOf(value), holder));
    return undefined;
  }
  const slice = sliceAt(view, vpc, addressOf(value));
  if (slice !== undefined) seen.findings.push(mappedToo(value, tenantRef('', slice.key).name));
  return addressOf(value);
};

const ipv6Of = (object: Resource, { vpc, overlay, subnet: { ipv6 } }: Place, mac: Mac | undefined, seen: Examination): Address | 'missing' | undefined => {
  const { ipv6Address: pin, subnet } = specOf('VPCAttachment', object);
  const at = 'spec.ipv6Address';
  if (ipv6 === undefined) {
    if (pin !== undefined) seen.error('NoIPv6', at, `"${pin}" has no place in subnet "${subnet}", which has no IPv6 prefix; leave it out or give the subnet ipv6.cidr`);
    return undefined;
  }
  if (ipv6.addressing === 'slaac') {
    const own = mac && stationAddress(ipv6.prefix, mac);
    if (pin === undefined || pin === own) return own;
    seen.error('AddressNotPinnable', at, `"${pin}" cannot be given: servers of subnet "${subnet}" make their own (slaac); leave it out or use addressing dhcp`);
    return 'missing';
  }
  if (pin === undefined && mac === undefined) return undefined;
  if (pin !== undefined) checkPin(at, addressOf(pin), ipv6, seen);
  const demand = { pool: overlay.hostPool, purpose: 'host6', owner: seen.owner, candidates: ipv6.hosts, mustFit: true as const, path: at };
  const value = claim(demand, vpc, pin, seen);
  return value === undefined ? 'missing' : addressOf(value);
};

const claim = (demand: Demand, vpc: string, pin: string | undefined, seen: Examination): string | undefined => {
  if (seen.failed) return undefined;
  const rivalry = { code: 'AddressInUse', relation: attachmentsByPin, key: `${vpc}|${pin}` };
  return pin === undefined ? seen.claim(demand) : seen.claim({ ...demand, pin }, rivalry);
};

/** An address that a slice spoke of first is not taken from the host there; who holds it already keeps it all the same. */
const checkMapped = (object: Resource, vpc: string, pool: string, address: Address, seen: Examination, view: View): void => {
  const slice = sliceAt(view, vpc, address);
  if (slice === undefined || slice.age > ageOf(object)) return;
  const { uid } = ownerOf(object);
  if (holdersOf(view, pool, address).some((holder) => holder.uid === uid)) return;
  const { name } = tenantRef('', slice.key);
  seen.error('AddressMapped', 'spec.address', `"${address}" is mapped by the older MappingSlice "${name}"; choose another or remove the mapping`);
};

const mappedToo = (address: string, slice: string) =>
  warning('AddressMapped', 'spec.address', `"${address}" is also mapped by MappingSlice "${slice}", which has no effect while this server has it; remove the mapping`);

const checkPin = (at: string, address: Address, { prefix, gateway }: Network, seen: Examination): void => {
  if (!contains(prefix, address)) {
    seen.error('AddressOutsideSubnet', at, `"${address}" is outside the subnet "${prefix}"; choose one inside or leave it out`);
  } else if (!isHost(prefix, address)) {
    seen.error('AddressNotAHost', at, `"${address}" is the network or broadcast address of "${prefix}"; choose another`);
  }
  if (address === gateway) seen.error('AddressIsGateway', at, `"${address}" is the gateway of the subnet; choose another`);
};
