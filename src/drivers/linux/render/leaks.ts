/**
 * Peering of two VPCs on a device that holds both: a veth pair between their namespaces. Routes choose what a VRF sends
 * there; rules at the far end accept only what one and the same pairing permits, since routes of two pairings together
 * would permit more than either.
 */
import type { LeakRow } from '../../../goal/rows.ts';
import { neighbour, pair, pairKey, route, rulesetKey, sysctlKey } from '../model.ts';
import type { PairEnd } from '../model.ts';
import { pairMac } from './macs.ts';
import { bare, headerOf, hook } from './ruleset.ts';
import type { Rendering } from './render.ts';

/** Next hop on a pair, which carries no addresses; the same that FRR uses for unnumbered links. */
const nextHop = (prefix: string): string => (prefix.includes(':') ? 'fe80::1' : '169.254.0.1');

export const renderLeaks = (rendering: Rendering): void => {
  const { goal } = rendering;
  const halves = [...goal.leak].filter(([, { vrf, peerVrf }]) => goal.vrf.has(vrf) && goal.vrf.has(peerVrf));
  for (const [key, leak] of halves) renderLeak(rendering, `leak/${key}`, leak);
  // An outside network may have as many peers as there are VPCs.
  const known = new Set(halves.map(([, { vrf, peerVrf }]) => `${vrf}/${peerVrf}`));
  const missing = halves.map(([, leak]) => closed(leak)).filter(({ vrf, peerVrf }) => !known.has(`${vrf}/${peerVrf}`));
  const all = [...halves, ...missing.map((leak) => [undefined, leak] as const)];
  const outsides = new Set([...goal.vrf.values()].flatMap(({ vni, external }) => (external === undefined ? [] : [vni])));
  for (const [vrf, own] of Map.groupBy(all, ([, leak]) => leak.vrf)) {
    const rows = own.flatMap(([key]) => (key === undefined ? [] : [`leak/${key}`]));
    rendering.filter(vrf, { chains: gateChains(own.map(([, leak]) => leak), outsides) }, rows);
  }
};

/** The other half of a peering as it is without a row of its own: nothing may come in. The pair is there all the same. */
const closed = ({ vrf, vni, peerVrf, peerVni }: LeakRow): LeakRow => ({
  vrf: peerVrf,
  vni: peerVni,
  peerVrf: vrf,
  peerVni: vni,
  pairings: [],
});

const renderLeak = ({ add }: Rendering, row: string, leak: LeakRow): void => {
  const own = endOf(leak.vrf, leak.vni, leak.peerVni);
  const far = endOf(leak.peerVrf, leak.peerVni, leak.vni);
  const [low, high] = leak.vni < leak.peerVni ? [own, far] : [far, own];
  const link = pair(pairKey(leak.vni, leak.peerVni), { low, high });
  add({ ...link, after: [...(link.after ?? []), rulesetKey(leak.peerVrf), sysctlKey(leak.vrf)] }, row);
  const remote = [...new Set(leak.pairings.flatMap((pairing) => pairing.remote))];
  for (const via of new Set(remote.map(nextHop))) {
    const entry = { place: leak.vrf, device: own.name, address: via, mac: far.mac, advertised: false };
    add(neighbour(entry, link.key), row);
  }
  for (const prefix of remote) {
    const via = nextHop(prefix);
    const item = route({ place: leak.vrf, prefix, via, device: own.name }, link.key);
    add({ ...item, after: [`neighbour/${leak.vrf}/${own.name}/${via}`, rulesetKey(leak.vrf), rulesetKey(leak.peerVrf)] }, row);
  }
};

const endOf = (place: string, vni: LeakRow['vni'], peerVni: LeakRow['vni']): PairEnd => ({
  place,
  name: `pv${peerVni}`,
  mac: pairMac(vni),
  up: true,
});

/**
 * What comes in from a peer VRF is dropped unless one pairing permits both its ends. A chain a pairing and a rule a prefix:
 * linear in the size of the peering. At `input` too: otherwise this VRF's gateways could be reached by every peer.
 */
const gateChains = (leaks: readonly LeakRow[], outsides: ReadonlySet<number>): Record<string, readonly string[]> => {
  const sorted = leaks.toSorted((left, right) => left.peerVni - right.peerVni);
  const gate = sorted.flatMap((leak) => gateRules(leak, outsides.has(leak.peerVni)));
  return Object.fromEntries([
    ...sorted.flatMap(pairingChains),
    ['forward', [hook('forward'), ...gate]],
    ['input', [hook('input'), ...gate]],
  ]);
};

const chainName = ({ peerVni }: LeakRow, index: number): string => `pv${peerVni}-${index}`;

const pairingChains = (leak: LeakRow): (readonly [string, readonly string[]])[] =>
  leak.pairings.map(({ local }, index) =>
    [chainName(leak, index), local.map((prefix) => `${headerOf(prefix)} daddr ${bare(prefix)} accept`)]);

/**
 * What went wrong outside (a packet too large above all) is told by routers on the way, whose addresses no peering names; a
 * border leaf is the first of them.
 */
const errorRules = (leak: LeakRow): readonly string[] =>
  leak.pairings.flatMap((_, index) =>
    [
      'icmp type { destination-unreachable, time-exceeded, parameter-problem }',
      'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }',
    ].map((types) => `iifname "pv${leak.peerVni}" ${types} jump ${chainName(leak, index)}`));

const gateRules = (leak: LeakRow, isOutside: boolean): readonly string[] => [
  ...leak.pairings.flatMap(({ remote }, index) =>
    remote.map((prefix) => `iifname "pv${leak.peerVni}" ${headerOf(prefix)} saddr ${bare(prefix)} jump ${chainName(leak, index)}`)),
  ...(isOutside ? errorRules(leak) : []),
  `iifname "pv${leak.peerVni}" drop`,
];
