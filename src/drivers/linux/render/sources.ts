/**
 * Addresses that servers may send under. Policies and isolation believe what a packet says of its sender, so a port lets in
 * only what may be said there (RFC 2827, RFC 7039):
 * - an address that is known to be somebody's only at the port of whom it is: of a declared server, of a gateway, of a server
 *   that a policy names and that is elsewhere;
 * - else what is in the prefixes of the segment, what its hosts may announce, and link-local addresses;
 * - and where a static route leads, what is behind it: at the port of the next hop, or in all of its segment where nobody said
 *   which port that is.
 * ARP is held to the same, so that nobody speaks for the gateway. In bridges nothing stands but doors and VXLAN devices: what
 * comes in by another port is on its way in or out of the segment, and dropped.
 */
import type { RowId, SegmentRow } from '../../../goal/rows.ts';
import { byText } from '../../../kit/order.ts';
import type { Address, Prefix } from '../../../net/brand.ts';
import { addressPart, networkOf } from '../../../net/interfaceaddress.ts';
import { contains } from '../../../net/prefix.ts';
import type { NftSet } from '../nft.ts';
import { doorsOf } from './doors.ts';
import type { Doors } from './doors.ts';
import { bare, headerOf, hook, prefixSet } from './ruleset.ts';
import type { RulesetPart } from './ruleset.ts';
import type { Rendering } from './render.ts';

/** Before policies look at who sent a packet. */
const offset = -10;
const headers = ['ip', 'ip6'] as const;
/** Machines have the first by themselves and use the second before they have an address (RFC 4862 §5.4.2). */
const everywhere = ['fe80::/10', '::/128'] as readonly string[] as readonly Prefix[];

/** A segment with at least one door, and what its hosts may say they are. */
interface Open {
  readonly row: SegmentRow;
  readonly devices: readonly string[];
}

/** Who may say that they are `address`. */
interface Owner {
  readonly address: Address;
  readonly devices: readonly string[];
}

export const renderSources = (rendering: Rendering): void => {
  if (rendering.goal.attachment.size === 0) return;
  const doors = doorsOf(rendering);
  for (const vrf of rendering.goal.vrf.keys()) {
    const open = openSegments(rendering, doors, vrf);
    if (open.length > 0) rendering.filter(vrf, sourcePart(rendering, doors, vrf, open), rowsOf(rendering, vrf));
  }
};

const openSegments = ({ goal }: Rendering, doors: Doors, vrf: string): readonly Open[] =>
  [...goal.segment.values()].flatMap((row) => {
    if (row.vrf !== vrf) return [];
    const own = [...goal.attachment.values()].filter(({ segment }) => segment === row.vni);
    const devices = own.flatMap(({ port, vlan = 0 }) => doors.devices(port, vlan, vrf));
    return devices.length === 0 ? [] : [{ row, devices }];
  });

const rowsOf = ({ goal }: Rendering, vrf: string): readonly RowId[] => {
  const isOfVrf = (segment: number): boolean => goal.segment.get(`${segment}`)?.vrf === vrf;
  return [
    ...[...goal.attachment].flatMap(([key, { segment }]) => (isOfVrf(segment) ? [`attachment/${key}`] : [])),
    ...[...goal.host].flatMap(([key, { segment }]) => (isOfVrf(segment) ? [`host/${key}`] : [])),
    ...[...goal.route].flatMap(([key, row]) => (row.vrf === vrf ? [`route/${key}`] : [])),
    ...[...goal.hostPeering].flatMap(([key, row]) => (row.vrf === vrf ? [`hostPeering/${key}`] : [])),
  ];
};

const sourcePart = (rendering: Rendering, doors: Doors, vrf: string, open: readonly Open[]): RulesetPart => {
  const owners = ownersOf(rendering, doors, vrf);
  const owned = [...owners.map(({ address }) => address), ...ownedElsewhere(rendering, vrf)];
  return {
    family: 'bridge',
    sets: Object.fromEntries([
      ...headers.map((header) => [`source-owned-${header}`, addressSet(header, owned)] as const),
      ...headers.map((header) => [`source-owners-${header}`, ownerSet(header, owners)] as const),
      ...open.flatMap((segment) => segmentSets(rendering, segment)),
    ]),
    chains: Object.fromEntries([
      ['source-from', [
        hook('prerouting', offset),
        'meta iifkind "vxlan" accept',
        ...open.map(({ row: { vni } }) => `iifname @source-${vni} goto source-${vni}`),
        'drop',
      ]],
      ['source-owners', ownerRules],
      ...open.map((segment) => [`source-${segment.row.vni}`, segmentRules(segment.row, routeRules(rendering, segment, owners))] as const),
    ]),
  };
};

