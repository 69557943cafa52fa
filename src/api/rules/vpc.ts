import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { VpcSpec } from '../kinds/vpc.ts';

export function vpcRules(_subject: Subject<VpcSpec>, _found: Findings): void {}
