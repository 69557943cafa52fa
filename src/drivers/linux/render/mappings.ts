/**
 * Hosts that Heddle does not manage, behind VTEPs that need not speak EVPN. Each leaf that has the segment writes them down
 * itself: the MAC at its VTEP, and the neighbour, which the bridge answers ARP from and the gateway routes by. Leaves without
 * the segment reach them through one that has it, as they do every host of a subnet (its prefix is a type-5 route).
 */
import type { HostRow, MappingRow } from '../../../goal/rows.ts';
import type { GoalTables } from '../../../goal/tables.ts';
import { getOrMake } from '../../../kit/maps.ts';
import type { Mac, Vni } from '../../../net/brand.ts';
import { neighbourPrefix, tunnelPrefix, tunnelWord } from '../entries.ts';
import { linkKey, neighbour, tunnel } from '../model.ts';
import type { ItemKey, Place } from '../model.ts';
import type { Rendering } from './render.ts';

export const renderMappings = (rendering: Rendering): void => {
  const { goal } = rendering;
  if (goal.mapping.size === 0) return;
  const stations = new Stations(goal);
  const segments = new Map<Vni, Segment | undefined>();
  for (const [key, mapping] of goal.mapping) {
    const { segment: vni } = mapping;
    if (!segments.has(vni)) segments.set(vni, segmentOf(rendering, vni));
    const segment = segments.get(vni);
    if (goal.segment.get(`${vni}`)?.mode === 'l3') {
      rendering.refuse(`mapping/${key}`, 'Unsupported', `segment ${vni} is not stretched, so no host elsewhere can be in it`);
    } else if (segment !== undefined) renderMapping(rendering, key, mapping, segment, stations);
  }
};

/** What all mappings of a segment have in common. */
interface Segment {
  readonly place: Place;
  readonly tunnels: string;
  readonly neighbours: string;
  readonly tunnelNeeds: readonly ItemKey[];
  readonly neighbourNeeds: readonly ItemKey[];
}

const segmentOf = ({ goal }: Rendering, vni: Vni): Segment | undefined => {
  const place = goal.segment.get(`${vni}`)?.vrf;
  if (place === undefined) return undefined;
  const [vx, br] = [`vx${vni}`, `br${vni}`];
  return {
    place,
    tunnels: tunnelPrefix(place, vx),
    neighbours: neighbourPrefix(place, br),
    tunnelNeeds: [linkKey(place, vx)],
    neighbourNeeds: [linkKey(place, br)],
  };
};

/**
 * Where each MAC address is. Of mappings that contradict one another the one with the first key counts: the order of rows is that
 * of their coming, which is another one after a restart, and traffic must not move for that.
 */
class Stations {
  readonly #hosts = new Map<string, HostRow>();
  readonly #mappings: GoalTables['mapping'];
  readonly #firsts = new Map<Vni, Map<Mac, string>>();

  constructor({ host, mapping }: GoalTables) {
    this.#mappings = mapping;
    for (const each of host.values()) this.#hosts.set(`${each.segment} ${each.mac}`, each);
    for (const [key, { segment, mac }] of mapping) {
      const firsts = getOrMake(this.#firsts, segment, () => new Map<Mac, string>());
      const before = firsts.get(mac);
      if (before === undefined || key < before) firsts.set(mac, key);
    }
  }

  /** What speaks against a mapping, or nothing. */
  against(key: string, { segment, mac, vtep, vni }: MappingRow): string | undefined {
    const host = this.#hosts.size === 0 ? undefined : this.#hosts.get(`${segment} ${mac}`);
    if (host !== undefined) return `host ${host.address} of this device`;
    const first = this.#firsts.get(segment)?.get(mac);
    if (first === undefined || first === key) return undefined;
    const other = this.#mappings.get(first);
    return other?.vtep === vtep && other.vni === vni ? undefined : `mapping "${first}", behind another VTEP`;
  }
}

const renderMapping = (
  { add, isThere, refuse }: Rendering, key: string, mapping: MappingRow, segment: Segment, stations: Stations,
): void => {
  const row = `mapping/${key}` as const;
  const { segment: vni, address, mac, vtep } = mapping;
  const { place, tunnels, neighbours, tunnelNeeds, neighbourNeeds } = segment;
  const state = { vtep, bridged: true, ...(mapping.vni === undefined ? {} : { vni: mapping.vni }) };
  const word = tunnelWord(state);
  const taken = stations.against(key, mapping);
  if (taken !== undefined) {
    refuse(row, 'Conflict', `MAC address "${mac}" in segment ${vni} is that of ${taken}`);
    return;
  }
  if (!isThere(tunnels, mac, word, tunnelNeeds)) add(tunnel({ place, device: `vx${vni}`, mac, ...state }), row);
  // Never advertised: zebra takes it for a host of its own only when the MAC address is at one of its ports.
  if (isThere(neighbours, address, mac, neighbourNeeds)) return;
  add({ ...neighbour({ place, device: `br${vni}`, address, mac, advertised: false }), after: [tunnels + mac] }, row);
};
