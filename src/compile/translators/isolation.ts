/**
 * VPC -> which of its subnets exchange nothing, one row an isolated subnet, said once for all devices. A subnet that is not
 * isolated needs no row of its own: a row holds in both directions.
 */
import { limitsOf } from '../../api/kinds/vpc.ts';
import { comparePrefixes } from '../../net/prefix.ts';
import type { Specs } from '../intent.ts';
import { prefixesOf, type ResolvedVpc } from '../resolve/vpc.ts';
import type { ScopedRow } from '../view.ts';

export const isolationRows = (spec: Specs['VPC'], { overlay: { scope, vrf }, subnets }: ResolvedVpc): ScopedRow[] => {
  const entries = Object.entries(subnets);
  return entries.flatMap(([name, subnet]): ScopedRow[] => {
    const declared = spec.subnets[name];
    if (subnet.vni === undefined || declared === undefined || !limitsOf(spec, declared).isolated) return [];
    const others = entries.filter(([other]) => other !== name && !arePermitted(spec.permit, name, other));
    if (others.length === 0) return [];
    const denied = others.flatMap(([, other]) => prefixesOf(other)).sort(comparePrefixes);
    const value = { segment: subnet.vni, vrf, prefixes: prefixesOf(subnet), denied };
    return [{ scope, row: { table: 'isolation', key: `${subnet.vni}`, value }, from: [] }];
  });
};

const arePermitted = (permit: Specs['VPC']['permit'], one: string, other: string): boolean =>
  permit.some((names) => names.includes(one) && names.includes(other));
