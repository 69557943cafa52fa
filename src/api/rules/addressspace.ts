/** Rules of an AddressSpace: prefixes that hosts can use, none written twice, and none taken away that a VPC lives in. */
import type { Findings } from '../findings.ts';
import type { DefaultedAddressSpaceSpec } from '../kinds/addressspace.ts';
import type { Subject } from '../kinds/define.ts';
import type { Finding } from '../../kit/error.ts';
import type { Prefix } from '../../net/brand.ts';
import { contains, parsePrefix } from '../../net/prefix.ts';
import type { Resource } from '../object.ts';
import type { VpcSpec } from '../kinds/vpc.ts';
import { disjoint, usablePrefix } from './addresses.ts';

export function addressSpaceRules({ spec }: Subject<DefaultedAddressSpaceSpec>, found: Findings): void {
  const prefixes = spec.prefixes.flatMap((text, index) => {
    const path = `spec.prefixes[${index}]`;
    const prefix = usablePrefix(path, text, found, 'both');
    return prefix === undefined ? [] : [{ path, label: `entry ${index}`, prefix }];
  });
  disjoint(prefixes, found);
}

type Spec = DefaultedAddressSpaceSpec;

/** Subnets that lie in the prefixes as they were and not as they will be. */
export const addressSpaceStrands = (before: Spec, after: Spec, { kind, metadata, spec }: Resource): Finding[] => {
  if (kind !== 'VPC') return [];
  const [was, willBe] = [before, after].map(({ prefixes }) => prefixes.flatMap(prefixIn));
  const holds = (prefixes: readonly Prefix[] | undefined, inner: Prefix): boolean => prefixes?.some((outer) => contains(outer, inner)) === true;
  return Object.entries((spec as VpcSpec).subnets).flatMap(([name, { cidr, ipv6 }]) =>
    [cidr, ...(ipv6 === undefined ? [] : [ipv6.cidr])].flatMap(prefixIn).flatMap((prefix) => {
      if (!holds(was, prefix) || holds(willBe, prefix)) return [];
      const message = `subnet "${name}" of VPC "${metadata.namespace}/${metadata.name}" is "${prefix}", which no prefix would hold any more; keep one or remove the subnet first`;
      return [{ path: 'spec.prefixes', code: 'PrefixInUse', message }];
    }),
  );
};

const prefixIn = (text: string): Prefix[] => {
  const prefix = parsePrefix(text);
  return prefix.ok ? [prefix.value] : [];
};
