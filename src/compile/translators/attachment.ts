/**
 * VPCAttachment -> on its leaf: membership in the VPC, the segment with its gateway, the port in the segment, and the host
 * behind it. A leaf holds exactly the segments that something is attached to there; the others it reaches by the L3VNI
 * (symmetric IRB, RFC 9135 §4). Attachments of one segment on one leaf hand in the same row, which stays until the last of
 * them is gone.
 */
import { prefixLength } from '../../net/prefix.ts';
import { tenantKey } from '../intent.ts';
import { attachmentResolution, type ResolvedAttachment } from '../resolve/attachment.ts';
import type { Facts, ScopedRow, Translator } from '../view.ts';
import { hostRows } from './host.ts';
import { subnetRows, type SubnetRows } from './segment.ts';

export const attachmentTranslator: Translator = {
  name: 'attachment',
  kind: 'VPCAttachment',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(attachmentResolution, tenantKey(object));
    const shared = value && view.query(subnetRows, `${value.place.vpc}/${value.place.name}`);
    if (value === undefined || shared === undefined) return { rows: [], findings, demands };
    return { rows: [...rowsOf(value, shared), ...hostRows(value)], findings, demands, facts: factsOf(value) };
  },
};

const rowsOf = ({ place, segment, connection }: ResolvedAttachment, { member, segment: segmentRow }: SubnetRows): ScopedRow[] => {
  const from = [place.overlay.vpc];
  return connection.legs.flatMap(({ leaf: { scope }, port }): ScopedRow[] => [
    { scope, row: member, from },
    { scope, row: segmentRow, from },
    {
      scope,
      row: { table: 'attachment', key: port, value: { port, segment } },
      from: [place.overlay.vpc, connection.connection],
    },
  ]);
};

const factsOf = ({ connection, address, place }: ResolvedAttachment): Facts => {
  const [server, ports] = [connection.server.name, connection.legs.flatMap(({ links }) => links.map(({ leafEnd }) => leafEnd))];
  return address === undefined ? { server, ports } : { server, ports, address: `${address}/${prefixLength(place.subnet.prefix)}` };
};
