/**
 * Rules of what a subnet says about DHCP: nothing that could never be handed out or understood, and nothing that has no
 * effect. A relay to another VPC is judged among the other objects, later.
 */
import { familyOf, ipv4Number, parseAddress } from '../../net/address.ts';
import type { Address, Mac, Prefix } from '../../net/brand.ts';
import { parseMac } from '../../net/mac.ts';
import { broadcastAddress, contains, firstHost, isHost, lastHost, parsePrefix } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import { memberPath } from '../findings.ts';
import { parseSubdomain } from '../names.ts';
import { unicastMac, usableAddress } from './addresses.ts';
import type { CheckedSubnet } from './vpc.ts';

/** Most reservations of one subnet: they are one text that a leaf reads whole. */
const mostReservations = 1024;

type Dhcp = CheckedSubnet['subnet']['dhcp'];

/** The subnet that addresses must be in, as far as it is in order. */
interface Place {
  /** Of `dhcp`. */
  readonly path: string;
  readonly prefix: Prefix | undefined;
  readonly gateways: readonly Address[];
}

export function dhcpRules(subnets: readonly CheckedSubnet[], found: Findings): void {
  for (const { path, subnet, prefixes, gateways } of subnets) {
    const { dhcp } = subnet;
    const place = { path: `${path}.dhcp`, prefix: prefixes.find(({ prefix }) => familyOf(prefix) === 4)?.prefix, gateways };
    checkServed(dhcp, place.path, found);
    checkServers(dhcp, place.path, found);
    checkBoot(dhcp, place.path, found);
    checkRoutes(dhcp, place, found);
    checkRange(dhcp, place, found);
    checkReservations(dhcp, place, found);
    checkRelay(dhcp, place, subnets, found);
  }
}

/** What is said to nobody is a mistake: nothing is served where DHCP is off or somebody else's. */
function checkServed({ enabled, relay, range, reservations, dnsServers, ntpServers, domain, mtu, boot, routes, defaultRoute }: Dhcp, path: string, found: Findings): void {
  if (!enabled && relay !== undefined) {
    found.add(`${path}.relay`, 'Contradiction', 'requests are not relayed while enabled is false; remove one of the two');
  }
  if (enabled && relay === undefined) return;
  const why = enabled ? 'requests are relayed to another server' : 'enabled is false';
  const given: readonly (readonly [string, boolean])[] = [
    ['range', range !== undefined],
    ['reservations', reservations !== undefined && Object.keys(reservations).length > 0],
    ['dnsServers', dnsServers.length > 0],
    ['ntpServers', ntpServers.length > 0],
    ['domain', domain !== undefined],
    ['mtu', mtu !== undefined],
    ['boot', boot !== undefined],
    ['routes', routes.length > 0],
    ['defaultRoute', !defaultRoute],
  ];
  for (const [member, isGiven] of given) {
    if (isGiven) found.add(`${path}.${member}`, 'NoEffect', `has no effect while ${why}; remove it`);
  }
}

function checkServers({ dnsServers, ntpServers, domain }: Dhcp, path: string, found: Findings): void {
  for (const [member, servers] of Object.entries({ dnsServers, ntpServers })) {
    for (const [index, server] of servers.entries()) {
      usableAddress(`${path}.${member}[${index}]`, server, found, 'both');
      if (servers.indexOf(server) < index) found.add(`${path}.${member}[${index}]`, 'Duplicate', `"${server}" is named twice; name it once`);
    }
  }
  if (domain !== undefined) found.parsed(`${path}.domain`, parseSubdomain(domain));
}

