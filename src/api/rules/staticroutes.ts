/** Rules of static routes: a prefix that is no subnet's, by way of servers inside the VPC. */
import { familyOf } from '../../net/address.ts';
import type { Address, Prefix } from '../../net/brand.ts';
import { width } from '../../net/bits.ts';
import { contains, isHost, parsePrefix, prefixLength } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import type { DefaultedVpcSpec } from '../kinds/vpc.ts';
import { usableAddress, usablePrefix } from './addresses.ts';
import type { CheckedSubnet } from './vpc.ts';

type StaticRoute = DefaultedVpcSpec['staticRoutes'][number];

export function staticRouteRules(routes: readonly StaticRoute[], subnets: readonly CheckedSubnet[], found: Findings): void {
  const earlier = new Map<Prefix, number>();
  for (const [index, { prefix: text, nextHops }] of routes.entries()) {
    const path = `spec.staticRoutes[${index}]`;
    const prefix = routedPrefix(`${path}.prefix`, text, found);
    if (prefix !== undefined) {
      const first = earlier.get(prefix);
      if (first === undefined) earlier.set(prefix, index);
      else found.add(`${path}.prefix`, 'Duplicate', `"${prefix}" is routed by spec.staticRoutes[${first}] already; put all next hops into one`);
      checkAgainstSubnets(`${path}.prefix`, prefix, subnets, found);
    }
    for (const [position, nextHop] of nextHops.entries()) {
      const at = `${path}.nextHops[${position}]`;
      const address = usableAddress(at, nextHop, found, 'both');
      if (address !== undefined) checkNextHop(at, address, prefix, subnets, found);
      if (nextHops.indexOf(nextHop) < position) found.add(at, 'Duplicate', `"${nextHop}" is named twice; name it once`);
    }
  }
}

const isDefault = (text: string): boolean => text === '0.0.0.0/0' || text === '::/0';

/** The default route holds every special block and is fine all the same. */
const routedPrefix = (path: string, text: string, found: Findings): Prefix | undefined =>
  isDefault(text) ? found.parsed(path, parsePrefix(text)) : usablePrefix(path, text, found, 'both');

/** Larger than a subnet is fine, since the longer prefix wins; inside of one only a single address can be led elsewhere. */
function checkAgainstSubnets(path: string, prefix: Prefix, subnets: readonly CheckedSubnet[], found: Findings): void {
  for (const { name, prefixes, gateways } of subnets) {
    const outer = prefixes.find((each) => contains(each.prefix, prefix))?.prefix;
    if (outer === undefined) continue;
    const isOne = prefixLength(prefix) === width(familyOf(prefix));
    if (!isOne) {
      found.add(path, 'Overlap', `"${prefix}" is in subnet "${name}" "${outer}"; route a prefix outside, or a single address`);
    } else if (gateways.some((gateway) => prefix.startsWith(`${gateway}/`))) {
      found.add(path, 'AddressIsGateway', `"${prefix}" is the gateway of subnet "${name}"; choose another`);
    }
  }
}

function checkNextHop(path: string, address: Address, prefix: Prefix | undefined, subnets: readonly CheckedSubnet[], found: Findings): void {
  if (prefix !== undefined && familyOf(prefix) !== familyOf(address)) {
    found.add(path, 'AddressFamily', `"${address}" cannot lead to "${prefix}": they are of different families`);
    return;
  }
  const inside = subnets.find(({ prefixes }) => prefixes.some((each) => contains(each.prefix, address)));
  const outer = inside?.prefixes.find((each) => contains(each.prefix, address))?.prefix;
  if (inside === undefined || outer === undefined) {
    found.add(path, 'OutsideSubnet', `"${address}" is in no subnet of the VPC; name the address of a server inside`);
  } else if (inside.gateways.includes(address)) {
    found.add(path, 'AddressIsGateway', `"${address}" is the gateway of subnet "${inside.name}", which would send packets back to itself; name a server`);
  } else if (!isHost(outer, address)) {
    found.add(path, 'NotAHost', `"${address}" is the network or broadcast address of "${outer}"; name a server`);
  }
}
