/**
 * Hosts that are multihomed, without an Ethernet segment of FRR's, which needs a bond and VLAN-aware bridges (FRR 8.4; on other
 * ports it announces no auto-discovery routes, and other leaves then know no VTEP for the MAC addresses and flood). Each leaf
 * of the group says of a host that it is behind it, as of any other. Of two such routes zebra would take that of the lower VTEP
 * for a move and give up its own entries, so a leaf does not listen to what others say of the hosts behind its own links, as
 * long as these have carrier. Others route to all of the leaves, and bridge to one of them until it takes its word back.
 */
import type { HostRow, PortRow } from '../../../goal/rows.ts';
import { frrContext } from '../frr/context.ts';
import { address, frrKey } from '../model.ts';
import type { ItemKey } from '../model.ts';
import { doorsOf, isEthernetSegment } from './doors.ts';
import type { Rendering } from './render.ts';

const name = 'FAB-SHARED';
const listPath = [`mac access-list ${name}`];
const maps = [
  { path: [`route-map ${name} deny 10`], lines: [`match mac address ${name}`] },
  { path: [`route-map ${name} permit 20`], lines: [] },
] as const;

/** What a host that is shared comes after: from here on nobody else's word of it is taken. */
export const sharedListKey: ItemKey = frrKey(listPath);

/** Lines of the overlay's address family on a leaf that shares servers. */
export const sharedLines = ({ goal }: Rendering, group: string): readonly string[] =>
  sharesServers(goal.port.values()) ? [`neighbor ${group} soft-reconfiguration inbound`, `neighbor ${group} route-map ${name} in`] : [];

export const sharedMapKeys: readonly ItemKey[] = maps.map(({ path }) => frrKey(path));

/** The maps stay on every leaf: a neighbour whose map is taken away is refused everything. */
export const renderShared = (rendering: Rendering): void => {
  const { goal, add } = rendering;
  const bgp = goal.bgp.get('underlay');
  if (bgp?.advertiseVnis !== true) return;
  for (const { path, lines } of maps) add(frrContext(path, lines), 'bgp/underlay');
  if (!sharesServers(goal.port.values())) return;
  anchor(rendering);
  const doors = doorsOf(rendering);
  const hosts = [...goal.host].filter(([, { port }]) => isEthernetSegment(port));
  const isHere = ({ port, vlan, segment }: HostRow): boolean => {
    const place = goal.segment.get(`${segment}`)?.vrf;
    return place !== undefined && doors.door(port, vlan ?? 0, place)?.silent === false;
  };
  const own = hosts.filter(([, host]) => isHere(host));
  const macs = [...new Set(own.map(([, { mac }]) => mac))].toSorted();
  if (macs.length === 0) return;
  // Numbers follow from the addresses, so that one comes or goes without the others.
  const list = frrContext(listPath, macs.map((mac) => `seq ${numberOf(mac)} permit ${mac}`));
  add({ ...list, after: [frrKey([`router bgp ${bgp.asn}`, 'address-family l2vpn evpn'])] }, own.map(([key]) => `host/${key}`));
};

/**
 * An address in each VRF that only this leaf announces. When a route of several next hops loses one, zebra on other leaves
 * forgets the router MAC of those that are left, unless a route that did not change has it too (FRR 8.4).
 */
const anchor = ({ goal, add }: Rendering): void => {
  const routerId = goal.bgp.get('underlay')?.routerId;
  if (routerId === undefined) return;
  for (const [key, { name: place }] of goal.vrf) add(address({ place, device: 'lo', address: `${routerId}/32` }), `vrf/${key}`);
};

const sharesServers = (ports: Iterable<PortRow>): boolean => {
  for (const { esi } of ports) if (esi !== undefined) return true;
  return false;
};

/** The last four octets, of which two alike are hardly ever met behind one leaf, and never 0. */
const numberOf = (mac: string): number => Math.max(1, Number.parseInt(mac.replaceAll(':', '').slice(-8), 16));