/** Characters that one of the servers or boot loaders on the way takes for something else. */
const unbootable = /[^!#-&(-+\-./0-9:;=?@A-Z[\]_a-z{|}~]/;

function checkBoot({ boot }: Dhcp, path: string, found: Findings): void {
  for (const [member, text] of Object.entries(boot ?? {})) {
    const at = `${path}.boot.${member}`;
    const hit = unbootable.exec(text);
    if (hit !== null) found.add(at, 'InvalidCharacter', `"${text}" has ${JSON.stringify(hit[0])}; use printable ASCII without blanks, commas, quotes and backslashes`);
  }
  const { server } = boot ?? {};
  if (server === undefined || unbootable.test(server)) return;
  const address = parseAddress(server);
  if (address.ok) usableAddress(`${path}.boot.server`, server, found);
  else found.parsed(`${path}.boot.server`, parseSubdomain(server));
}

function checkRoutes({ routes }: Dhcp, { path, prefix }: Place, found: Findings): void {
  const seen = new Set<string>();
  for (const [index, { destination, gateway }] of routes.entries()) {
    const at = `${path}.routes[${index}]`;
    const parsed = found.parsed(`${at}.destination`, parsePrefix(destination));
    if (parsed !== undefined && familyOf(parsed) === 6) {
      found.add(`${at}.destination`, 'AddressFamily', `"${parsed}" is IPv6, for which servers learn routes from the gateway alone; use IPv4 here`);
    }
    if (seen.has(destination)) found.add(`${at}.destination`, 'Duplicate', `"${destination}" has a route already; remove one`);
    seen.add(destination);
    const via = usableAddress(`${at}.gateway`, gateway, found);
    if (via !== undefined) isInside(`${at}.gateway`, via, prefix, found);
  }
}

/** Whether an address is one that a host of the subnet can have; says so when it is not. */
function isInside(path: string, address: Address, prefix: Prefix | undefined, found: Findings): boolean {
  if (prefix === undefined || isHost(prefix, address)) return true;
  const what = !contains(prefix, address) ? `is outside the subnet "${prefix}"` : `is the ${address === broadcastAddress(prefix) ? 'broadcast' : 'network'} address of "${prefix}"`;
  const code = contains(prefix, address) ? 'NotAHost' : 'OutsideSubnet';
  found.add(path, code, `"${address}" ${what}; choose one of ${firstHost(prefix)} to ${lastHost(prefix)}`);
  return false;
}

function isNotGateway(path: string, address: Address, gateways: readonly Address[], found: Findings): void {
  if (gateways.includes(address)) found.add(path, 'IsGateway', `"${address}" is the gateway of the subnet; choose another`);
}

function checkRange({ range }: Dhcp, { path, prefix, gateways }: Place, found: Findings): void {
  if (range === undefined) return;
  const [from, to] = (['from', 'to'] as const).map((member) => {
    const at = `${path}.range.${member}`;
    const address = usableAddress(at, range[member], found);
    if (address === undefined || !isInside(at, address, prefix, found)) return undefined;
    isNotGateway(at, address, gateways, found);
    return address;
  });
  if (from === undefined || to === undefined || (ipv4Number(from) ?? 0) <= (ipv4Number(to) ?? 0)) return;
  found.add(`${path}.range`, 'Order', `ends at "${to}", before it begins at "${from}"; exchange the two`);
}

function checkReservations({ reservations = {} }: Dhcp, { path, prefix, gateways }: Place, found: Findings): void {
  const entries = Object.entries(reservations);
  if (entries.length > mostReservations) {
    found.add(`${path}.reservations`, 'TooMany', `must have at most ${mostReservations} reservations, has ${entries.length}`);
    return;
  }
  const spellings = new Map<Mac, string>();
  const users = new Map<Address, string>();
  for (const [text, reservation] of entries) {
    const at = memberPath(`${path}.reservations`, text);
    const mac = parseMac(text);
    if (mac.ok) {
      const other = spellings.get(mac.value);
      if (other !== undefined) found.add(at, 'Duplicate', `"${text}" is the MAC address "${mac.value}", which "${other}" is too; remove one`);
      else unicastMac(at, text, found);
      spellings.set(mac.value, text);
    } else {
      found.parsed(at, mac);
    }
    const address = usableAddress(`${at}.address`, reservation.address, found);
    if (address === undefined || !isInside(`${at}.address`, address, prefix, found)) continue;
    isNotGateway(`${at}.address`, address, gateways, found);
    const user = users.get(address);
    if (user !== undefined) found.add(`${at}.address`, 'Duplicate', `"${address}" is reserved for "${user}" already; choose another`);
    else users.set(address, text);
  }
}

function checkRelay({ relay }: Dhcp, { path, prefix }: Place, subnets: readonly CheckedSubnet[], found: Findings): void {
  if (relay === undefined) return;
  const at = `${path}.relay.server`;
  const server = usableAddress(at, relay.server, found);
  if (server === undefined || prefix === undefined) return;
  if (relay.vpc !== undefined) return;
  const target = subnets.find(({ prefixes }) => prefixes.some((other) => contains(other.prefix, server)));
  if (contains(prefix, server)) {
    found.add(at, 'RelayUnneeded', `"${server}" is inside the subnet itself and hears its requests; set enabled to false instead of relaying`);
  } else if (target === undefined) {
    found.add(at, 'RelayUnreachable', `"${server}" is in no subnet of this VPC; name the peered VPC that it is in as relay.vpc, or another server`);
  } else if (target.subnet.dhcp.enabled) {
    const message = `"${server}" is in subnet "${target.name}", whose own DHCP would take the answers that are for the relay; set dhcp.enabled of "${target.name}" to false`;
    found.add(at, 'RelayConflict', message);
  }
}
