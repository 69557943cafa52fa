/** Subnets of a VPC as ranges of numbers, to find the one an address is in by comparing. */
import { ipv4Number } from '../../net/address.ts';
import type { Vni } from '../../net/brand.ts';
import { networkAddress, prefixSize } from '../../net/prefix.ts';
import type { ResolvedSubnet } from './vpc.ts';

export interface SubnetRange {
  readonly name: string;
  /** Network and broadcast address. */
  readonly first: number;
  readonly last: number;
  readonly gateway: number;
  /** Absent while the subnet waits for one. */
  readonly vni: Vni | undefined;
}

export const subnetRanges = (subnets: Readonly<Record<string, ResolvedSubnet>>): SubnetRange[] =>
  Object.entries(subnets).flatMap(([name, { prefix, gateway, vni }]) => {
    const first = ipv4Number(networkAddress(prefix));
    return first === undefined ? [] : [{ name, first, last: first + Number(prefixSize(prefix)) - 1, gateway: ipv4Number(gateway) ?? Number.NaN, vni }];
  });
