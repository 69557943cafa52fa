/**
 * VPCAttachment -> on its leaf: membership in the VPC, the segment with its gateway, the port in the segment, and the host
 * behind it. A leaf holds exactly the segments that something is attached to there; the others it reaches by the L3VNI
 * (symmetric IRB, RFC 9135 §4). Attachments of one segment on one leaf hand in the same row, which stays until the last of
 * them is gone.
 */
import type { Row, SegmentRow } from '../../goal/rows.ts';
import { interfaceAddress } from '../../net/interfaceaddress.ts';
import { prefixLength } from '../../net/prefix.ts';
import { tenantKey } from '../intent.ts';
import { attachmentResolution, subnetResolution, type ResolvedAttachment, type SubnetPlace } from '../resolve/attachment.ts';
import { query, type Facts, type ScopedRow, type Translator } from '../view.ts';
import { hostRows } from './host.ts';

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

/** Rows that are the same on every leaf. */
interface SubnetRows {
  readonly member: Row;
  readonly segment: Row;
}

/** Key: `namespace/vpc/subnet`. Made once for all attachments. */
export const subnetRows = query('subnetRows', (view, key): SubnetRows | undefined => {
  const { place } = view.query(subnetResolution, key);
  const vni = place?.subnet.vni;
  if (place === undefined || vni === undefined) return undefined;
  const { scope } = place.overlay;
  return {
    member: { table: 'member', key: scope, value: { scope } },
    segment: { table: 'segment', key: `${vni}`, value: segmentOf(place, vni) },
  };
});

const segmentOf = ({ vpc, name, overlay, subnet }: SubnetPlace, vni: SegmentRow['vni']): SegmentRow => ({
  vni,
  vrf: overlay.vrf,
  gateways: [interfaceAddress(subnet.gateway, subnet.prefix)],
  mtu: overlay.mtu,
  description: `${vpc}/${name}`,
  ...(subnet.dhcp === undefined ? {} : { dhcp: subnet.dhcp }),
});

const rowsOf = ({ place, segment, connection }: ResolvedAttachment, { member, segment: segmentRow }: SubnetRows): ScopedRow[] => {
  const { scope } = connection.leaf;
  const { port } = connection;
  const from = [place.overlay.vpc];
  return [
    { scope, row: member, from },
    { scope, row: segmentRow, from },
    {
      scope,
      row: { table: 'attachment', key: port, value: { port, segment } },
      from: [place.overlay.vpc, connection.connection],
    },
  ];
};

const factsOf = ({ connection, address, place }: ResolvedAttachment): Facts => {
  const [server, ports] = [connection.server.name, connection.links.map(({ leafEnd }) => leafEnd)];
  return address === undefined ? { server, ports } : { server, ports, address: `${address}/${prefixLength(place.subnet.prefix)}` };
};
