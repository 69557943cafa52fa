/** Rules of a Claim: it says one thing for as long as it lives. */
import type { Findings } from '../findings.ts';
import type { DefaultedClaimSpec } from '../kinds/claim.ts';
import type { Subject } from '../kinds/define.ts';
import { immutable } from './immutable.ts';

export function claimRules({ spec, old }: Subject<DefaultedClaimSpec>, found: Findings): void {
  immutable('spec.pool', old?.pool, spec.pool, found);
  immutable('spec.value', old?.value, spec.value, found);
  immutable('spec.purpose', old?.purpose, spec.purpose, found);
  for (const member of ['kind', 'namespace', 'name', 'uid'] as const) {
    immutable(`spec.owner.${member}`, old?.owner[member], spec.owner[member], found);
  }
}
