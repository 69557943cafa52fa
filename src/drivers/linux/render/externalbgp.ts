/**
 * BGP of the VRF of an outside network. Announced to routers outside is what lies behind the VRF's peerings and nothing else;
 * believed of them is what nobody inside has; told to other leaves (EVPN type 5) is what was learnt or written down, so that
 * no leaf takes another's VRF for a way into a VPC.
 */
import type { VrfPeerRow, VrfRow } from '../../../goal/rows.ts';
import type { Prefix } from '../../../net/brand.ts';
import { communityListLines, exactly, prefixListLines, within, wordOf } from '../frr/lists.ts';
import { frrContext } from '../frr/context.ts';
import { frrKey } from '../model.ts';
import type { Place } from './externals.ts';
import type { Rendering } from './render.ts';

const families = ['ip', 'ipv6'] as const;
type Word = (typeof families)[number];

const afiOf = (word: Word): string => `${word === 'ip' ? 'ipv4' : 'ipv6'} unicast`;

/** Policy of what is told to other leaves; `vrfs.ts` names it where the VRF is that of an outside network. */
export const tellMap = (vrf: string, family: 'ipv4' | 'ipv6'): string => `${vrf}-tell-${family}`;
const insideList = (vrf: string): string => `${vrf}-inside`;
const leakList = (vrf: string): string => `${vrf}-leaks`;

export const renderExternalBgp = (rendering: Rendering, { name, vni }: VrfRow, inside: readonly Prefix[], places: readonly Place[]): void => {
  const { goal, add, configure } = rendering;
  const bgp = goal.bgp.get('underlay');
  if (bgp === undefined) return;
  const row = `vrf/vrf${vni}`;
  const top = `router bgp ${bgp.asn} vrf ${name}`;
  const peers = [...goal.vrfPeer].filter(([, peer]) => peer.vrf === name && peer.bfd === undefined && places.some(({ key }) => key === peer.port));
  const leaks = [...goal.leak].filter(([, leak]) => leak.vrf === name && goal.vrf.has(leak.peerVrf));
  const remote = [...new Set(leaks.flatMap(([, { pairings }]) => pairings.flatMap((pairing) => pairing.remote)))];
  // Routers outside are told, too, that this device goes away (RFC 8326).
  configure([top], ['bgp bestpath as-path multipath-relax', ...(bgp.drained === true ? ['bgp graceful-shutdown'] : [])], [], row);
  for (const word of families) {
    const lists = [{ name: insideList(name), matches: inside.map(within) }, { name: leakList(name), matches: remote.map(exactly) }];
    for (const list of lists) {
      const own = list.matches.filter(({ prefix }) => wordOf(prefix) === word);
      if (own.length > 0) add(frrContext([`${word} prefix-list ${list.name}`], prefixListLines(own)), row);
    }
    const map = tellMap(name, word === 'ip' ? 'ipv4' : 'ipv6');
    addMap(rendering, map, word, [insideList(name)], [[]], [row]);
  }
  for (const [key, peer] of peers) renderPeer(rendering, `vrfPeer/${key}`, peer, top);
  const leakRows = leaks.map(([key]) => `leak/${key}`);
  const sessions = families.filter((word) => peers.some(([, { address }]) => wordOf(address) === word));
  for (const word of sessions) {
    configure([top, `address-family ${afiOf(word)}`], remote.filter((prefix) => wordOf(prefix) === word).map((prefix) => `network ${prefix}`), [], leakRows);
  }
  if (places.length > 0) tellStatic(rendering, name, top);
  keepVanishing(rendering, top, peers.map(([, peer]) => peer));
};

/** Of static routes others are told as long as the kernel has them, which it has not when the way there is down. */
const tellStatic = ({ goal, add, configure }: Rendering, name: string, top: string): void => {
  const routes = [...goal.route].filter(([, { vrf, nextHops }]) => vrf === name && nextHops.length > 0);
  const map = `${name}-static`;
  for (const word of families) {
    const own = routes.filter(([, { prefix }]) => wordOf(prefix) === word);
    if (own.length === 0) continue;
    const rows = own.map(([key]) => `route/${key}`);
    const [list, clause] = [`${word} prefix-list ${map}`, `route-map ${map}-${word} permit 20`];
    add(frrContext([list], prefixListLines(own.map(([, { prefix }]) => exactly(prefix)))), ...rows);
    add({ ...frrContext([clause], [`match ${word} address prefix-list ${map}`]), after: [frrKey([list])] }, ...rows);
    configure([top, `address-family ${afiOf(word)}`], [`redistribute kernel route-map ${map}-${word}`], [frrKey([clause])], rows);
  }
};

