/**
 * Hosts behind this device's ports. Each is written down, MAC and address, because a host that never spoke is otherwise
 * unknown to the other leaves, and traffic to it ends there.
 */
import type { HostRow } from '../../../goal/rows.ts';
import { fdbOn, fdbPrefix, fdbWord, neighbourPrefix, neighbourWord } from '../entries.ts';
import { frrKey, linkKey, neighbour } from '../model.ts';
import { doorsOf, isEthernetSegment } from './doors.ts';
import type { Door, Doors } from './doors.ts';
import { mayLease } from './leaseholders.ts';
import type { Rendering } from './render.ts';
import { sharedListKey } from './shared.ts';

export const renderHosts = (rendering: Rendering): void => {
  const doors = doorsOf(rendering);
  for (const [key, host] of rendering.goal.host) renderHost(rendering, doors, `host/${key}`, host);
  renderLeaseholders(rendering);
};

/**
 * Machines that nobody declared and that have an address of this device: where they are the bridge learns by itself (and
 * keeps it for as long as a lease), but what address is theirs it would forget when they fall silent.
 */
const renderLeaseholders = ({ goal, actual, add, isThere }: Rendering): void => {
  for (const item of actual.items.values()) {
    const segment = item.kind === 'dhcp' ? goal.segment.get(`${item.state.segment}`) : undefined;
    if (item.kind !== 'dhcp' || segment === undefined || segment.mode === 'l3' || !goal.vrf.has(segment.vrf)) continue;
    for (const { address, mac } of item.state.leases) {
      if (goal.host.has(`${segment.vni}/${address}`) || !mayLease(goal, segment.vni, mac, address)) continue;
      const state = { place: segment.vrf, device: `br${segment.vni}`, address, mac, advertised: false };
      const entry = neighbour(state);
      // FRR tells of it while the machine is here, and does not when it has moved to another leaf: both are right.
      const isRight = [false, true].some((advertised) =>
        isThere(neighbourPrefix(state.place, state.device), address, neighbourWord({ ...state, advertised }), entry.needs));
      if (!isRight) add(entry);
    }
  }
};

const renderHost = (rendering: Rendering, doors: Doors, row: string, host: HostRow): void => {
  const { goal, add, isThere } = rendering;
  const { vrf: place = '', mode } = goal.segment.get(`${host.segment}`) ?? {};
  const way = wayTo(rendering, doors, row, host);
  if (way === undefined) return;
  const { device, carrier } = way;
  const learned = fdbOn({ place, port: device, mac: host.mac }, carrier);
  if (!isThere(fdbPrefix(place, device), host.mac, fdbWord(carrier), learned.needs)) {
    add(isEthernetSegment(host.port) ? { ...learned, after: [sharedListKey] } : learned, row);
  }
  const bgp = goal.bgp.get('underlay');
  const state = { place, device: `br${host.segment}`, address: host.address, mac: host.mac, advertised: mode !== 'l3' && (bgp?.advertiseVnis ?? false) };
  const entry = neighbour(state);
  if (isThere(neighbourPrefix(place, state.device), host.address, neighbourWord(state), entry.needs)) return;
  const told = bgp === undefined ? [] : [frrKey([`router bgp ${bgp.asn}`, 'address-family l2vpn evpn'])];
  const shared = isEthernetSegment(host.port) ? [sharedListKey] : [];
  add({ ...entry, after: [learned.key, linkKey(place, `vx${host.segment}`), ...told, ...shared] }, row);
};

/**
 * The door that the host is behind. None when it is multihomed and has no working link to this device: then the others of the
 * group have one, and this one learns from them.
 */
export const wayTo = ({ goal, refuse }: Rendering, doors: Doors, row: string, { segment, address, port, vlan }: HostRow): Door | undefined => {
  const place = goal.segment.get(`${segment}`)?.vrf;
  const attached = goal.attachment.get(vlan === undefined ? port : `${port}.${vlan}`)?.segment === segment;
  if (place === undefined || !attached) {
    const behind = `host ${address} is behind ${vlan === undefined ? '' : `VLAN ${vlan} of `}port "${port}"`;
    refuse(row, 'Conflict', `${behind}, which is not attached to segment ${segment}`);
    return undefined;
  }
  const door = doors.door(port, vlan ?? 0, place);
  if (isEthernetSegment(port)) return door?.silent === true ? undefined : door;
  if (door === undefined) refuse(row, 'Conflict', `host ${address} is behind port "${port}", which cannot be attached on this device`);
  return door;
};
