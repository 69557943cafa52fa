/** Rules of what hosts may announce: prefixes that are nobody else's, with lengths that can be. */
import { familyOf } from '../../net/address.ts';
import type { Prefix } from '../../net/brand.ts';
import { width } from '../../net/bits.ts';
import { overlaps, prefixLength } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import type { DefaultedVpcSpec } from '../kinds/vpc.ts';
import { usablePrefix } from './addresses.ts';
import type { CheckedSubnet } from './vpc.ts';

type Announceable = NonNullable<NonNullable<DefaultedVpcSpec['subnets'][string]['hostBGP']>['prefixes']>[number];

export function hostBgpRules(subnets: readonly CheckedSubnet[], found: Findings): void {
  for (const own of subnets) {
    for (const [index, announceable] of (own.subnet.hostBGP?.prefixes ?? []).entries()) {
      const path = `${own.path}.hostBGP.prefixes[${index}]`;
      const prefix = usablePrefix(`${path}.cidr`, announceable.cidr, found, 'both');
      if (prefix === undefined) continue;
      checkLengths(path, prefix, announceable, found);
      checkOthers(`${path}.cidr`, prefix, announceable.minLength ?? width(familyOf(prefix)), own, subnets, found);
    }
  }
}

function checkLengths(path: string, prefix: Prefix, { minLength, maxLength }: Announceable, found: Findings): void {
  const longest = width(familyOf(prefix));
  const [shortest, least, most] = [prefixLength(prefix), minLength ?? longest, maxLength ?? longest];
  if (least < shortest) found.add(`${path}.minLength`, 'PrefixLength', `${least} is shorter than "${prefix}" itself; use ${shortest} to ${longest}`);
  for (const [member, value] of [['minLength', least], ['maxLength', most]] as const) {
    if (value > longest) found.add(`${path}.${member}`, 'PrefixLength', `${value} is longer than an IPv${familyOf(prefix)} address; use ${shortest} to ${longest}`);
  }
  if (least > most) found.add(`${path}.maxLength`, 'EmptyRange', `minLength ${least} is above maxLength ${most}; lower minLength`);
}

/** Of its own subnet a host may announce parts, never the whole; of others nothing. */
function checkOthers(path: string, prefix: Prefix, shortest: number, own: CheckedSubnet, subnets: readonly CheckedSubnet[], found: Findings): void {
  for (const { name, prefixes } of subnets) {
    for (const { prefix: other } of prefixes) {
      if (!overlaps(prefix, other)) continue;
      if (name !== own.name) {
        found.add(path, 'Overlap', `"${prefix}" overlaps subnet "${name}" "${other}", whose addresses are not for hosts of this one to announce`);
      } else if (prefixLength(prefix) < prefixLength(other)) {
        found.add(path, 'Overlap', `"${prefix}" is larger than the subnet "${other}"; name a prefix inside or outside`);
      } else if (shortest <= prefixLength(other)) {
        found.add(path, 'Overlap', `a host could announce all of the subnet "${other}"; make minLength ${prefixLength(other) + 1} or more`);
      }
    }
  }
}
