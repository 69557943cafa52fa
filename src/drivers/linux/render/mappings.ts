/**
 * Hosts that Heddle does not manage, behind VTEPs that need not speak EVPN. Each leaf that has the segment writes them down
 * itself: the MAC at its VTEP, and the neighbour, which the bridge answers ARP from and the gateway routes by. Leaves without
 * the segment reach them through one that has it, as they do every host of a subnet (its prefix is a type-5 route).
 */
import type { MappingRow } from '../../../goal/rows.ts';
import { neighbour, tunnel } from '../model.ts';
import type { Rendering } from './render.ts';

export const renderMappings = (rendering: Rendering): void => {
  const { goal, refuse } = rendering;
  if (goal.mapping.size === 0) return;
  const hosts = new Map([...goal.host.values()].map(({ segment, mac, address }) => [`${segment} ${mac}`, `host ${address} of this device`]));
  const places = new Map<string, string>();
  for (const [key, mapping] of goal.mapping) {
    const { segment, mac } = mapping;
    if (!goal.segment.has(`${segment}`)) continue;
    const place = `${mapping.vtep} ${mapping.vni ?? ''}`;
    const station = `${segment} ${mac}`;
    const before = places.get(station);
    places.set(station, before ?? place);
    const taken = hosts.get(station) ?? (before === undefined || before === place ? undefined : 'another mapping, behind another VTEP');
    if (taken === undefined) renderMapping(rendering, `mapping/${key}`, mapping);
    else refuse(`mapping/${key}`, 'Conflict', `MAC address "${mac}" in segment ${segment} is that of ${taken}`);
  }
};

const renderMapping = ({ goal, add }: Rendering, row: string, { segment, address, mac, vtep, vni }: MappingRow): void => {
  const place = goal.segment.get(`${segment}`)?.vrf ?? '';
  const state = { place, device: `vx${segment}`, mac, vtep, bridged: true };
  const behind = tunnel(vni === undefined ? state : { ...state, vni });
  add(behind, row);
  // Never advertised: zebra takes it for a host of its own only when the MAC address is at one of its ports.
  add({ ...neighbour({ place, device: `br${segment}`, address, mac, advertised: false }), after: [behind.key] }, row);
};
