import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { VpcPeeringSpec } from '../kinds/vpcpeering.ts';

export function vpcPeeringRules(_subject: Subject<VpcPeeringSpec>, _found: Findings): void {}
