/** Entries that say where packets go: MAC table, neighbours, routes, and the rules between two VRFs. */
import type { FdbState, NeighbourState, RouteState, RulesetState } from '../model.ts';
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
  create: ({ place, prefix, via, device }) => [
    ip(place, 'route', 'replace', prefix, 'via', via, 'dev', device, 'onlink', 'proto', routeProtocol),
  ],
  change: (_, to, site) => routeSteps.create(to, site),
  remove: ({ place, prefix, device }) => [ip(place, 'route', 'delete', prefix, 'dev', device, 'proto', routeProtocol)],
  overwrites: true,
};

/** One transaction; the first line lets the deletion succeed when there is no table yet. */
export const rulesetSteps: Steps<RulesetState> = {
  create: ({ place, text }) => [
    { argv: inside(place, ['nft', '-f', '-']), stdin: `table inet heddle\ndelete table inet heddle\n${text}` },
  ],
  change: (_, to, site) => rulesetSteps.create(to, site),
  remove: ({ place }) => [{ argv: inside(place, ['nft', 'delete', 'table', 'inet', 'heddle']) }],
  overwrites: true,
};
