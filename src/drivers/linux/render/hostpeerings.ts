/**
 * Hosts that announce addresses of their own by BGP to the gateway. The gateway listens on a whole subnet, so that any of its
 * hosts may open a session, on whatever leaf it is; it believes what the subnet allows and tells nothing back. What it
 * believes is told to other leaves like everything else of the VRF.
 */
import type { HostPeeringRow, SegmentRow } from '../../../goal/rows.ts';
import { hostPrefix } from '../../../net/address.ts';
import { addressPart } from '../../../net/interfaceaddress.ts';
import { frrContext } from '../frr/context.ts';
import { exceptingListLines, wordOf } from '../frr/lists.ts';
import { frrKey } from '../model.ts';
import type { Rendering } from './render.ts';

/** Sessions of one VRF on one device. */
const mostSessions = 1000;
/** Prefixes of one host; a host that announces more loses its session for a minute. */
const mostPrefixes = 256;

const families = [['ip', 'ipv4'], ['ipv6', 'ipv6']] as const;

export const renderHostPeerings = (rendering: Rendering): void => {
  const { goal, refuse } = rendering;
  const bgp = goal.bgp.get('underlay');
  const own = new Map<string, Set<string>>([...goal.vrf.keys()].map((vrf) => [vrf, new Set()]));
  for (const [key, peering] of goal.hostPeering) {
    const row = `hostPeering/${key}`;
    const segment = goal.segment.get(`${peering.segment}`);
    const groups = own.get(peering.vrf);
    if (segment?.vrf !== peering.vrf || groups === undefined || bgp === undefined) {
      refuse(row, 'Conflict', `segment ${peering.segment} of VRF "${peering.vrf}" is not on this device`);
      continue;
    }
    groups.add(groupOf(peering));
    renderPeering(rendering, row, `router bgp ${bgp.asn} vrf ${peering.vrf}`, peering, segment);
  }
  if (bgp !== undefined) for (const [vrf, groups] of own) keepVanishing(rendering, `router bgp ${bgp.asn} vrf ${vrf}`, groups);
};

const groupOf = ({ segment }: HostPeeringRow): string => `hosts-${segment}`;
const silence = (vrf: string): string => `${vrf}-nothing`;

const renderPeering = ({ add, configure }: Rendering, row: string, top: string, peering: HostPeeringRow, { gateways }: SegmentRow): void => {
  const { vrf, range, accept } = peering;
  const group = groupOf(peering);
  const believed = `${vrf}-${group}`;
  const ranges = range.map((prefix) => `bgp listen range ${prefix} peer-group ${group}`);
  configure([top], [`neighbor ${group} peer-group`, `neighbor ${group} remote-as external`, `bgp listen limit ${mostSessions}`, ...ranges], [], row);
  for (const [word, family] of families) {
    const matches = accept.filter(({ prefix }) => wordOf(prefix) === word);
    const gateway = gateways.map(addressPart).filter((address) => wordOf(address) === word);
    const lists = [[believed, exceptingListLines(gateway.map(hostPrefix), matches)], [silence(vrf), exceptingListLines([], [])]] as const;
    for (const [name, entries] of lists) add(frrContext([`${word} prefix-list ${name}`], entries), row);
    // What is believed changes with a route map at once (within five seconds); with a list alone only for sessions to come.
    const policy = [`route-map ${believed}-${family} permit 10`];
    const list = frrKey([`${word} prefix-list ${believed}`]);
    add({ ...frrContext(policy, [`match ${word} address prefix-list ${believed}`]), after: [list] }, row);
    configure(
      [top, `address-family ${family} unicast`],
      [
        ...(family === 'ipv6' ? [`neighbor ${group} activate`] : []),
        `neighbor ${group} route-map ${believed}-${family} in`,
        `neighbor ${group} prefix-list ${silence(vrf)} out`,
        `neighbor ${group} maximum-prefix ${mostPrefixes} restart 1`,
      ],
      [frrKey(policy), frrKey([`${word} prefix-list ${silence(vrf)}`])],
      row,
    );
  }
};

/** Lines of a group that goes away FRR takes itself, and would refuse a "no" for them after that. */
const keepVanishing = ({ actual, configure }: Rendering, top: string, groups: ReadonlySet<string>): void => {
  for (const [, family] of families) {
    const path = [top, `address-family ${family} unicast`];
    const there = actual.items.get(frrKey(path));
    if (there?.kind !== 'frr') continue;
    const gone = there.state.lines.filter((line) => {
      const group = /^neighbor (hosts-\d+) /.exec(line)?.[1];
      return group !== undefined && !groups.has(group);
    });
    if (gone.length > 0) configure(path, gone, []);
  }
};
