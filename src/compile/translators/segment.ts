/** A subnet -> its segment with the gateway, and membership in its VPC: the same rows on every device that something is attached to. */
import type { Row, SegmentRow } from '../../goal/rows.ts';
import { interfaceAddress } from '../../net/interfaceaddress.ts';
import { subnetResolution, type SubnetPlace } from '../resolve/attachment.ts';
import { query } from '../view.ts';

/** Rows that are the same on every leaf. */
export interface SubnetRows {
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
