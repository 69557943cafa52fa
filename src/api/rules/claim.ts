import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { ClaimSpec } from '../kinds/claim.ts';

export function claimRules(_subject: Subject<ClaimSpec>, _found: Findings): void {}
