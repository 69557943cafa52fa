/** One side of a peering: a VPC, and the prefixes of it that take part. */
import type { Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { comparePrefixes } from '../../net/prefix.ts';
import { specOf, tenantRef } from '../intent.ts';
import type { View } from '../view.ts';
import { unready, type Examination } from './resolution.ts';
import { knownVpc, prefixesOf, type ResolvedVpc } from './vpc.ts';

export interface Side {
  /** `namespace/name`. */
  readonly vpc: string;
  readonly resolved: ResolvedVpc;
  readonly prefixes: readonly Prefix[];
}

interface SideSpec {
  readonly vpc: string;
  /** Left out: that of the peering. */
  readonly namespace?: string;
  /** Left out or empty: all. */
  readonly subnets?: readonly string[];
}

/** `namespace/name` of the VPC of a side. */
export const vpcOf = (object: Resource, { vpc, namespace = object.metadata.namespace ?? '' }: SideSpec): string => `${namespace}/${vpc}`;

/** @param at path of what holds `vpc` and `subnets`. Nothing when the side cannot be relied upon, which is then among the findings. */
export const resolveSide = (object: Resource, side: SideSpec, at: string, seen: Examination, view: View): Side[] => {
  const vpc = vpcOf(object, side);
  const ref = tenantRef('VPC', vpc);
  const target = view.get(ref.kind, ref.namespace, ref.name);
  if (target === undefined) {
    seen.error('UnknownVPC', `${at}.vpc`, `there is no VPC "${side.vpc}" in namespace "${ref.namespace}"; create it or name another`);
    return [];
  }
  const { subnets = [] } = side;
  const declared = specOf('VPC', target).subnets;
  const unknown = subnets.filter((name) => !Object.hasOwn(declared, name));
  for (const name of unknown) {
    const names = Object.keys(declared).join('", "');
    seen.error('UnknownSubnet', `${at}.subnets`, `VPC "${side.vpc}" has no subnet "${name}"; it has "${names}"`);
  }
  const resolution = view.query(knownVpc, vpc);
  const { value: resolved } = resolution;
  if (resolved === undefined) seen.findings.push(unready(ref, `${at}.vpc`, resolution));
  if (resolved === undefined || unknown.length > 0) return [];
  const wanted = subnets.length === 0 ? Object.keys(resolved.subnets) : subnets;
  const faulty = wanted.filter((name) => !Object.hasOwn(resolved.subnets, name));
  if (faulty.length > 0) seen.findings.push(unready(ref, `${at}.subnets`, resolution));
  const prefixes = wanted.flatMap((name) => resolved.subnets[name] ?? []).flatMap(prefixesOf);
  return [{ vpc, resolved, prefixes: [...new Set(prefixes)].sort(comparePrefixes) }];
};
