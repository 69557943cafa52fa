/**
 * A subnet on this device: bridge, VXLAN, and the gateway address that every leaf has alike. Without VXLAN where every host is a
 * route of its own (mode l3).
 */
import type { SegmentRow } from '../../../goal/rows.ts';
import { address, bridge, sysctl, vxlan } from '../model.ts';
import { usualAgeing } from '../steps/link.ts';
import type { Rendering } from './render.ts';
import { routedSysctls } from './sysctls.ts';

export const renderSegments = (rendering: Rendering): void => {
  for (const [key, segment] of rendering.goal.segment) renderSegment(rendering, `segment/${key}`, segment);
};

const renderSegment = (rendering: Rendering, row: string, segment: SegmentRow): void => {
  const { goal, add, refuse } = rendering;
  const { vni, vrf: place, mtu, gateways } = segment;
  const vtep = goal.vtep.get('self');
  if (vtep === undefined || !goal.vrf.has(place)) {
    refuse(row, 'Conflict', `VRF "${place}" of segment ${vni} cannot be on this device: ${vtep === undefined ? 'it has no overlay source address' : 'its row is missing'}`);
    return;
  }
  const name = `br${vni}`;
  add(bridge({ place, name, mtu, mac: vtep.anycastMac, up: true, ...ageingOf(rendering, segment) }), row);
  if (segment.mode === 'l3') add(sysctl({ place, device: name, values: routedSysctls(name) }), row);
  else {
    add(
      vxlan({ place, name: `vx${vni}`, vni, local: vtep.address, mtu, master: name, learning: false, suppressNeighbours: true,
        up: true }),
      row,
    );
  }
  for (const gateway of gateways) add(address({ place, device: name, address: gateway }), row);
};

/** Most seconds that a MAC address is kept. */
const longestAgeing = 7 * 24 * 3600;

/** Who holds a lease is heard of again before it ends; until then even a silent machine that nobody declared stays known. */
const ageingOf = ({ goal }: Rendering, { vni, dhcp }: SegmentRow): { readonly ageing?: number } => {
  const isOpen = dhcp !== undefined && dhcp.relay === undefined && [...goal.dhcpRange.values()].some(({ segment }) => segment === vni);
  return isOpen && dhcp.leaseSeconds > usualAgeing ? { ageing: Math.min(dhcp.leaseSeconds, longestAgeing) } : {};
};
