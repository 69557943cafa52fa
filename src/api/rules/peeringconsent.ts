/** Rules of a PeeringConsent: it is for others, and says nothing twice. */
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedPeeringConsentSpec } from '../kinds/peeringconsent.ts';

export function peeringConsentRules({ meta, spec }: Subject<DefaultedPeeringConsentSpec>, found: Findings): void {
  if (spec.peer.namespace === meta.namespace) {
    found.add('spec.peer.namespace', 'OwnNamespace', `"${spec.peer.namespace}" is this namespace; its own VPCPeerings need no consent`);
  }
  for (const [index, subnet] of spec.subnets.entries()) {
    if (spec.subnets.indexOf(subnet) !== index) found.add(`spec.subnets[${index}]`, 'Duplicate', `"${subnet}" is listed already`);
  }
}
