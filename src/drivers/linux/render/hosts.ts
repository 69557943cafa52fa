/**
 * Hosts behind this device's ports. Each is written down, MAC and address, because a host that never spoke is otherwise
 * unknown to the other leaves, and traffic to it ends there.
 */
import type { HostRow } from '../../../goal/rows.ts';
import { fdbOn, fdbPrefix, fdbWord, neighbourPrefix, neighbourWord } from '../entries.ts';
import { frrKey, linkKey, neighbour } from '../model.ts';
import { bondName } from './ports.ts';
import type { Rendering } from './render.ts';

export const renderHosts = (rendering: Rendering): void => {
  for (const [key, host] of rendering.goal.host) renderHost(rendering, `host/${key}`, host);
};

const renderHost = (rendering: Rendering, row: string, host: HostRow): void => {
  const { goal, actual, add, isThere, refuse } = rendering;
  const segment = goal.segment.get(`${host.segment}`);
  const attached = goal.attachment.get(host.port)?.segment === host.segment;
  if (segment === undefined || !attached) {
    refuse(row, 'Conflict', `host ${host.address} is behind port "${host.port}", which is not attached to segment ${host.segment}`);
    return;
  }
  const direct = goal.port.get(host.port);
  if (direct === undefined && ![...goal.port.values()].some(({ bundle }) => bundle === host.port)) {
    refuse(row, 'Conflict', `host ${host.address} is behind port "${host.port}", which is not cabled on this device`);
    return;
  }
  if (direct === undefined && !actual.capabilities.has('bond')) {
    refuse(row, 'Unsupported', `host ${host.address} is behind bundle "${host.port}", and this switch cannot aggregate links`);
    return;
  }
  const place = segment.vrf;
  const name = direct?.interface ?? bondName(rendering, host.port);
  const carrier = direct === undefined ? 'bond' : 'port';
  const learned = fdbOn({ place, port: name, mac: host.mac }, carrier);
  if (!isThere(fdbPrefix(place, name), host.mac, fdbWord(carrier), learned.needs)) add(learned, row);
  const bgp = goal.bgp.get('underlay');
  const state = { place, device: `br${host.segment}`, address: host.address, mac: host.mac, advertised: bgp?.advertiseVnis ?? false };
  const entry = neighbour(state);
  if (isThere(neighbourPrefix(place, state.device), host.address, neighbourWord(state), entry.needs)) return;
  const told = bgp === undefined ? [] : [frrKey([`router bgp ${bgp.asn}`, 'address-family l2vpn evpn'])];
  add({ ...entry, after: [learned.key, linkKey(place, `vx${host.segment}`), ...told] }, row);
};
