/** What VPCPeerings join. Pure. */
import type { PeeringConsentSpec } from '../api/kinds/peeringconsent.ts';
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
    const spaces = new Set(permit.flat().map((side) => vpcs.get(`${side.namespace ?? namespace}/${side.vpc}`)?.addressSpace));
    // VPCs of two address spaces may overlap and therefore never meet; a VPC that is not there has no space.
    if (spaces.size !== 1 || spaces.has(undefined)) return [];
    return permit.filter((pair) => isConsented(intent, namespace, pair)).map(([a, b]): Pairing => ({ joins: (one, other) => takesPart(a, namespace, one) && takesPart(b, namespace, other) }));
  });

/** Another tenant's VPC takes part when a PeeringConsent of that tenant says so, of all subnets that are meant. */
const isConsented = (intent: Intent, own: string, pair: readonly Side[]): boolean =>
  pair.every((side, place) => {
    const { vpc, namespace = own, subnets = [] } = side;
    if (namespace === own) return true;
    const consents = (intent.PeeringConsent ?? [])
      .filter(({ metadata }) => metadata.namespace === namespace)
      .map(({ spec }) => spec as PeeringConsentSpec)
      .filter(({ vpc: named, peer }) => named === vpc && peer.namespace === own && (peer.vpc ?? pair[1 - place]?.vpc) === pair[1 - place]?.vpc);
    const permitted = consents.map((consent) => consent.subnets ?? []);
    return permitted.some((names) => names.length === 0) || (subnets.length > 0 && subnets.every((name) => permitted.flat().includes(name)));
  });

const takesPart = (side: Side | undefined, namespace: string, { party: { endpoint } }: End): boolean =>
  side !== undefined && endpoint?.namespace === (side.namespace ?? namespace) && endpoint.vpc === side.vpc && isListed(side.subnets, endpoint);

/** An empty list stands for all. */
export const isListed = (subnets: readonly string[] | undefined, { subnet }: Endpoint): boolean =>
  subnets === undefined || subnets.length === 0 || subnets.includes(subnet);
