/** Rules of a VPCAttachment. Whether what it names exists is judged among the other objects, later. */
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedVpcAttachmentSpec } from '../kinds/vpcattachment.ts';
import { parseSubdomain } from '../names.ts';
import { usableAddress } from './addresses.ts';

export function vpcAttachmentRules({ spec }: Subject<DefaultedVpcAttachmentSpec>, found: Findings): void {
  found.parsed('spec.connection', parseSubdomain(spec.connection));
  if (spec.address !== undefined) usableAddress('spec.address', spec.address, found);
  if (spec.ipv6Address !== undefined) usableAddress('spec.ipv6Address', spec.ipv6Address, found, 6);
}
