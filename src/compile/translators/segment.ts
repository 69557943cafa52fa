/** A subnet -> its segment with the gateway, and membership in its VPC: the same rows on every device that something is attached to. */
import type { Row, SegmentRow } from '../../goal/rows.ts';
import { interfaceAddress } from '../../net/interfaceaddress.ts';
import { subnetResolution, type SubnetPlace } from '../resolve/attachment.ts';
import { query } from '../view.ts';

/** Rows that are the same on every leaf: membership, the segment, and what hosts may announce. */
export type SubnetRows = readonly Row[];

/** Key: `namespace/vpc/subnet`. Made once for all attachments. */
export const subnetRows = query('subnetRows', (view, key): SubnetRows | undefined => {
  const { place } = view.query(subnetResolution, key);
  const vni = place?.subnet.vni;
  if (place === undefined || vni === undefined) return undefined;
  const { scope } = place.overlay;
  return [
    { table: 'member', key: scope, value: { scope } },
    { table: 'segment', key: `${vni}`, value: segmentOf(place, vni) },
    ...hostPeeringOf(place, vni),
  ];
});

const segmentOf = ({ vpc, name, overlay, subnet }: SubnetPlace, vni: SegmentRow['vni']): SegmentRow => {
  const { prefix, gateway, ipv6, dhcp } = subnet;
  return {
    vni,
    vrf: overlay.vrf,
    gateways: [{ prefix, gateway }, ...(ipv6 === undefined ? [] : [ipv6])].map((network) => interfaceAddress(network.gateway, network.prefix)),
    mtu: overlay.mtu,
    description: `${vpc}/${name}`,
    ...(overlay.mode === 'l3' ? { mode: 'l3' } : {}),
    ...(subnet.restricted === true ? { restricted: true } : {}),
    ...(ipv6 === undefined ? {} : { ipv6: ipv6.addressing }),
    ...(dhcp === undefined ? {} : { dhcp }),
  };
};

const hostPeeringOf = ({ overlay, subnet }: SubnetPlace, vni: SegmentRow['vni']): Row[] => {
  const { announceable: accept, prefix, ipv6 } = subnet;
  if (accept === undefined) return [];
  const range = ipv6 === undefined ? [prefix] : [prefix, ipv6.prefix];
  return [{ table: 'hostPeering', key: `${vni}`, value: { segment: vni, vrf: overlay.vrf, range, accept } }];
};