/** Requests of DHCP are from whatever address their client had before, and are for everybody. */
const ownerRules: readonly string[] = [
  'meta protocol { 8021q, 8021ad } drop',
  'ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept',
  'arp saddr ip 0.0.0.0 accept',
  ...[['ip saddr', 'ip'], ['arp saddr ip', 'ip'], ['ip6 saddr', 'ip6']].flatMap(([field, header]) => [
    `iifname . ${field} @source-owners-${header} accept`,
    `${field} @source-owned-${header} drop`,
  ]),
];

const segmentRules = ({ vni }: SegmentRow, routes: readonly string[]): readonly string[] => [
  'jump source-owners',
  `ip saddr @source-${vni}-ip accept`,
  `arp saddr ip @source-${vni}-ip accept`,
  `ip6 saddr @source-${vni}-ip6 accept`,
  ...routes,
  'meta protocol { ip, arp, ip6 } drop',
];

const segmentSets = ({ goal }: Rendering, { row, devices }: Open): readonly (readonly [string, NftSet])[] => {
  const announced = goal.hostPeering.get(`${row.vni}`)?.accept.map(({ prefix }) => prefix) ?? [];
  const prefixes = [...row.gateways.map(networkOf), ...announced, ...everywhere];
  return [
    [`source-${row.vni}`, { lines: ['type ifname'], elements: devices.map((name) => `"${name}"`).toSorted(byText) }],
    ...headers.map((header) => [`source-${row.vni}-${header}`, prefixSet(header, prefixes)] as const),
  ];
};

/** Servers whose place on this device is known. */
const ownersOf = ({ goal }: Rendering, doors: Doors, vrf: string): readonly Owner[] => {
  const isOfVrf = (segment: number): boolean => goal.segment.get(`${segment}`)?.vrf === vrf;
  return [
    ...[...goal.host.values()].flatMap(({ segment, address, port, vlan = 0 }) =>
      isOfVrf(segment) ? [{ address, devices: doors.devices(port, vlan, vrf) }] : []),
    ...[...goal.attachment.values()].flatMap(({ segment, port, vlan = 0, address, ipv6Address }) =>
      [address, ipv6Address].flatMap((each) => (each !== undefined && isOfVrf(segment) ? [{ address: each, devices: doors.devices(port, vlan, vrf) }] : []))),
  ];
};

/** Gateways, and servers that policies name one by one: where those are not here, they are behind another device. */
const ownedElsewhere = ({ goal }: Rendering, vrf: string): readonly string[] => [
  ...[...goal.segment.values()].flatMap((row) => (row.vrf === vrf ? row.gateways.map(addressPart) : [])),
  ...[...goal.aclMember.values()].flatMap((row) => (row.vrf === vrf ? [bare(row.prefix)] : [])).filter((text) => !text.includes('/')),
];

/** Without intervals, which would cost a device with thousands of servers more than all else. */
const addressSet = (header: 'ip' | 'ip6', addresses: readonly string[]): NftSet => ({
  lines: [`type ${header === 'ip' ? 'ipv4_addr' : 'ipv6_addr'}`],
  elements: [...new Set(addresses.filter((address) => headerOf(address) === header))].toSorted(byText),
});

const ownerSet = (header: 'ip' | 'ip6', owners: readonly Owner[]): NftSet => ({
  lines: [`type ifname . ${header === 'ip' ? 'ipv4_addr' : 'ipv6_addr'}`],
  elements: [...new Set(owners.flatMap(({ address, devices }) => (headerOf(address) === header ? devices.map((name) => `"${name}" . ${address}`) : [])))].toSorted(byText),
});

const routeRules = ({ goal }: Rendering, { row }: Open, owners: readonly Owner[]): readonly string[] => {
  const networks = row.gateways.map(networkOf);
  const lines = [...goal.route.values()].flatMap(({ vrf, prefix, nextHops }) => {
    if (vrf !== row.vrf) return [];
    const accepts = acceptsFrom(prefix);
    return nextHops.flatMap((hop) => {
      if (!networks.some((network) => contains(network, hop))) return [];
      const known = owners.filter(({ address }) => address === hop);
      return known.length === 0 ? accepts : known.flatMap(({ devices }) => devices.flatMap((name) => accepts.map((accept) => `iifname "${name}" ${accept}`)));
    });
  });
  return [...new Set(lines)].toSorted(byText);
};

/** Servers ask by ARP under the address that they are about to send from. */
const acceptsFrom = (prefix: Prefix): readonly string[] => {
  if (prefix.endsWith('/0')) return prefix.includes(':') ? ['meta protocol ip6 accept'] : ['meta protocol ip accept', 'meta protocol arp accept'];
  return headerOf(prefix) === 'ip6' ? [`ip6 saddr ${bare(prefix)} accept`] : [`ip saddr ${bare(prefix)} accept`, `arp saddr ip ${bare(prefix)} accept`];
};
