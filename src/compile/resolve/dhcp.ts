/**
 * What a subnet says about DHCP: settings that all leaves tell alike, and addresses that are reserved for MAC addresses. A
 * reserved address is claimed, so that nobody else is given it; a fault of one reservation leaves the others alone.
 */
import type { Resource } from '../../api/object.ts';
import type { DhcpSettings } from '../../goal/rows.ts';
import { ipv4Number } from '../../net/address.ts';
import type { Address, Mac } from '../../net/brand.ts';
import type { Candidates } from '../demand.ts';
import { pending } from '../finding.ts';
import { addressOf, macOf, path, prefixOf, specOf, tenantKey, type Specs } from '../intent.ts';
import { index, type View } from '../view.ts';
import { holdersOf, type Examination } from './resolution.ts';

export type DhcpSpec = Specs['VPC']['subnets'][string]['dhcp'];

export const dhcpSettings = (dhcp: DhcpSpec): DhcpSettings | undefined => {
  if (!dhcp.enabled) return undefined;
  const { leaseSeconds, dnsServers, ntpServers, domain, mtu, boot, routes, defaultRoute, relay } = dhcp;
  return {
    leaseSeconds,
    dnsServers: dnsServers.map(addressOf),
    ntpServers: ntpServers.map(addressOf),
    ...(domain === undefined ? {} : { domain }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(boot?.server === undefined ? {} : { bootServer: boot.server }),
    ...(boot === undefined ? {} : { bootFile: boot.file }),
    routes: routes.map(({ destination, gateway }) => ({ destination: prefixOf(destination), gateway: addressOf(gateway) })),
    ...(defaultRoute ? {} : { noDefaultRoute: true }),
    ...(relay === undefined ? {} : { relay: addressOf(relay.server) }),
  };
};

export interface LeaseRange {
  readonly from: Address;
  readonly to: Address;
}

/** The range that undeclared machines get addresses of; declared servers are given none of it unless they ask for it. */
export const leaseRange = ({ enabled, relay, range }: DhcpSpec): LeaseRange | undefined =>
  !enabled || relay !== undefined || range === undefined ? undefined : { from: addressOf(range.from), to: addressOf(range.to) };

export const isInRange = (range: LeaseRange | undefined, address: Address): boolean => {
  if (range === undefined) return false;
  const [from, to, value] = [range.from, range.to, address].map((each) => ipv4Number(each) ?? Number.NaN);
  return from !== undefined && to !== undefined && value !== undefined && from <= value && value <= to;
};

/** An address that is somebody's by MAC address; not ready while another one has it or may have it. */
export interface Reservation {
  readonly address: Address;
  readonly ready: boolean;
}

export type Reservations = { readonly [mac: Mac]: Reservation };

/** Key: `<namespace>/<vpc>|<address>`. MAC addresses of undeclared machines that hold it. */
export const dynamicLeases = index('dynamicLeases', 'DHCPLease', (object) => {
  const { vpc, address, mac, type } = specOf('DHCPLease', object);
  return type === 'Dynamic' ? [{ key: `${object.metadata.namespace ?? ''}/${vpc}|${address}`, value: mac }] : [];
});

/** MAC address of an undeclared machine that still has a lease of the address; undefined when nobody but `mac` has. */
export const leaseholder = (view: View, vpc: string, address: Address, mac: Mac | undefined): string | undefined =>
  view.list(dynamicLeases, `${vpc}|${address}`).find((holder) => holder !== mac);

export const waitsForLease = (at: string, address: Address, holder: string) =>
  pending(at, `waits until the lease of "${address}" by "${holder}" ends, at the latest when it is due for renewal`);

export interface Reserving {
  readonly object: Resource;
  /** Name of the subnet. */
  readonly name: string;
  readonly dhcp: DhcpSpec;
  readonly hosts: Candidates;
  readonly pool: string;
}

/**
 * Claims what is reserved in a subnet.
 *
 * @param seen of the subnet; what is found of single reservations goes into `faults` and does not count for it
 */
export const reserve = ({ object, name, dhcp, hosts, pool }: Reserving, seen: Examination, faults: Examination['findings'], view: View): Reservations | undefined => {
  const entries = Object.entries(dhcp.enabled ? (dhcp.reservations ?? {}) : {});
  if (entries.length === 0) return undefined;
  const vpc = tenantKey(object);
  const reservations: Record<Mac, Reservation> = {};
  for (const [text, { address: wanted }] of entries) {
    const part = seen.part();
    const [mac, address] = [macOf(text), addressOf(wanted)];
    const at = path('spec', 'subnets', name, 'dhcp', 'reservations', text, 'address');
    const other = holdersOf(view, pool, address).find(({ uid }) => uid !== seen.owner.uid);
    if (other !== undefined) part.error('AddressInUse', at, `"${address}" is allocated to ${other.kind} "${other.name}"; choose another or delete that one first`);
    else part.claim({ pool, purpose: `reservation/${name}/${mac}`, owner: seen.owner, candidates: hosts, mustFit: true, pin: address, path: at });
    const holder = part.findings.length > 0 ? undefined : leaseholder(view, vpc, address, mac);
    if (holder !== undefined) part.findings.push(waitsForLease(at, address, holder));
    reservations[mac] = { address, ready: part.findings.length === 0 };
    faults.push(...part.findings);
    seen.demands.push(...part.demands);
  }
  return reservations;
};

export const dhcpLayers = [dynamicLeases];
