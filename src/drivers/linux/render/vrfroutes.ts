/**
 * Routes of a VPC beside those to its subnets: single hosts where nothing is stretched, and static routes. The kernel holds
 * them, FRR tells the other leaves (EVPN type 5) of those that belong to the VPC itself, and so never of what peers have.
 */
import type { PrefixMatch, RouteRow, SegmentRow } from '../../../goal/rows.ts';
import type { Address } from '../../../net/brand.ts';
import { familyOf, hostPrefix } from '../../../net/address.ts';
import { width } from '../../../net/bits.ts';
import { networkOf } from '../../../net/interfaceaddress.ts';
import { contains } from '../../../net/prefix.ts';
import { frrContext } from '../frr/context.ts';
import { exactly, prefixListLines, wordOf } from '../frr/lists.ts';
import { deviceSysctlKey, frrKey, linkKey, route } from '../model.ts';
import type { Hop, ItemKey } from '../model.ts';
import { doorsOf } from './doors.ts';
import { wayTo } from './hosts.ts';
import type { Rendering } from './render.ts';

export const renderVrfRoutes = (rendering: Rendering): void => {
  const routed = [...rendering.goal.segment].filter(([, { mode }]) => mode === 'l3');
  const own: readonly Told[] = [...routed.flatMap(([key, segment]) => hostsOf(`segment/${key}`, segment)), ...renderStatic(rendering)];
  if (routed.length > 0) renderHostRoutes(rendering);
  for (const [vrf, told] of Map.groupBy(own, (each) => each.vrf)) renderTelling(rendering, vrf, told);
};

/** What other leaves are told of. */
interface Told {
  readonly vrf: string;
  readonly match: PrefixMatch;
  readonly row: string;
}

const hostsOf = (row: string, { vrf, gateways }: SegmentRow): Told[] =>
  gateways.map(networkOf).map((prefix) => ({ vrf, row, match: { prefix, minLength: width(familyOf(prefix)), maxLength: width(familyOf(prefix)) } }));

const renderHostRoutes = (rendering: Rendering): void => {
  const { goal, add } = rendering;
  // Whether a host can be on this device is told elsewhere.
  const doors = doorsOf(rendering);
  for (const [key, host] of goal.host) {
    const segment = goal.segment.get(`${host.segment}`);
    if (segment?.mode !== 'l3' || wayTo({ ...rendering, refuse: () => {} }, doors, `host/${key}`, host) === undefined) continue;
    const device = `br${host.segment}`;
    const item = route({ place: segment.vrf, prefix: hostPrefix(host.address), via: '', device }, linkKey(segment.vrf, device));
    add({ ...item, after: [deviceSysctlKey(segment.vrf, device)] }, `host/${key}`);
  }
};

const renderStatic = (rendering: Rendering): readonly Told[] => {
  const { goal, items, add, refuse } = rendering;
  return [...goal.route].flatMap(([key, row]): readonly Told[] => {
    const { vrf, prefix } = row;
    const id = `route/${key}`;
    const own = goal.vrf.get(vrf);
    if (own === undefined || own.external !== undefined) return [];
    const hops = hopsOf(rendering, row);
    const [first, ...others] = hops;
    if (first === undefined) return [];
    const state = { place: vrf, prefix, via: first.via, device: first.device };
    const item = route(others.length === 0 ? state : { ...state, others: others.map(({ via, device }) => ({ via, device })) }, linkKey(vrf, first.device));
    if (items.has(item.key)) {
      refuse(id, 'Conflict', `"${prefix}" leads to a peered VPC already`);
      return [];
    }
    const needs = [...new Set(hops.map(({ device }) => linkKey(vrf, device)))];
    add({ ...item, needs, after: hops.flatMap(({ after }) => after) }, id);
    return [{ vrf, row: id, match: exactly(prefix) }];
  });
};

/** In order of the addresses, so that a route is the same whatever order they were written in. */
const hopsOf = ({ goal }: Rendering, { vrf, nextHops }: RouteRow): (Hop & { readonly after: readonly ItemKey[] })[] =>
  nextHops.toSorted().flatMap((via) => {
    const segment = [...goal.segment.values()].find((each) => each.vrf === vrf && isDirect(goal.host, each, via));
    if (segment === undefined) return [];
    const device = `br${segment.vni}`;
    return [{ via, device, after: segment.gateways.map((gateway) => `address/${vrf}/${device}/${gateway}`) }];
  });

/** Where nothing is stretched only this device's own hosts are reached directly. */
const isDirect = (hosts: Rendering['goal']['host'], { vni, mode, gateways }: SegmentRow, via: Address): boolean =>
  gateways.some((gateway) => contains(networkOf(gateway), via)) && (mode !== 'l3' || hosts.has(`${vni}/${via}`));

const words = [['ip', 'ipv4', 10], ['ipv6', 'ipv6', 20]] as const;

/** The kernel also holds routes to peers, which must not be told: only what matches one of the VPC's own lists is. */
const renderTelling = ({ goal, add, configure }: Rendering, vrf: string, told: readonly Told[]): void => {
  const bgp = goal.bgp.get('underlay');
  if (bgp === undefined) return;
  const map = `${vrf}-own`;
  const top = `router bgp ${bgp.asn} vrf ${vrf}`;
  for (const [word, family, number] of words) {
    const own = told.filter(({ match }) => wordOf(match.prefix) === word);
    if (own.length === 0) continue;
    const rows = own.map(({ row }) => row);
    const list = `${word} prefix-list ${map}`;
    const clause = [`route-map ${map} permit ${number}`];
    add(frrContext([list], prefixListLines(own.map(({ match }) => match))), ...rows);
    add({ ...frrContext(clause, [`match ${word} address prefix-list ${map}`]), after: [frrKey([list])] }, ...rows);
    configure([top, `address-family ${family} unicast`], [`redistribute kernel route-map ${map}`], [frrKey(clause)], rows);
  }
};

