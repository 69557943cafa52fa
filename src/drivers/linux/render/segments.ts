/** A subnet on this device: bridge, VXLAN, and the gateway address that every leaf has alike. */
import type { SegmentRow } from '../../../goal/rows.ts';
import { address, bridge, vxlan } from '../model.ts';
import { renderDhcp, type Hosts } from './dhcp.ts';
import type { Rendering } from './render.ts';

export const renderSegments = (rendering: Rendering): void => {
  const hosts = Map.groupBy(rendering.goal.host, ([, { segment }]) => segment);
  for (const [key, segment] of rendering.goal.segment) {
    renderSegment(rendering, `segment/${key}`, segment, hosts.get(segment.vni) ?? []);
  }
};

const renderSegment = (rendering: Rendering, row: string, segment: SegmentRow, hosts: Hosts): void => {
  const { goal, add, refuse } = rendering;
  const { vni, vrf: place, mtu, gateways } = segment;
  const vtep = goal.vtep.get('self');
  if (vtep === undefined || !goal.vrf.has(place)) {
    refuse(row, 'Conflict', `VRF "${place}" of segment ${vni} cannot be on this device: ${vtep === undefined ? 'it has no overlay source address' : 'its row is missing'}`);
    return;
  }
  const name = `br${vni}`;
  add(bridge({ place, name, mtu, mac: vtep.anycastMac, up: true }), row);
  add(
    vxlan({ place, name: `vx${vni}`, vni, local: vtep.address, mtu, master: name, learning: false, suppressNeighbours: true,
      up: true }),
    row,
  );
  for (const gateway of gateways) add(address({ place, device: name, address: gateway }), row);
  if (segment.dhcp !== undefined) renderDhcp(rendering, row, segment, segment.dhcp, hosts.filter(([, { address: at }]) => at.includes('.')));
};
