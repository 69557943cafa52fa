/**
 * Requests handed to a DHCP server elsewhere in the VPC or in a peered one. The gateway address is on every leaf, so an answer
 * to it could end at another one: each leaf relays from an address of its own inside the subnet, which is announced as a
 * route of one host and says at once which subnet the request is of (giaddr, RFC 2131 §4.3.1). One relay serves all segments
 * of a VRF: answers come in by the L3VNI, where several could not be told apart. An answer that comes in by a segment which has
 * a server of its own here would be taken by that one (its socket is bound to the bridge); the API refuses such a relay.
 */
import type { DhcpRangeRow, RowId, SegmentRow } from '../../../goal/rows.ts';
import { address, dhcp, linkKey, rulesetKey } from '../model.ts';
import { dhcpLogFile, dhcpPidFile } from '../steps/dhcp.ts';
import type { Rendering } from './render.ts';

export interface Relayed {
  readonly row: RowId;
  readonly segment: SegmentRow;
  /** The one address that the device relays from. */
  readonly ranges: readonly (readonly [key: string, range: DhcpRangeRow])[];
}

export const renderRelay = ({ goal, add, site }: Rendering, place: string, segments: readonly Relayed[]): void => {
  const vni = goal.vrf.get(place)?.vni;
  const relays = segments.flatMap(({ row, segment, ranges }) => {
    const server = segment.dhcp?.relay;
    const [key, source] = ranges[0] ?? [];
    return server === undefined || source === undefined ? [] : [{ rows: [row, `dhcpRange/${key}`], segment, from: source.from, server }];
  });
  if (vni === undefined || relays.length === 0) return;
  for (const { segment, from, rows } of relays) add(address({ place, device: `br${segment.vni}`, address: `${from}/32` }), rows);
  const item = dhcp({
    segment: vni,
    place,
    argv: [
      // Without interfaces of its own it hears all of them, beside the servers of other segments (SO_REUSEPORT).
      '--conf-file=/dev/null', '--port=0', '--user=root', '--bind-interfaces', '--quiet-dhcp',
      ...relays.map(({ from, server }) => `--dhcp-relay=${from},${server}`).toSorted(),
      `--log-facility=${dhcpLogFile(site, vni)}`, `--pid-file=${dhcpPidFile(site, vni)}`,
    ],
    hosts: '',
    leases: [],
    pid: 0,
  });
  const after = relays.flatMap(({ segment, from }) => [`address/${place}/br${segment.vni}/${from}/32`, linkKey(place, `br${segment.vni}`)]);
  add({ ...item, after: [...after, rulesetKey(place)] }, relays.flatMap(({ rows }) => rows));
};
