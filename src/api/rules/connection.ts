import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { ConnectionSpec } from '../kinds/connection.ts';

export function connectionRules(_subject: Subject<ConnectionSpec>, _found: Findings): void {}
