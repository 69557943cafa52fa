import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { ServerSpec } from '../kinds/server.ts';

export function serverRules(_subject: Subject<ServerSpec>, _found: Findings): void {}
