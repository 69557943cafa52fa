/** The switch itself: its loopback, forwarding, and BGP with every neighbour switch (RFC 7938 style, one AS a device). */
import type { BgpPeerRow, BgpRow, PortRow } from '../../../goal/rows.ts';
import { address, daemons, frrKey, loopback, sysctl } from '../model.ts';
import { frrContext } from '../frr/context.ts';
import { forwardingSysctls } from './sysctls.ts';
import type { Rendering } from './render.ts';
import { sharedLines, sharedMapKeys } from './shared.ts';

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

/** Name of the one peer group; what tells a BGP instance of ours from a foreign one. */
const group = 'FAB';

/** Peers that share BFD timers share a profile; a fabric has one setting, so there is one profile. */
const profileName = (index: number): string => (index === 0 ? group : `${group}${index + 1}`);

type Bfd = NonNullable<BgpPeerRow['bfd']>;

const renderBgp = (rendering: Rendering, bgp: BgpRow): void => {
  const { goal, add } = rendering;
  const hostname = goal.system.get('self')?.hostname ?? 'heddle';
  add(daemons({ hostname, running: true, pids: [] }), 'bgp/underlay');
  const profiles = profilesOf(goal.bgpPeer.values());
  for (const { name, bfd } of profiles.values()) add(frrContext(['bfd', `profile ${name}`], bfdLines(bfd)), 'bgp/underlay');
  const peers = [...goal.bgpPeer].flatMap(([key, peer]) => renderPeer(rendering, key, peer, profiles));
  const top = `router bgp ${bgp.asn}`;
  add(
    frrContext([top], [
      `bgp router-id ${bgp.routerId}`,
      'bgp bestpath as-path multipath-relax',
      // The receiver of its routes prefers any other (RFC 8326 §4), and it any route of others; no session is reset.
      ...(bgp.drained === true ? ['bgp graceful-shutdown'] : []),
      `neighbor ${group} peer-group`,
      `neighbor ${group} remote-as external`,
      `neighbor ${group} timers 1 3`,
      `neighbor ${group} timers connect 1`,
      ...peers.flatMap(({ lines }) => lines),
    ]),
    'bgp/underlay',
    ...peers.map(({ row }) => row),
  );
  const drains = peers.filter(({ drained }) => drained);
  // It stays when nothing is drained: a policy that goes before the last who has it would refuse that one everything.
  add(frrContext([`route-map ${drainMap} permit 10`], drainLines), 'bgp/underlay');
  const keeps = goal.system.get('self')?.role === 'gateway';
  if (keeps) add(frrContext([`route-map ${keepMap} permit 10`], ['set community no-export additive']), 'bgp/underlay');
  const unicast = [top, 'address-family ipv4 unicast'];
  const lines = [
    ...bgp.networks.map((prefix) => `network ${prefix}`),
    ...(keeps ? [`neighbor ${group} route-map ${keepMap} in`] : []),
    ...drains.flatMap(({ name }) => ['in', 'out'].map((direction) => drainLine(name, direction))),
    ...vanishing(rendering, unicast, peers),
  ];
  const after = [drainMap, keepMap].map((name) => frrKey([`route-map ${name} permit 10`]));
  add({ ...frrContext(unicast, lines), after }, 'bgp/underlay', ...drains.map(({ row }) => row));
  const evpn = [`neighbor ${group} activate`, ...sharedLines(rendering, group), ...(bgp.advertiseVnis ? ['advertise-all-vni'] : [])];
  add({ ...frrContext([top, 'address-family l2vpn evpn'], evpn), after: sharedMapKeys }, 'bgp/underlay');
};

/** Distinct BFD settings by their JSON, each with the name of its profile. */
const profilesOf = (peers: Iterable<BgpPeerRow>): ReadonlyMap<string, { readonly name: string; readonly bfd: Bfd }> => {
  const settings = new Map([...peers].flatMap(({ bfd }) => (bfd === undefined ? [] : [[JSON.stringify(bfd), bfd] as const])));
  const sorted = [...settings].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return new Map(sorted.map(([setting, bfd], index) => [setting, { name: profileName(index), bfd }]));
};

/**
 * Taken in and told on over a link that is drained, a route is the last that anybody chooses: the community is passed on, so
 * that those behind the neighbour go another way too before the link is gone.
 */
const drainMap = `${group}-DRAIN`;
const drainLines = ['set community graceful-shutdown additive', 'set local-preference 0'];

/** A gateway is an end and no way through: what it hears from one switch it does not tell the others. */
const keepMap = `${group}-KEEP`;

const drainLine = (neighbour: string, direction: string): string => `neighbor ${neighbour} route-map ${drainMap} ${direction}`;

/** What FRR itself takes away with a neighbour that goes; it would refuse a `no` for it after that. */
const vanishing = ({ actual }: Rendering, path: readonly string[], peers: readonly RenderedPeer[]): readonly string[] => {
  const there = actual.items.get(frrKey(path));
  if (there?.kind !== 'frr') return [];
  const stay = new Set(peers.map(({ name }) => name));
  return there.state.lines.filter((line) => line.endsWith(` route-map ${drainMap} in`) || line.endsWith(` route-map ${drainMap} out`))
    .filter((line) => !stay.has(line.split(' ')[1] ?? ''));
};

/** What FRR calls the neighbour; of a session that is not numbered that is the interface, which a port that is not cabled has not. */
export function neighbourName(peer: BgpPeerRow, port: PortRow): string;
export function neighbourName(peer: BgpPeerRow, port: PortRow | undefined): string | undefined;
export function neighbourName({ address: numbered }: BgpPeerRow, port: PortRow | undefined): string | undefined {
  return numbered ?? port?.interface;
}

interface RenderedPeer {
  readonly row: string;
  /** What FRR calls the neighbour. */
  readonly name: string;
  readonly drained: boolean;
  readonly lines: readonly string[];
}

const renderPeer = (
  { goal, refuse }: Rendering, key: string, peer: BgpPeerRow, profiles: ReturnType<typeof profilesOf>,
): readonly RenderedPeer[] => {
  const row = `bgpPeer/${key}`;
  const port = goal.port.get(peer.port);
  if (port === undefined) {
    refuse(row, 'Conflict', `port "${peer.port}" is not cabled on this device, so it has no neighbour`);
    return [];
  }
  const name = neighbourName(peer, port);
  const profile = profiles.get(JSON.stringify(peer.bfd))?.name;
  return [{
    row,
    name,
    drained: peer.drained === true,
    lines: [
      peer.address === undefined ? `neighbor ${name} interface peer-group ${group}` : `neighbor ${name} peer-group ${group}`,
      ...(profile === undefined ? [] : [`neighbor ${name} bfd`, `neighbor ${name} bfd profile ${profile}`]),
    ],
  }];
};

/** FRR prints no line for a value that is its default. */
const bfdLines = ({ intervalMilliseconds, multiplier }: Bfd): readonly string[] => [
  ...(multiplier === 3 ? [] : [`detect-multiplier ${multiplier}`]),
  ...(intervalMilliseconds === 300 ? [] : [`transmit-interval ${intervalMilliseconds}`, `receive-interval ${intervalMilliseconds}`]),
];
