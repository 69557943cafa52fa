/**
 * Addresses handed out on a segment: one dnsmasq for each segment and device. It serves what is behind the ports of this
 * device and nobody else: every other device with the segment has one of its own under the same gateway address, so requests
 * that come over the overlay are dropped at the bridge before anybody answers them.
 */
import type { DhcpRangeRow, DhcpSettings, HostRow, ReservationRow, RowId, SegmentRow } from '../../../goal/rows.ts';
import type { InterfaceAddress, Mac, Prefix } from '../../../net/brand.ts';
import { addressPart, networkOf } from '../../../net/interfaceaddress.ts';
import { networkAddress, prefixLength } from '../../../net/prefix.ts';
import { byText } from '../../../kit/order.ts';
import { getOrMake } from '../../../kit/maps.ts';
import { dhcp, linkKey, rulesetKey } from '../model.ts';
import { dhcpHeldDirectory, dhcpHostsFile, dhcpLeaseFile, dhcpLogFile, dhcpPidFile } from '../steps/dhcp.ts';
import type { Site } from '../steps/step.ts';
import { maskOf } from './ipv4.ts';
import { renderRelay } from './relay.ts';
import type { Rendering } from './render.ts';
import { hook } from './ruleset.ts';

type Keyed<Value> = readonly (readonly [key: string, value: Value])[];

/** What of the goal concerns one segment. */
interface Served {
  readonly row: RowId;
  readonly segment: SegmentRow;
  readonly hosts: Keyed<HostRow>;
  readonly reservations: Keyed<ReservationRow>;
  readonly ranges: Keyed<DhcpRangeRow>;
}

export const renderDhcp = (rendering: Rendering): void => {
  const { goal } = rendering;
  const hosts = Map.groupBy(goal.host, ([, { segment }]) => segment);
  const reservations = Map.groupBy(goal.reservation, ([, { segment }]) => segment);
  const ranges = Map.groupBy(goal.dhcpRange, ([, { segment }]) => segment);
  const served = [...goal.segment].flatMap(([key, segment]): Served[] => {
    if (!goal.vrf.has(segment.vrf) || goal.vtep.get('self') === undefined) return [];
    const of = <Value>(rows: ReadonlyMap<unknown, Keyed<Value>>): Keyed<Value> => rows.get(segment.vni) ?? [];
    return [{ row: `segment/${key}`, segment, hosts: of(hosts), reservations: of(reservations), ranges: of(ranges) }];
  });
  for (const each of served) renderServed(rendering, each);
  for (const [place, inPlace] of Map.groupBy(served, ({ segment }) => segment.vrf)) {
    renderFilter(rendering, place, inPlace);
    renderRelay(rendering, place, inPlace.map(({ row, segment, ranges: own }) => ({ row, segment, ranges: own })));
  }
  refuseIdleRanges(rendering);
};

const servesIpv4 = ({ dhcp: settings }: SegmentRow): boolean => settings !== undefined && settings.relay === undefined;

const refuseIdleRanges = ({ goal, refuse }: Rendering): void => {
  for (const [key, { segment }] of goal.dhcpRange) {
    if (goal.segment.get(`${segment}`)?.dhcp !== undefined) continue;
    refuse(`dhcpRange/${key}`, 'Conflict', `segment ${segment} is not on this device or hands out no addresses`);
  }
};

const renderServed = ({ goal, add, refuse, site }: Rendering, { row, segment, hosts, reservations, ranges }: Served): void => {
  const { vni, vrf: place, gateways } = segment;
  if (!servesIpv4(segment) && segment.ipv6 === undefined) return;
  const unsafe = unsafeText(segment.dhcp);
  if (unsafe !== undefined) {
    refuse(row, 'Unsupported', `${JSON.stringify(unsafe)} cannot be told to hosts by this device; it has characters that its DHCP server takes for its own`);
    return;
  }
  const item = dhcp({
    segment: vni,
    place,
    argv: dnsmasqWords(segment, goal.vtep.get('self')?.anycastMac, ranges.map(([, range]) => range), site),
    hosts: hostLines(segment, reservations.map(([, reservation]) => reservation), hosts.map(([, host]) => host)),
    leases: [],
    pid: 0,
  });
  const after = gateways.map((text) => `address/${place}/br${vni}/${text}`);
  const rows = [
    ...hosts.map(([key]) => `host/${key}`),
    ...reservations.map(([key]) => `reservation/${key}`),
    ...(servesIpv4(segment) ? ranges.map(([key]) => `dhcpRange/${key}`) : []),
  ];
  // A server that hears the whole overlay would refuse the hosts of other devices.
  add({ ...item, after: [...after, linkKey(place, `vx${vni}`), rulesetKey(place)] }, row, rows);
};

