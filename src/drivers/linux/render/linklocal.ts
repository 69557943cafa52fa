/**
 * Link-local addresses (RFC 4291 §2.5.6), which every machine with IPv6 has and no policy can name: between servers of one
 * subnet they would lead around all policies. A server that policies select, known by its MAC address or, where they select a
 * whole subnet, by its port, neither is sent anything there by other servers nor sends them anything; the switch and neighbour
 * discovery excepted.
 */
import type { AclRow, HostRow, SegmentRow } from '../../../goal/rows.ts';
import { byText } from '../../../kit/order.ts';
import { hostPrefix } from '../../../net/address.ts';
import type { Prefix } from '../../../net/brand.ts';
import { networkOf } from '../../../net/interfaceaddress.ts';
import { contains } from '../../../net/prefix.ts';
import type { NftSet } from '../nft.ts';
import { bridgeMembers } from './isolation.ts';
import { hook } from './ruleset.ts';
import type { RulesetPart } from './ruleset.ts';
import type { Rendering } from './render.ts';

/** `members` by set, of one VRF, as `rows` are. What the switch itself sends carries `ownMark`. */
export const linkLocalPart = (
  { goal, items }: Rendering, vrf: string, rows: readonly AclRow[], members: ReadonlyMap<string, readonly Prefix[]>, ownMark: string,
): RulesetPart => {
  const segments = [...goal.segment.values()].filter((segment) => segment.vrf === vrf);
  const own = new Set(segments.map(({ vni }) => vni));
  const hosts = [...goal.host.values()].filter(({ segment }) => own.has(segment));
  const gateway = goal.vtep.get('self')?.anycastMac;
  const closed = (['ingress', 'egress'] as const).flatMap((direction): readonly (readonly [string, NftSet])[] => {
    const selecting = rows.filter((row) => row.direction === direction);
    const wide = [...new Set(selecting.flatMap(({ subjects }) => subjects))];
    const named = new Set(selecting.flatMap(({ subjectSets }) => subjectSets.flatMap((name) => members.get(name) ?? [])));
    const macs = hosts.filter((host) => isSelected(host, wide, named)).map(({ mac }) => mac);
    const bridges = new Set(segments.filter((segment) => isWhole(segment, wide)).map(({ vni }) => `br${vni}`));
    const ports = bridges.size === 0 ? [] : bridgeMembers(items, vrf, bridges).map((name) => `"${name}"`);
    return [[`link-local-${direction}-macs`, setOf('ether_addr', macs)], [`link-local-${direction}-ports`, setOf('ifname', ports)]];
  });
  const toOther = gateway === undefined ? '' : `ether daddr != ${gateway} `;
  return {
    family: 'bridge',
    sets: Object.fromEntries(closed),
    chains: {
      'link-local-to': [
        hook('postrouting'),
        'meta oifkind "vxlan" accept',
        `meta mark ${ownMark} accept`,
        `${unicast} ether daddr @link-local-ingress-macs jump link-local`,
        `${unicast} oifname @link-local-ingress-ports jump link-local`,
      ],
      'link-local-from': [
        hook('prerouting'),
        'meta iifkind "vxlan" accept',
        `${unicast} ${toOther}ether saddr @link-local-egress-macs jump link-local`,
        `${unicast} ${toOther}iifname @link-local-egress-ports jump link-local`,
      ],
      'link-local': ['icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept', 'drop'],
    },
  };
};

const unicast = 'ip6 daddr fe80::/10';

const isWhole = ({ gateways }: SegmentRow, wide: readonly Prefix[]): boolean =>
  gateways.map(networkOf).some((network) => wide.some((prefix) => contains(prefix, network)));

const isSelected = ({ address }: HostRow, wide: readonly Prefix[], named: ReadonlySet<Prefix>): boolean =>
  named.has(hostPrefix(address)) || wide.some((prefix) => contains(prefix, address));

const setOf = (type: string, elements: readonly string[]): NftSet => ({ lines: [`type ${type}`], elements: [...new Set(elements)].toSorted(byText) });
