/** What VPCPeerings join. Pure. */
import type { VpcPeeringSpec } from '../api/kinds/vpcpeering.ts';
import type { AcceptedVpc, End, Endpoint, Intent } from './oracle.ts';

/** One pairing of two sides; asked in both orders. */
export interface Pairing {
  joins(one: End, other: End): boolean;
}

type Side = VpcPeeringSpec['permit'][number][number];

export const peeringsOf = (intent: Intent, vpcs: ReadonlyMap<string, AcceptedVpc>): Pairing[] =>
  (intent.VPCPeering ?? []).flatMap(({ metadata: { namespace = '' }, spec }) => {
    const { permit } = spec as VpcPeeringSpec;
    const spaces = new Set(permit.flat().map((side) => vpcs.get(`${namespace}/${side.vpc}`)?.addressSpace));
    // VPCs of two address spaces may overlap and therefore never meet; a VPC that is not there has no space.
    if (spaces.size !== 1 || spaces.has(undefined)) return [];
    return permit.map(([a, b]): Pairing => ({ joins: (one, other) => takesPart(a, namespace, one) && takesPart(b, namespace, other) }));
  });

const takesPart = (side: Side | undefined, namespace: string, { party: { endpoint } }: End): boolean =>
  side !== undefined && endpoint?.namespace === namespace && endpoint.vpc === side.vpc && isListed(side.subnets, endpoint);

/** An empty list stands for all. */
export const isListed = (subnets: readonly string[] | undefined, { subnet }: Endpoint): boolean =>
  subnets === undefined || subnets.length === 0 || subnets.includes(subnet);