/** Of texts that dnsmasq would take apart at commas, or not take as one word. */
const unsafeText = (settings: DhcpSettings | undefined): string | undefined =>
  [settings?.domain, settings?.bootServer, settings?.bootFile].find((text) => text !== undefined && !/^[!#-&(-+\-./0-9:;=?@A-Z[\]_a-z{|}~]+$/.test(text));

/**
 * dnsmasq's file has no quoting: of a name only what may stand in one (RFC 1123 §2.1) is used. A line a MAC address, since
 * only the first that fits a host counts; a reservation comes before what the host would be given otherwise.
 */
const hostLines = (segment: SegmentRow, reservations: readonly ReservationRow[], hosts: readonly HostRow[]): string => {
  const byMac = new Map<Mac, { readonly addresses: Set<string>; name: string }>();
  const note = (mac: Mac, address: string, name: string): void => {
    const isIpv6 = address.includes(':');
    if (isIpv6 ? segment.ipv6 !== 'dhcp' : !servesIpv4(segment)) return;
    const entry = getOrMake(byMac, mac, () => ({ addresses: new Set<string>(), name: '' }));
    const hasOne = [...entry.addresses].some((other) => other.includes(':') === isIpv6);
    if (!hasOne) entry.addresses.add(isIpv6 ? `[${address}]` : address);
    entry.name ||= name.replaceAll(/[^\w.-]/g, '-');
  };
  for (const { mac, address } of reservations) note(mac, address, '');
  for (const { mac, address, hostname } of hosts) note(mac, address, hostname);
  const lines = [...byMac].map(([mac, { addresses, name }]) => `${[mac, ...[...addresses].toSorted(byText), ...(name === '' ? [] : [name])].join(',')}\n`);
  return lines.toSorted(byText).join('');
};

/**
 * - `no-ping`: a leaf asks nobody whether an address that it alone may give is in use; the ping would cost three seconds each.
 * - `dhcp-authoritative`: a request for an address that is not the host's is refused at once, and a lease that was lost with
 *   the device is given again to its holder. Only safe because nothing but local requests arrive.
 * - `dhcp-ignore-clid`: firmware and operating system of one machine call themselves differently and are one host.
 * - `dhcp-broadcast`: to unicast an answer to a host that has no address yet, dnsmasq writes the host's neighbour itself
 *   (SIOCSARP without ATF_PERM, which the kernel takes as an administrator's word): our permanent entry becomes a stale one,
 *   which ends when the host falls silent, and its type-2 route with it.
 * - `log-facility`: with `quiet-dhcp` what remains is what hosts decline (observe/declined.ts).
 */
const dnsmasqWords = (segment: SegmentRow, mac: Mac | undefined, ranges: readonly DhcpRangeRow[], site: Site): readonly string[] => {
  const { vni, gateways } = segment;
  const [ipv4, ipv6] = [gateways.find((text) => text.includes('.')), gateways.find((text) => text.includes(':'))];
  return [
    '--conf-file=/dev/null', '--port=0', '--user=root', `--interface=br${vni}`, '--bind-interfaces', '--no-ping', '--dhcp-authoritative',
    '--dhcp-ignore-clid', '--dhcp-broadcast', '--dhcp-lease-max=65536', '--quiet-dhcp', '--quiet-dhcp6', '--quiet-ra',
    ...(segment.dhcp !== undefined && servesIpv4(segment) && ipv4 !== undefined ? ipv4Words(segment, segment.dhcp, ipv4, ranges) : []),
    ...(segment.ipv6 !== undefined && ipv6 !== undefined ? ipv6Words(segment, ipv6, mac) : []),
    `--dhcp-hostsfile=${dhcpHostsFile(site, vni)}`, `--dhcp-hostsdir=${dhcpHeldDirectory(site, vni)}`,
    `--dhcp-leasefile=${dhcpLeaseFile(site, vni)}`, `--log-facility=${dhcpLogFile(site, vni)}`, `--pid-file=${dhcpPidFile(site, vni)}`,
  ];
};

const option = (number: number | string, ...values: readonly (string | number)[]): string => `--dhcp-option=${[number, ...values].join(',')}`;

const optional = (number: number | string, values: readonly string[]): readonly string[] => (values.length === 0 ? [] : [option(number, ...values)]);

/** Option numbers of RFC 2132; 121 of RFC 3442. */
const ipv4Words = (segment: SegmentRow, settings: DhcpSettings, gateway: InterfaceAddress, ranges: readonly DhcpRangeRow[]): readonly string[] => {
  const { leaseSeconds, domain, mtu = segment.mtu, bootServer, bootFile, noDefaultRoute } = settings;
  const routed = segment.mode === 'l3';
  const mask = maskOf(gateway);
  const own = addressPart(gateway);
  const byFamily = (servers: readonly string[]): readonly string[] => servers.filter((server) => server.includes('.'));
  return [
    `--dhcp-range=${networkAddress(networkOf(gateway))},static,${mask},${leaseSeconds}`,
    ...ranges.map(({ from, to }) => `--dhcp-range=${from},${to},${mask},${leaseSeconds}`),
    // Without a value, what dnsmasq would say of itself is not said.
    noDefaultRoute === true ? option(3) : option(3, own),
    ...(routed ? [option(1, '255.255.255.255')] : []),
    ...optional(121, classlessRoutes(settings, own, routed)),
    ...optional(6, byFamily(settings.dnsServers)),
    ...optional(42, byFamily(settings.ntpServers)),
    ...(domain === undefined ? [] : [option(15, domain)]),
    option(26, mtu),
    ...(bootFile === undefined ? [] : [`--dhcp-boot=${bootFile}${bootServer === undefined ? '' : `,${bootServer}${isIpv4(bootServer) ? `,${bootServer}` : ''}`}`]),
    ...(bootServer === undefined ? [] : [option(66, bootServer)]),
  ];
};

const isIpv4 = (text: string): boolean => /^[\d.]+$/.test(text);

/**
 * Who understands option 121 must pass over option 3, so the default route is in it too. A routed host has no network: it is
 * told that the gateway is on the link before anything that goes by it.
 */
const classlessRoutes = ({ routes, noDefaultRoute }: DhcpSettings, gateway: string, routed: boolean): readonly string[] => {
  if (routes.length === 0 && !routed) return [];
  return [
    ...(routed ? [`${gateway}/32`, '0.0.0.0'] : []),
    ...(noDefaultRoute === true ? [] : ['0.0.0.0/0', gateway]),
    ...routes.flatMap(({ destination, gateway: via }) => [destination, via]),
  ];
};

/** Seconds between two advertisements, and for how long the gateway is a router after one. */
const [advertisementSeconds, routerSeconds] = [60, 1800];
/** Enterprise number for documentation (RFC 5612): with the gateway's MAC address every leaf is one and the same DHCPv6 server. */
const enterprise = 32473;

/** Router advertisements (RFC 4861) say how addresses are had; options are those of DHCPv6, also without addresses from there. */
const ipv6Words = (segment: SegmentRow, gateway: InterfaceAddress, mac: Mac | undefined): readonly string[] => {
  const { vni, ipv6, dhcp: settings } = segment;
  const prefix: Prefix = networkOf(gateway);
  // No host takes the prefix for one link (RFC 5942): what it was told once it believes for as long as that lasts, and then the
  // mode of a live VPC could not change. Where hosts are neighbours all the same, the gateway tells them so (redirect).
  const how = [ipv6 === 'slaac' ? 'ra-stateless' : 'static', 'off-link'];
  const servers = (of: readonly string[] | undefined): readonly string[] => (of ?? []).filter((server) => server.includes(':')).map((server) => `[${server}]`);
  const lifetime = settings?.noDefaultRoute === true ? 0 : routerSeconds;
  return [
    '--enable-ra',
    `--ra-param=br${vni},mtu:${settings?.mtu ?? segment.mtu},${advertisementSeconds},${lifetime}`,
    `--dhcp-range=${networkAddress(prefix)},${how.join(',')},${prefixLength(prefix)},${settings?.leaseSeconds ?? 3600}`,
    ...optional('option6:dns-server', servers(settings?.dnsServers)),
    ...optional('option6:sntp-server', servers(settings?.ntpServers)),
    ...(settings?.domain === undefined ? [] : [option('option6:domain-search', settings.domain)]),
    ...(mac === undefined ? [] : [`--dhcp-duid=${enterprise},${mac}`]),
  ];
};

/** Requests and answers of DHCP, and of the search for routers, stay on the device they come from. */
const renderFilter = ({ filter }: Rendering, place: string, served: readonly Served[]): void => {
  const far = (segments: readonly Served[]) => ({
    lines: ['type ifname'],
    elements: segments.map(({ segment }) => `"vx${segment.vni}"`).toSorted(byText),
  });
  const ipv4 = served.filter(({ segment }) => segment.dhcp !== undefined);
  const ipv6 = served.filter(({ segment }) => segment.ipv6 !== undefined);
  if (ipv4.length + ipv6.length === 0) return;
  const part = {
    family: 'bridge' as const,
    sets: { ...(ipv4.length === 0 ? {} : { 'dhcp-far': far(ipv4) }), ...(ipv6.length === 0 ? {} : { 'dhcp6-far': far(ipv6) }) },
    chains: {
      'dhcp-prerouting': [
        hook('prerouting'),
        ...(ipv4.length === 0 ? [] : ['iifname @dhcp-far udp dport { 67, 68 } drop']),
        ...(ipv6.length === 0
          ? []
          : [
              'iifname @dhcp6-far udp dport { 546, 547 } drop',
              'iifname @dhcp6-far icmpv6 type { nd-router-solicit, nd-router-advert } drop',
            ]),
      ],
    },
  };
  filter(place, part, [...ipv4, ...ipv6].map(({ row }) => row));
};
