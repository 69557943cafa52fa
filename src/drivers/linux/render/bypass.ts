/**
 * What no policy can name and would lead around all of them, between servers of one subnet:
 * - link-local addresses (RFC 4291 §2.5.6), which every machine with IPv6 has;
 * - frames with two tags. The rules look behind one, and a tag with VLAN 0 carries a priority only: Linux passes over two of
 *   them as over one (net/core/dev.c, __netif_receive_skb_core).
 * Both are closed at the ports of servers that policies select; to the switch itself and for neighbour discovery link-local
 * addresses are open. By port and not by MAC address, since servers also take what is sent to everybody's.
 */
import type { AclRow, HostRow, SegmentRow } from '../../../goal/rows.ts';
import { byText } from '../../../kit/order.ts';
import { hostPrefix } from '../../../net/address.ts';
import type { Prefix } from '../../../net/brand.ts';
import { networkOf } from '../../../net/interfaceaddress.ts';
import { contains } from '../../../net/prefix.ts';
import type { NftSet } from '../nft.ts';
import type { Doors } from './doors.ts';
import { bridgeMembers } from './isolation.ts';
import type { Rendering } from './render.ts';
import { hook } from './ruleset.ts';
import type { RulesetPart } from './ruleset.ts';

/** Policies of one VRF. */
export interface Selecting {
  readonly vrf: string;
  readonly rows: readonly AclRow[];
  /** By set. */
  readonly members: ReadonlyMap<string, readonly Prefix[]>;
}

const twiceTagged = 'meta protocol { 8021q, 8021ad } drop';
const linkLocal = 'ip6 daddr fe80::/10 jump bypass-link-local';

/** What the switch itself sends carries `ownMark`. */
export const bypassPart = (rendering: Rendering, doors: Doors, selecting: Selecting, ownMark: string): RulesetPart => {
  const gateway = rendering.goal.vtep.get('self')?.anycastMac;
  return {
    family: 'bridge',
    sets: { 'bypass-to': portsOf(rendering, doors, selecting, 'ingress'), 'bypass-from': portsOf(rendering, doors, selecting, 'egress') },
    chains: {
      'bypass-to-servers': [
        hook('postrouting'),
        'meta oifkind "vxlan" accept',
        `meta mark ${ownMark} accept`,
        `oifname @bypass-to ${twiceTagged}`,
        `oifname @bypass-to ${linkLocal}`,
      ],
      'bypass-from-servers': [
        hook('prerouting'),
        'meta iifkind "vxlan" accept',
        `iifname @bypass-from ${twiceTagged}`,
        `iifname @bypass-from ${gateway === undefined ? '' : `ether daddr != ${gateway} `}${linkLocal}`,
      ],
      'bypass-link-local': ['icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept', 'drop'],
    },
  };
};

/** Where there are servers that the policies of a direction select, or may be when they select a whole subnet. */
const portsOf = ({ goal, items }: Rendering, doors: Doors, { vrf, rows, members }: Selecting, direction: AclRow['direction']): NftSet => {
  const own = rows.filter((row) => row.direction === direction);
  const wide = [...new Set(own.flatMap(({ subjects }) => subjects))];
  const named = new Set(own.flatMap(({ subjectSets }) => subjectSets.flatMap((name) => members.get(name) ?? [])));
  const whole = [...goal.segment.values()].filter((segment) => segment.vrf === vrf && isWhole(segment, wide));
  const found = whole.length === 0 ? [] : bridgeMembers(items, vrf, new Set(whole.map(({ vni }) => `br${vni}`)));
  for (const host of goal.host.values()) {
    if (goal.segment.get(`${host.segment}`)?.vrf !== vrf || !isSelected(host, wide, named)) continue;
    const door = doors.door(host.port, host.vlan ?? 0, vrf);
    if (door !== undefined) found.push(door.device);
  }
  return { lines: ['type ifname'], elements: [...new Set(found)].map((name) => `"${name}"`).toSorted(byText) };
};

const isWhole = ({ gateways }: SegmentRow, wide: readonly Prefix[]): boolean =>
  gateways.map(networkOf).some((network) => wide.some((prefix) => contains(prefix, network)));

const isSelected = ({ address }: HostRow, wide: readonly Prefix[], named: ReadonlySet<Prefix>): boolean =>
  named.has(hostPrefix(address)) || wide.some((prefix) => contains(prefix, address));