const renderPeer = (rendering: Rendering, row: string, peer: VrfPeerRow, top: string): void => {
  const { add, configure } = rendering;
  const { vrf, address, asn, accept, inboundCommunity, outboundCommunity } = peer;
  const word = wordOf(address);
  const [from, to] = [`${vrf}-in-${address}`, `${vrf}-out-${address}`];
  const matches = accept.filter(({ prefix }) => wordOf(prefix) === word);
  if (matches.length > 0) add(frrContext([`${word} prefix-list ${from}`], prefixListLines(matches)), row);
  if (inboundCommunity !== undefined) add(frrContext([`bgp community-list standard ${from}`], communityListLines([inboundCommunity])), row);
  const believed = [
    // Without a list of this IP version nothing matches, as it must be when others are named only.
    ...(accept.length > 0 ? [`match ${word} address prefix-list ${from}`] : []),
    ...(inboundCommunity === undefined ? [] : [`match community ${from}`]),
  ];
  addMap(rendering, from, word, [insideList(vrf)], [believed], [row]);
  const told = [`match ${word} address prefix-list ${leakList(vrf)}`, ...(outboundCommunity === undefined ? [] : [`set community ${outboundCommunity}`])];
  addMap(rendering, to, word, [], [told], [row]);
  configure([top], [`neighbor ${address} remote-as ${asn}`, `neighbor ${address} timers connect 1`], [], row);
  const policies = [from, to].map((map) => frrKey([`route-map ${map} permit 20`]));
  if (word === 'ipv6') {
    configure([top, 'address-family ipv4 unicast'], [`no neighbor ${address} activate`], [], row);
    configure([top, 'address-family ipv6 unicast'], [`neighbor ${address} activate`], [], row);
  }
  configure([top, `address-family ${afiOf(word)}`], [`neighbor ${address} route-map ${from} in`, `neighbor ${address} route-map ${to} out`], policies, row);
};

/** Refuses what is in the lists, and permits what matches all lines of one of `permitted`; whatever else there is is refused. */
const addMap = (
  { add }: Rendering, map: string, word: Word, refused: readonly string[], permitted: readonly (readonly string[])[], rows: readonly string[],
): void => {
  const denies = refused.map((list) => ({ path: [`route-map ${map} deny 10`], lines: [`match ${word} address prefix-list ${list}`], list }));
  for (const { path, lines, list } of denies) add({ ...frrContext(path, lines), after: [frrKey([`${word} prefix-list ${list}`])] }, ...rows);
  for (const lines of permitted) {
    const lists = lines.flatMap((line) => /prefix-list (\S+)$/.exec(line)?.[1] ?? []).map((list) => frrKey([`${word} prefix-list ${list}`]));
    // What refuses comes first: a policy of one clause that permits would be one that permits everything.
    const before = denies.map(({ path }) => frrKey(path));
    add({ ...frrContext([`route-map ${map} permit 20`], lines), after: [...lists, ...before] }, ...rows);
  }
};

/** Lines of a neighbour that goes away FRR takes itself, and would refuse a "no" for them after that. */
const keepVanishing = ({ actual, configure }: Rendering, top: string, peers: readonly VrfPeerRow[]): void => {
  const stay = new Set<string>(peers.map(({ address }) => address));
  for (const family of ['ipv4', 'ipv6']) {
    const path = [top, `address-family ${family} unicast`];
    const there = actual.items.get(frrKey(path));
    if (there?.kind !== 'frr') continue;
    const gone = there.state.lines.filter((line) => {
      const neighbour = /^(?:no )?neighbor (\S+) /.exec(line)?.[1];
      return neighbour !== undefined && /^[\d.]+$|:/.test(neighbour) && !stay.has(neighbour);
    });
    if (gone.length > 0) configure(path, gone, []);
  }
};
