import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { FabricSpec } from '../kinds/fabric.ts';

export function fabricRules(_subject: Subject<FabricSpec>, _found: Findings): void {}
