/** Rules of a VPCPeering: pairings of the same two different VPCs, nothing said twice. */
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedVpcPeeringSpec } from '../kinds/vpcpeering.ts';

type Pair = DefaultedVpcPeeringSpec['permit'][number];

export function vpcPeeringRules({ meta, spec }: Subject<DefaultedVpcPeeringSpec>, found: Findings): void {
  // A pair of one VPC with itself is a fault of its own and says nothing of the two that were meant.
  const first = spec.permit.map((pair) => vpcsOf(pair, meta.namespace)).find((vpcs) => vpcs.length === 2) ?? [];
  const seen = new Map<string, number>();
  for (const [index, pair] of spec.permit.entries()) {
    const path = `spec.permit[${index}]`;
    checkPair(path, pair, meta.namespace, found);
    const strangers = vpcsOf(pair, meta.namespace).filter((vpc) => !first.includes(vpc));
    if (strangers.length > 0 && first.length > 0) {
      const message = `"${strangers.join('" and "')}" takes no part in the first pairing, of "${first.join('" and "')}"; use a VPCPeering of its own`;
      found.add(path, 'DifferentVPCs', message);
    }
    const identity = identityOf(pair);
    const earlier = seen.get(identity);
    if (earlier !== undefined) found.add(path, 'Duplicate', `says the same as spec.permit[${earlier}]; remove one`);
    seen.set(identity, earlier ?? index);
  }
}

function checkPair(path: string, pair: Pair, own: string | undefined, found: Findings): void {
  const [left] = pair;
  if (pair.length === 2 && vpcsOf(pair, own).length === 1) {
    found.add(`${path}[1].vpc`, 'SelfPeering', `"${left?.vpc}" is on both sides; subnets of one VPC reach each other anyway`);
  }
  if (pair.every(({ namespace = own }) => namespace !== own)) {
    found.add(path, 'NoOwnVPC', 'both VPCs are of other namespaces; one side must be a VPC of this namespace');
  }
  for (const [side, { subnets }] of pair.entries()) {
    for (const [index, subnet] of subnets.entries()) {
      if (subnets.indexOf(subnet) === index) continue;
      found.add(`${path}[${side}].subnets[${index}]`, 'Duplicate', `"${subnet}" is listed already`);
    }
  }
}

/** Names, with the namespace where it is another one. */
const vpcsOf = (pair: Pair, own: string | undefined): string[] =>
  [...new Set(pair.map(({ vpc, namespace = own }) => (namespace === own ? vpc : `${namespace}/${vpc}`)))];

/** Equal for pairings that permit the same, whichever side comes first and however subnets are ordered. */
const identityOf = (pair: Pair): string =>
  pair
    .map(({ vpc, namespace = '', subnets }) => `${namespace}/${vpc}: ${subnets.toSorted().join(' ')}`)
    .toSorted()
    .join(' | ');
