import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { SwitchProfileSpec } from '../kinds/switchprofile.ts';

export function switchProfileRules(_subject: Subject<SwitchProfileSpec>, _found: Findings): void {}
