/**
 * VPCAttachment -> on its leaf: membership in the VPC, the segment with its gateway, and the port in the segment. A leaf
 * holds exactly the segments that something is attached to there; the others it reaches by the L3VNI (symmetric IRB, RFC
 * 9135 §4). Attachments of one segment on one leaf hand in the same row, which stays until the last of them is gone.
 */
import { deviceScope, vpcScope, type SegmentRow } from '../../goal/rows.ts';
import { interfaceAddress } from '../../net/interfaceaddress.ts';
import { prefixLength } from '../../net/prefix.ts';
import { clusterRef, specOf, tenantKey, tenantRef } from '../intent.ts';
import { attachmentResolution, type ResolvedAttachment } from '../resolve/attachment.ts';
import type { Facts, ScopedRow, Translator } from '../view.ts';

export const attachmentTranslator: Translator = {
  name: 'attachment',
  kind: 'VPCAttachment',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(attachmentResolution, tenantKey(object));
    if (value === undefined) return { rows: [], findings, demands };
    return { rows: rowsOf(value, specOf('VPCAttachment', object).connection), findings, demands, facts: factsOf(value) };
  },
};

const rowsOf = (attachment: ResolvedAttachment, connection: string): ScopedRow[] => {
  const { leaf, l3vni, segment, port, vpc } = attachment;
  const scope = deviceScope(leaf);
  const from = [tenantRef('VPC', vpc)];
  const held = vpcScope(l3vni);
  return [
    { scope, from, row: { table: 'member', key: held, value: { scope: held } } },
    { scope, from, row: { table: 'segment', key: `${segment}`, value: segmentRow(attachment) } },
    {
      scope,
      from: [...from, clusterRef('Connection', connection)],
      row: { table: 'attachment', key: port, value: { port, segment } },
    },
  ];
};

const segmentRow = ({ segment, vrf, prefixes, mtu, vpc, subnet }: ResolvedAttachment): SegmentRow => ({
  vni: segment,
  vrf,
  gateways: [interfaceAddress(prefixes.gateway, prefixes.prefix)],
  mtu,
  description: `${vpc}/${subnet}`,
  ...(prefixes.dhcp === undefined ? {} : { dhcp: prefixes.dhcp }),
});

const factsOf = ({ server, ports, address, prefixes }: ResolvedAttachment): Facts => ({
  server,
  ports,
  ...(address === undefined ? {} : { address: `${address}/${prefixLength(prefixes.prefix)}` }),
});
