/** Rules of an AddressSpace: prefixes that hosts can use, none written twice. */
import type { Findings } from '../findings.ts';
import type { DefaultedAddressSpaceSpec } from '../kinds/addressspace.ts';
import type { Subject } from '../kinds/define.ts';
import { disjoint, usablePrefix } from './addresses.ts';

export function addressSpaceRules({ spec }: Subject<DefaultedAddressSpaceSpec>, found: Findings): void {
  const prefixes = spec.prefixes.flatMap((text, index) => {
    const path = `spec.prefixes[${index}]`;
    const prefix = usablePrefix(path, text, found, 'both');
    return prefix === undefined ? [] : [{ path, label: `entry ${index}`, prefix }];
  });
  disjoint(prefixes, found);
}
