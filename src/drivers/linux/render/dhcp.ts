/** Addresses handed out on a segment: one dnsmasq for each segment and device. */
import type { HostRow, SegmentRow } from '../../../goal/rows.ts';
import { dhcp, linkKey } from '../model.ts';
import { dhcpHostsFile, dhcpLeaseFile, dhcpPidFile } from '../steps/daemon.ts';
import type { Site } from '../steps/step.ts';
import { maskOf, networkOf } from './ipv4.ts';
import type { Rendering } from './render.ts';

export type Hosts = readonly (readonly [key: string, host: HostRow])[];

export const renderDhcp = (
  { add, site }: Rendering, row: string, segment: SegmentRow, dhcpd: NonNullable<SegmentRow['dhcp']>, hosts: Hosts,
): void => {
  const gateway = segment.gateways.find((text) => text.includes('.'));
  if (gateway === undefined) return;
  const item = dhcp({
    segment: segment.vni,
    place: segment.vrf,
    argv: dnsmasqWords(segment, gateway, dhcpd, site),
    hosts: hosts.map(([, host]) => reservation(host)).toSorted().join(''),
    pid: 0,
  });
  const after = segment.gateways.map((text) => `address/${segment.vrf}/br${segment.vni}/${text}`);
  add({ ...item, after: [...after, linkKey(segment.vrf, `vx${segment.vni}`)] }, row, hosts.map(([key]) => `host/${key}`));
};

/** dnsmasq's file has no quoting: of a name only what may stand in one (RFC 1123 §2.1) is used. */
const reservation = ({ mac, address, hostname }: HostRow): string =>
  `${mac},${address},${hostname.replaceAll(/[^\w.-]/g, '-')}\n`;

/**
 * Static reservations only: the same subnet is served on other leaves too, under the same address, and their hosts'
 * requests are flooded to here. dnsmasq 2.90 would answer those with a NAK (they name its own address as the server's)
 * unless it is told to ignore hosts it does not know; leaving out "authoritative" is not enough.
 *
 * Answers are broadcast. To unicast one to a host that has no address yet, dnsmasq writes the host's neighbour itself
 * (SIOCSARP without ATF_PERM, which the kernel takes as an administrator's word): our permanent entry becomes a stale
 * one, which ends when the host falls silent, and its type-2 route with it.
 */
const dnsmasqWords = (
  { vni, mtu }: SegmentRow,
  gateway: string,
  { leaseSeconds, dnsServers }: NonNullable<SegmentRow['dhcp']>,
  site: Site,
): readonly string[] => {
  const servers = dnsServers.filter((server) => server.includes('.'));
  return [
    '--conf-file=/dev/null', '--port=0', '--user=root', `--interface=br${vni}`, '--bind-interfaces', '--no-ping',
    '--dhcp-ignore=tag:!known', '--dhcp-broadcast',
    `--dhcp-range=${networkOf(gateway)},static,${maskOf(gateway)},${leaseSeconds}`,
    `--dhcp-option=3,${gateway.split('/')[0]}`,
    ...(servers.length === 0 ? [] : [`--dhcp-option=6,${servers.join(',')}`]),
    `--dhcp-option=26,${mtu}`,
    `--dhcp-hostsfile=${dhcpHostsFile(site, vni)}`, `--dhcp-leasefile=${dhcpLeaseFile(site, vni)}`, `--pid-file=${dhcpPidFile(site, vni)}`,
  ];
};
