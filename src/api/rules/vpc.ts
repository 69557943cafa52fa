/** Rules of a VPC: subnets that do not share addresses, each with a gateway its hosts can reach. */
import { familyOf, parseAddress } from '../../net/address.ts';
import type { Address, Prefix } from '../../net/brand.ts';
import { stationPrefixLength } from '../../net/eui64.ts';
import { contains, firstHost, isHost, lastHost, prefixLength } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import { memberPath } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedVpcSpec } from '../kinds/vpc.ts';
import { parseLabel } from '../names.ts';
import { disjoint, type NamedPrefix, usablePrefix } from './addresses.ts';
import { dhcpRules } from './dhcp.ts';
import { hostBgpRules } from './hostbgp.ts';
import { immutable } from './immutable.ts';
import { checkLabels } from './selector.ts';
import { staticRouteRules } from './staticroutes.ts';

/** Enough for a network (or anycast), a gateway, a host and a broadcast address. */
const longestSubnets = { 4: 30, 6: 126 } as const;
const mostSubnets = 64;

type DefaultedSubnet = DefaultedVpcSpec['subnets'][string];

export function vpcRules({ spec, old }: Subject<DefaultedVpcSpec>, found: Findings): void {
  immutable('spec.addressSpace', old?.addressSpace, spec.addressSpace, found);
  const subnets = Object.entries(spec.subnets);
  if (subnets.length === 0) found.add('spec.subnets', 'TooFew', 'must have at least one subnet');
  if (subnets.length > mostSubnets) {
    // No further: the count of findings is bounded by what a VPC may hold.
    found.add('spec.subnets', 'TooMany', `must have at most ${mostSubnets} subnets, has ${subnets.length}`);
    return;
  }
  const checked = subnets.map(([name, subnet]) => checkSubnet(name, subnet, found));
  disjoint(checked.flatMap(({ prefixes }) => prefixes), found);
  for (const [index, names] of spec.permit.entries()) checkPermit(`spec.permit[${index}]`, names, spec.subnets, found);
  dhcpRules(checked, found);
  hostBgpRules(checked, found);
  staticRouteRules(spec.staticRoutes, checked, found);
  if (spec.mode === 'l3') checkRouted(subnets, found);
}

/** A subnet as far as it is in order; what is not is left out. */
export interface CheckedSubnet {
  readonly name: string;
  readonly path: string;
  readonly subnet: DefaultedSubnet;
  readonly prefixes: readonly NamedPrefix[];
  readonly gateways: readonly Address[];
}

function checkSubnet(name: string, subnet: DefaultedSubnet, found: Findings): CheckedSubnet {
  const path = memberPath('spec.subnets', name);
  found.parsed(path, parseLabel(name));
  checkLabels(`${path}.labels`, subnet.labels ?? {}, found);
  const prefixes: NamedPrefix[] = [];
  const gateways: Address[] = [];
  const check = (at: string, text: string, given: string | undefined, family: 4 | 6, label: string): Prefix | undefined => {
    const prefix = usablePrefix(`${at}.cidr`, text, found, family);
    const fits = prefix !== undefined && fitsHosts(`${at}.cidr`, prefix, family, found);
    const gateway = given === undefined ? fits && firstHost(prefix) : checkGateway(`${at}.gateway`, given, fits ? prefix : undefined, found);
    if (gateway !== undefined && gateway !== false) gateways.push(gateway);
    if (prefix !== undefined) prefixes.push({ path: `${at}.cidr`, label, prefix });
    return prefix;
  };
  check(path, subnet.cidr, subnet.gateway, 4, `subnet "${name}"`);
  if (subnet.ipv6 !== undefined) {
    const { cidr, gateway, addressing } = subnet.ipv6;
    const prefix = check(`${path}.ipv6`, cidr, gateway, 6, `subnet "${name}"`);
    if (prefix !== undefined && addressing === 'slaac') checkStations(`${path}.ipv6.cidr`, prefix, found);
  }
  return { name, path, subnet, prefixes, gateways };
}

function checkStations(path: string, prefix: Prefix, found: Findings): void {
  if (prefixLength(prefix) === stationPrefixLength) return;
  const message = `"${prefix}" is no /${stationPrefixLength}, of which alone servers make their addresses (slaac); use a /${stationPrefixLength} or addressing dhcp`;
  found.add(path, 'PrefixLength', message);
}

function fitsHosts(path: string, prefix: Prefix, family: 4 | 6, found: Findings): boolean {
  const longest = longestSubnets[family];
  if (prefixLength(prefix) <= longest) return true;
  found.add(path, 'PrefixLength', `"${prefix}" has no room for a gateway and a host; use /${longest} or shorter`);
  return false;
}

function checkGateway(path: string, text: string, prefix: Prefix | undefined, found: Findings): Address | undefined {
  const gateway = found.parsed(path, parseAddress(text));
  if (gateway === undefined || prefix === undefined) return undefined;
  const hosts = `${firstHost(prefix)} to ${lastHost(prefix)}`;
  if (familyOf(gateway) !== familyOf(prefix) || !contains(prefix, gateway)) {
    found.add(path, 'OutsideSubnet', `"${gateway}" is not in "${prefix}"; choose one of ${hosts}`);
  } else if (!isHost(prefix, gateway)) {
    const what = familyOf(prefix) === 6 ? 'anycast address of all routers (RFC 4291 §2.6.1)' : 'network or broadcast address';
    found.add(path, 'NotAHost', `"${gateway}" is the ${what} of "${prefix}"; choose one of ${hosts}`);
  } else {
    return gateway;
  }
  return undefined;
}

function checkPermit(path: string, names: readonly string[], subnets: DefaultedVpcSpec['subnets'], found: Findings): void {
  for (const [index, name] of names.entries()) {
    const at = `${path}[${index}]`;
    if (!Object.hasOwn(subnets, name)) {
      found.add(at, 'UnknownSubnet', `there is no subnet "${name}"; the VPC has "${Object.keys(subnets).join('", "')}"`);
    } else if (names.indexOf(name) < index) {
      found.add(at, 'Duplicate', `subnet "${name}" is named twice; name it once`);
    }
  }
}

/** What needs hosts that nobody declared cannot work where every host is a route of its own. */
function checkRouted(subnets: readonly (readonly [string, DefaultedSubnet])[], found: Findings): void {
  for (const [name, { dhcp }] of subnets) {
    if (dhcp.range === undefined) continue;
    const message = 'VPCs of mode l3 have a route for each declared server and none for others; attach the servers, or use mode l2';
    found.add(`${memberPath('spec.subnets', name)}.dhcp.range`, 'NotAllowed', message);
  }
}
