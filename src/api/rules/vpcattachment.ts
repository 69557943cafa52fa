import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { VpcAttachmentSpec } from '../kinds/vpcattachment.ts';

export function vpcAttachmentRules(_subject: Subject<VpcAttachmentSpec>, _found: Findings): void {}
