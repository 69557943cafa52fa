/** Rules of a MappingSlice. Whether the addresses are in a subnet of the VPC is judged among the other objects, later. */
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedMappingSliceSpec } from '../kinds/mappingslice.ts';
import { unicastMac, usableAddress } from './addresses.ts';

export function mappingSliceRules({ spec }: Subject<DefaultedMappingSliceSpec>, found: Findings): void {
  const users = new Map<string, number>();
  for (const [index, { address, mac, vtep }] of spec.mappings.entries()) {
    const path = `spec.mappings[${index}]`;
    usableAddress(`${path}.address`, address, found);
    const user = users.get(address);
    if (user === undefined) users.set(address, index);
    else found.add(`${path}.address`, 'Duplicate', `"${address}" is mapped by spec.mappings[${user}] already; remove one`);
    unicastMac(`${path}.mac`, mac, found);
    usableAddress(`${path}.vtep`, vtep, found);
  }
}
