/** What a change of a VPC or of a join means for what depends on it: only what is really another is looked at again. Pure. */
import { ipv4Number } from '../net/address.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { networkAddress, prefixLength } from '../net/prefix.ts';
import type { Held, Specs } from './objects.ts';
import type { Subnet, Vpc } from './networks.ts';

/** Names of subnets that are not as they were; `all` when the VPC itself is another. */
export const changedSubnets = (before: Vpc | undefined, after: Vpc | undefined): readonly string[] | 'all' => {
  if (before === after) return [];
  if (before === undefined || after === undefined) return 'all';
  if (before.vni !== after.vni || before.mode !== after.mode || before.mtu !== after.mtu || before.uid !== after.uid || before.space !== after.space) return 'all';
  const names = new Set([...before.subnets.keys(), ...after.subnets.keys()]);
  return [...names].filter((name) => textOf(before.subnets.get(name)) !== textOf(after.subnets.get(name)));
};

const textOf = (subnet: Subnet | undefined): string => (subnet === undefined ? '' : JSON.stringify({ ...subnet, reservations: [...subnet.reservations] }));

/** Whether a slice maps an address of one of these prefixes. */
export const isAbout = ({ spec: { mappings } }: Held<Specs['MappingSlice']>, prefixes: readonly Prefix[]): boolean => {
  const ranges = prefixes.flatMap((prefix) => {
    const first = ipv4Number(networkAddress(prefix));
    return first === undefined ? [] : [{ first, last: first + 2 ** (32 - prefixLength(prefix)) - 1 }];
  });
  return mappings.some(({ address }) => {
    const value = ipv4Number(address as Address) ?? Number.NaN;
    return ranges.some(({ first, last }) => value >= first && value <= last);
  });
};
