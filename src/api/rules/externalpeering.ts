/** Rules of an ExternalPeering. Whether VPC and External go together is judged among the other objects, later. */
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedExternalPeeringSpec } from '../kinds/externalpeering.ts';
import { outsidePrefixes } from './outside.ts';

export function externalPeeringRules({ spec }: Subject<DefaultedExternalPeeringSpec>, found: Findings): void {
  outsidePrefixes('spec.prefixes', spec.prefixes, found);
  const { subnets = [] } = spec;
  for (const [index, subnet] of subnets.entries()) {
    if (subnets.indexOf(subnet) !== index) found.add(`spec.subnets[${index}]`, 'Duplicate', `"${subnet}" is listed already`);
  }
}
