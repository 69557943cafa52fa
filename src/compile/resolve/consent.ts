/** Whether another tenant lets a peering have a VPC of its own. */
import { consentKey, consentsByPair } from '../relations.ts';
import { specOf, tenantRef } from '../intent.ts';
import type { View } from '../view.ts';
import type { Examination } from './resolution.ts';

export interface Wish {
  /** `namespace/name` of the VPC that is another tenant's. */
  readonly vpc: string;
  /** Empty: all. */
  readonly subnets: readonly string[];
  /** `namespace/name` of the VPC that it is to be peered with. */
  readonly peer: string;
}

/**
 * Notes what is missing. Until there is consent nothing is looked at that is the other tenant's: whether the VPC exists must
 * not be told by which answer comes.
 */
export const checkConsent = ({ vpc, subnets, peer }: Wish, at: string, seen: Examination, view: View): void => {
  const [theirs, own] = [tenantRef('VPC', vpc), tenantRef('VPC', peer)];
  const consents = view
    .list(consentsByPair, consentKey(vpc, own.namespace))
    .flatMap((key) => view.at('PeeringConsent', key) ?? [])
    .map((consent) => specOf('PeeringConsent', consent))
    .filter(({ peer: { vpc: only } }) => only === undefined || only === own.name);
  if (consents.length === 0) {
    const wanted = `a PeeringConsent there must let namespace "${own.namespace}" peer with VPC "${theirs.name}"`;
    seen.error('AwaitingConsent', `${at}.vpc`, `waits for the consent of namespace "${theirs.namespace}": ${wanted}`);
    return;
  }
  if (consents.some((consent) => consent.subnets.length === 0)) return;
  const covered = new Set(consents.flatMap((consent) => consent.subnets));
  const lacking = subnets.filter((subnet) => !covered.has(subnet));
  if (subnets.length > 0 && lacking.length === 0) return;
  const names = [...covered].sort().join('", "');
  const what = subnets.length === 0 ? 'all subnets' : `subnet "${lacking.join('", "')}"`;
  seen.error('AwaitingConsent', `${at}.subnets`, `namespace "${theirs.namespace}" consents to subnet "${names}", not to ${what}; name only these, or wait for more`);
};
