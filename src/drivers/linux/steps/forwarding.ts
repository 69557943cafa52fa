/** Entries that say where packets go: MAC table, neighbours, routes, and the rules between two VRFs. */
import type { FdbState, Hop, NeighbourState, ProxyState, RouteState, RulesetState } from '../model.ts';
import { changeTables, dropTables, makeTables } from '../nft.ts';
import { bridgeTool, inside, ip, vtysh } from './step.ts';
import type { Site, Step, Steps } from './step.ts';

export const fdbSteps: Steps<FdbState> = {
  create: ({ place, port, mac }) => [bridgeTool(place, 'fdb', 'replace', mac, 'dev', port, 'master', 'static')],
  change: () => [],
  remove: ({ place, port, mac }) => [bridgeTool(place, 'fdb', 'delete', mac, 'dev', port, 'master')],
  overwrites: true,
};

/**
 * zebra advertises a neighbour when it sees it change: writing `permanent` over `permanent` is no change, `reachable`
 * and then `permanent` is (FRR 8.4). It must know the segment by then. A new entry is written once: until it is permanent
 * the kernel counts it, and holds 1,024 at most (net.ipv4.neigh.default.gc_thresh3).
 */
export const neighbourSteps: Steps<NeighbourState> = {
  create: (state, site) => [...awaitSegment(state, site), writeNeighbour(state, 'permanent')],
  change: (from, to, site) =>
    from.mac !== to.mac || !to.advertised ? neighbourSteps.create(to, site) : neighbourSteps.again?.(to, site),
  again: (state, site) =>
    state.advertised
      ? [...awaitSegment(state, site), writeNeighbour(state, 'reachable'), writeNeighbour(state, 'permanent')]
      : neighbourSteps.create(state, site),
  remove: ({ place, address, device }) => [ip(place, 'neighbour', 'delete', address, 'dev', device)],
  overwrites: true,
};

const writeNeighbour = ({ place, device, address, mac }: NeighbourState, kind: string): Step =>
  ip(place, 'neighbour', 'replace', address, 'lladdr', mac, 'nud', kind, 'dev', device);

const awaitSegment = ({ advertised, device }: NeighbourState, site: Site): readonly Step[] =>
  advertised ? [{ ...vtysh(site, 'show evpn vni'), until: [`^${device.replace(/^br/, '')} +L2 `] }] : [];

/** Number of Heddle in the table of route origins; FRR's own end at 198. */
export const routeProtocol = '201';

export const routeSteps: Steps<RouteState> = {
  create: ({ place, prefix, via, device, others }) => {
    const own = ['proto', routeProtocol] as const;
    if (others === undefined) return [ip(place, 'route', 'replace', prefix, ...hopWords({ via, device }), ...own)];
    return [ip(place, 'route', 'replace', prefix, ...own, ...[{ via, device }, ...others].flatMap((hop) => ['nexthop', ...hopWords(hop)]))];
  },
  change: (_, to, site) => routeSteps.create(to, site),
  remove: ({ place, prefix, device, others }) => [
    ip(place, 'route', 'delete', prefix, ...(others === undefined ? ['dev', device] : []), 'proto', routeProtocol),
  ],
  overwrites: true,
};

/** Without an address the destination itself is on the link. */
const hopWords = ({ via, device }: Hop): readonly string[] => (via === '' ? ['dev', device] : ['via', via, 'dev', device, 'onlink']);

export const proxySteps: Steps<ProxyState> = {
  create: ({ place, device, address }) => [ip(place, 'neighbour', 'replace', 'proxy', address, 'dev', device)],
  change: () => [],
  remove: ({ place, device, address }) => [ip(place, 'neighbour', 'delete', 'proxy', address, 'dev', device)],
  overwrites: true,
};

/** One transaction: at no moment is there less than the rules of before or of after. */
export const rulesetSteps: Steps<RulesetState> = {
  create: ({ place, tables }) => [nft(place, makeTables(tables))],
  change: (from, to) => [nft(to.place, changeTables(from.tables, to.tables))],
  remove: ({ place, tables }) => [nft(place, dropTables(tables))],
  overwrites: true,
};

const nft = (place: string, commands: string): Step => ({ argv: inside(place, ['nft', '-f', '-']), stdin: commands });
