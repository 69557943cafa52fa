/**
 * Subnets that are kept apart, and hosts that are kept apart inside one. Between subnets everything is routed, so there the
 * `inet` rules decide, on every device that holds the VRF and in both directions. Inside a subnet frames are bridged: none is
 * passed on from one port of a restricted segment to another, its VXLAN device included, and what takes the detour through
 * the gateway is dropped there. Only addresses of the VPC's own subnets are named, so peerings are not affected. Rules go by
 * where a packet comes in as well as by its source, which a host may forge.
 */
import type { IsolationRow, SegmentRow } from '../../../goal/rows.ts';
import type { Prefix } from '../../../net/brand.ts';
import { networkOf } from '../../../net/interfaceaddress.ts';
import type { Items, Place } from '../model.ts';
import type { NftSet } from '../nft.ts';
import { bare, headerOf, headersOf, hook, prefixSet } from './ruleset.ts';
import type { Rendering } from './render.ts';

/** Before the rules of peerings. */
const offset = -10;

export const renderIsolation = (rendering: Rendering): void => {
  const { goal, refuse } = rendering;
  for (const [key, { vrf }] of goal.isolation) {
    if (!goal.vrf.has(vrf)) refuse(`isolation/${key}`, 'Conflict', `VRF "${vrf}" of segment ${key} is not on this device`);
  }
  const isolated = Map.groupBy(goal.isolation, ([, { vrf }]) => vrf);
  const restricted = Map.groupBy([...goal.segment].filter(([, segment]) => segment.restricted), ([, { vrf }]) => vrf);
  for (const vrf of goal.vrf.keys()) {
    const [rows, segments] = [isolated.get(vrf) ?? [], restricted.get(vrf) ?? []];
    if (rows.length + segments.length === 0) continue;
    const ids = [...rows.map(([key]) => `isolation/${key}`), ...segments.map(([key]) => `segment/${key}`)];
    const values = rows.map(([, row]) => row);
    rendering.filter(vrf, routedPart(values, segments.map(([, segment]) => segment)), ids);
    if (segments.length > 0) rendering.filter(vrf, bridgedPart(rendering, vrf, segments.map(([, segment]) => segment)), ids);
  }
};

const routedPart = (isolated: readonly IsolationRow[], restricted: readonly SegmentRow[]) => {
  const rules = [...isolated.flatMap(isolationRules), ...restricted.flatMap(restrictionRules)];
  return {
    sets: Object.fromEntries(isolated.flatMap(isolationSets)),
    chains: {
      'isolation-rules': rules,
      'isolation-forward': [hook('forward', offset), 'jump isolation-rules'],
      // The addresses of other subnets' gateways are theirs too.
      'isolation-input': [hook('input', offset), ...isolated.flatMap(gatewayRules)],
    },
  };
};

const ownSet = (segment: number, header: string): string => `isolated-${segment}-${header}`;
const deniedSet = (segment: number, header: string): string => `denied-${segment}-${header}`;

const bothHeaders = ({ prefixes, denied }: IsolationRow) => {
  const theirs = headersOf(denied);
  return headersOf(prefixes).filter((header) => theirs.includes(header));
};

const isolationSets = (row: IsolationRow): (readonly [string, NftSet])[] =>
  bothHeaders(row).flatMap((header) => [
    [ownSet(row.segment, header), prefixSet(header, row.prefixes)] as const,
    [deniedSet(row.segment, header), prefixSet(header, row.denied)] as const,
  ]);

const isolationRules = (row: IsolationRow): readonly string[] =>
  bothHeaders(row).flatMap((header) => {
    const [own, denied] = [`@${ownSet(row.segment, header)}`, `@${deniedSet(row.segment, header)}`];
    return [
      `${header} saddr ${own} ${header} daddr ${denied} drop`,
      `${header} saddr ${denied} ${header} daddr ${own} drop`,
      arrivalRule(row, header),
    ];
  });

const arrivalRule = ({ segment }: IsolationRow, header: string): string => `iifname "br${segment}" ${header} daddr @${deniedSet(segment, header)} drop`;

const gatewayRules = (row: IsolationRow): readonly string[] => bothHeaders(row).map((header) => arrivalRule(row, header));

const restrictionRules = ({ vni, gateways }: SegmentRow): readonly string[] => [
  `iifname "br${vni}" oifname "br${vni}" drop`,
  ...gateways.map(networkOf).flatMap((network: Prefix) => {
    const [header, text] = [headerOf(network), bare(network)];
    return [`${header} saddr ${text} ${header} daddr ${text} drop`, `iifname "br${vni}" ${header} daddr ${text} drop`];
  }),
];

/** Whatever stands in the bridge of such a segment. What the switch itself sends there is not passed on but sent. */
const bridgedPart = ({ items }: Rendering, place: Place, segments: readonly SegmentRow[]) => {
  const bridges = new Set(segments.map(({ vni }) => `br${vni}`));
  const members = bridgeMembers(items, place, bridges);
  return {
    family: 'bridge' as const,
    sets: { restricted: { lines: ['type ifname'], elements: members.map((name) => `"${name}"`).toSorted() } },
    chains: { 'restricted-forward': [hook('forward', offset), 'iifname @restricted drop', 'oifname @restricted drop'] },
  };
};

/** Names of what stands in some bridges of a VRF, or in any: ports, bonds, subinterfaces, VXLAN devices. */
export const bridgeMembers = (items: Items, place: Place, bridges?: ReadonlySet<string>): string[] =>
  [...items.values()].flatMap(({ state }) => {
    if (!('master' in state) || !('place' in state) || state.place !== place || !/^br\d+$/.test(state.master)) return [];
    if (bridges?.has(state.master) === false) return [];
    return ['interface' in state ? state.interface : state.name];
  });
