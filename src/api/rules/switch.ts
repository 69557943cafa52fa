import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { SwitchSpec } from '../kinds/switch.ts';

export function switchRules(_subject: Subject<SwitchSpec>, _found: Findings): void {}
