/** The switch itself: its loopback, forwarding, and BGP with every neighbour switch (RFC 7938 style, one AS a device). */
import type { BgpPeerRow, BgpRow } from '../../../goal/rows.ts';
import { address, daemons, loopback, sysctl } from '../model.ts';
import { frrContext } from '../frr/context.ts';
import { forwardingSysctls } from './sysctls.ts';
import type { Rendering } from './render.ts';

export const renderUnderlay = (rendering: Rendering): void => {
  const { goal, add } = rendering;
  const system = goal.system.get('self');
  if (system !== undefined) {
    add(sysctl({ place: '', values: forwardingSysctls }), 'system/self');
    add(loopback({ place: '' }), 'system/self');
    add(address({ place: '', device: 'lo', address: `${system.routerId}/32` }), 'system/self');
  }
  const vtep = goal.vtep.get('self');
  if (vtep !== undefined) add(address({ place: '', device: 'lo', address: `${vtep.address}/32` }), 'vtep/self');
  const bgp = goal.bgp.get('underlay');
  if (bgp !== undefined) renderBgp(rendering, bgp);
};

/** Peers that share BFD timers share a peer group; a fabric has one setting, so there is one group. */
export const groupName = (index: number): string => (index === 0 ? 'FAB' : `FAB${index + 1}`);

const renderBgp = ({ goal, add, refuse }: Rendering, bgp: BgpRow): void => {
  const hostname = goal.system.get('self')?.hostname ?? 'heddle';
  add(daemons({ hostname, running: true, pids: [] }), 'bgp/underlay');
  const settings = [...new Set([...goal.bgpPeer.values()].map(({ bfd }) => JSON.stringify(bfd ?? null)))].toSorted();
  const groups = settings.map((setting, index) => ({ setting, name: groupName(index) }));
  for (const { setting, name } of groups) {
    const bfd = bfdOf(goal.bgpPeer.values(), setting);
    if (bfd !== undefined) add(frrContext(['bfd', `profile ${name}`], bfdLines(bfd)), 'bgp/underlay');
  }
  const peers: string[] = [];
  const peerRows: string[] = [];
  for (const [key, peer] of goal.bgpPeer) {
    const group = groups.find(({ setting }) => setting === JSON.stringify(peer.bfd ?? null))?.name ?? 'FAB';
    const port = goal.port.get(peer.port);
    if (port === undefined) {
      refuse(`bgpPeer/${key}`, 'Conflict', `port "${peer.port}" is not cabled on this device, so it has no neighbour`);
      continue;
    }
    peerRows.push(`bgpPeer/${key}`);
    peers.push(
      peer.address === undefined
        ? `neighbor ${port.interface} interface peer-group ${group}`
        : `neighbor ${peer.address} peer-group ${group}`,
    );
  }
  const top = `router bgp ${bgp.asn}`;
  const withBfd = (setting: string): boolean => bfdOf(goal.bgpPeer.values(), setting) !== undefined;
  add(
    frrContext([top], [
      `bgp router-id ${bgp.routerId}`,
      'bgp bestpath as-path multipath-relax',
      ...groups.flatMap(({ name, setting }) => groupLines(name, withBfd(setting))),
      ...peers.toSorted(),
    ]),
    'bgp/underlay',
    ...peerRows,
  );
  add(frrContext([top, 'address-family ipv4 unicast'], bgp.networks.map((prefix) => `network ${prefix}`)), 'bgp/underlay');
  add(
    frrContext([top, 'address-family l2vpn evpn'], [
      ...groups.map(({ name }) => `neighbor ${name} activate`),
      ...(bgp.advertiseVnis ? ['advertise-all-vni'] : []),
    ]),
    'bgp/underlay',
  );
};

const bfdOf = (peers: Iterable<BgpPeerRow>, setting: string): BgpPeerRow['bfd'] => {
  for (const { bfd } of peers) if (JSON.stringify(bfd ?? null) === setting) return bfd;
  return undefined;
};

const groupLines = (name: string, bfd: boolean): readonly string[] => [
  `neighbor ${name} peer-group`,
  `neighbor ${name} remote-as external`,
  ...(bfd ? [`neighbor ${name} bfd`, `neighbor ${name} bfd profile ${name}`] : []),
  `neighbor ${name} timers 1 3`,
  `neighbor ${name} timers connect 1`,
];

/** FRR prints no line for a value that is its default. */
const bfdLines = ({ intervalMilliseconds, multiplier }: NonNullable<BgpPeerRow['bfd']>): readonly string[] => [
  ...(multiplier === 3 ? [] : [`detect-multiplier ${multiplier}`]),
  ...(intervalMilliseconds === 300 ? [] : [`transmit-interval ${intervalMilliseconds}`, `receive-interval ${intervalMilliseconds}`]),
];
