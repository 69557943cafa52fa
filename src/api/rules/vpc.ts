/** Rules of a VPC: subnets that do not share addresses, each with a gateway its hosts can reach. */
import { familyOf, parseAddress } from '../../net/address.ts';
import type { Prefix } from '../../net/brand.ts';
import { contains, firstHost, isHost, lastHost, prefixLength } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import { memberPath } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedVpcSpec } from '../kinds/vpc.ts';
import { parseLabel } from '../names.ts';
import { disjoint, type NamedPrefix, usableAddress, usablePrefix } from './addresses.ts';
import { immutable } from './immutable.ts';

/** Enough for a network, a gateway, a host and a broadcast address. */
const longestSubnet = 30;
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
  disjoint(subnets.flatMap(([name, subnet]) => checkSubnet(name, subnet, found)), found);
}

function checkSubnet(name: string, subnet: DefaultedSubnet, found: Findings): NamedPrefix[] {
  const path = memberPath('spec.subnets', name);
  found.parsed(path, parseLabel(name));
  const prefix = usablePrefix(`${path}.cidr`, subnet.cidr, found);
  const fits = prefix !== undefined && fitsHosts(`${path}.cidr`, prefix, found);
  if (subnet.gateway !== undefined) checkGateway(`${path}.gateway`, subnet.gateway, fits ? prefix : undefined, found);
  for (const [index, server] of subnet.dhcp.dnsServers.entries()) {
    usableAddress(`${path}.dhcp.dnsServers[${index}]`, server, found);
  }
  return prefix === undefined ? [] : [{ path: `${path}.cidr`, label: `subnet "${name}"`, prefix }];
}

function fitsHosts(path: string, prefix: Prefix, found: Findings): boolean {
  if (prefixLength(prefix) <= longestSubnet) return true;
  const message = `"${prefix}" has no room for a gateway and a host; use /${longestSubnet} or shorter`;
  found.add(path, 'PrefixLength', message);
  return false;
}

function checkGateway(path: string, text: string, prefix: Prefix | undefined, found: Findings): void {
  const gateway = found.parsed(path, parseAddress(text));
  if (gateway === undefined || prefix === undefined) return;
  const hosts = `${firstHost(prefix)} to ${lastHost(prefix)}`;
  if (familyOf(gateway) !== familyOf(prefix) || !contains(prefix, gateway)) {
    found.add(path, 'OutsideSubnet', `"${gateway}" is not in "${prefix}"; choose one of ${hosts}`);
  } else if (!isHost(prefix, gateway)) {
    found.add(path, 'NotAHost', `"${gateway}" is the network or broadcast address of "${prefix}"; choose one of ${hosts}`);
  }
}
