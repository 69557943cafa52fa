import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { AddressSpaceSpec } from '../kinds/addressspace.ts';

export function addressSpaceRules(_subject: Subject<AddressSpaceSpec>, _found: Findings): void {}
