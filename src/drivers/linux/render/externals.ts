/**
 * The VRF of an outside network. What keeps tenants apart in it: a packet of one VPC leaves to the outside and never into
 * another VPC, whichever way it takes: directly from pair to pair, over another leaf's VRF of the same network, or by an
 * address that belongs inside. What comes from outside goes to VPCs and nowhere else; the switch itself answers only its
 * neighbour there. These rules come before those of peerings, which permit a default route too.
 */
import type { VrfPeerRow, VrfPortRow, VrfRow } from '../../../goal/rows.ts';
import { networkOf } from '../../../net/interfaceaddress.ts';
import { contains, hostAt, prefixSize } from '../../../net/prefix.ts';
import type { Address, Prefix } from '../../../net/brand.ts';
import { address, proxy, route } from '../model.ts';
import type { ItemKey } from '../model.ts';
import { doorsOf } from './doors.ts';
import { aclRules } from './externalacl.ts';
import { renderExternalBgp } from './externalbgp.ts';
import { bare, headerOf, headersOf, hook, prefixSet } from './ruleset.ts';
import type { Rendering } from './render.ts';

/** Before the rules of peerings. nft prints an offset of more than 10 in another way. */
const offset = -5;

/** Where an outside network is met on this device. */
export interface Place {
  readonly row: string;
  /** Key of the `vrfPort`. */
  readonly key: string;
  readonly port: VrfPortRow;
  /** Interface inside the VRF, and its item. */
  readonly device: string;
  readonly item: ItemKey;
}

export const renderExternals = (rendering: Rendering): void => {
  const { goal, refuse } = rendering;
  const doors = doorsOf(rendering);
  const places = [...goal.vrfPort].flatMap(([key, port]): Place[] => {
    const row = `vrfPort/${key}`;
    if (goal.vrf.get(port.vrf)?.external === undefined) {
      refuse(row, 'Conflict', `VRF "${port.vrf}" on this device is not that of an outside network`);
      return [];
    }
    const door = doors.door(port.port, port.vlan ?? 0, port.vrf);
    return door === undefined ? [] : [{ row, key, port, device: door.device, item: door.key }];
  });
  for (const [key, peer] of goal.vrfPeer) checkPeer(rendering, `vrfPeer/${key}`, peer);
  for (const [key, vrf] of goal.vrf) {
    if (vrf.external === undefined) continue;
    const own = places.filter(({ port }) => port.vrf === vrf.name);
    for (const place of own) renderPlace(rendering, place);
    renderGuard(rendering, `vrf/${key}`, vrf, vrf.external.inside, own);
    renderStatic(rendering, vrf, own);
    renderExternalBgp(rendering, vrf, vrf.external.inside, own);
  }
};

const checkPeer = ({ goal, refuse }: Rendering, row: string, { vrf, port, bfd }: VrfPeerRow): void => {
  if (goal.vrfPort.get(port)?.vrf !== vrf) refuse(row, 'Conflict', `port "${port}", which it is behind, is not in VRF "${vrf}" on this device`);
  if (bfd !== undefined) refuse(row, 'Unsupported', 'BFD with routers outside is not supported on this device');
};

const renderPlace = ({ add }: Rendering, { row, port: { vrf, addresses, proxyFor }, device, item }: Place): void => {
  for (const own of addresses) add(address({ place: vrf, device, address: own }, item), row);
  for (const neighbour of proxyFor.flatMap(addressesIn)) add(proxy({ place: vrf, device, address: neighbour }, item), row);
};

/** So many that each has an entry of its own; the kernel has none for prefixes. */
const addressesIn = (prefix: Prefix): Address[] => Array.from({ length: Number(prefixSize(prefix)) }, (_, index) => hostAt(prefix, index)).filter((each) => each !== undefined);

const setName = (header: string): string => `outside-inside-${header}`;

const renderGuard = ({ goal, filter }: Rendering, row: string, { name, vni }: VrfRow, inside: readonly Prefix[], places: readonly Place[]): void => {
  const headers = headersOf(inside);
  const peers = [...goal.vrfPeer.values()].filter(({ vrf }) => vrf === name);
  const forward = [
    'iifname "pv*" oifname "pv*" drop',
    `iifname "br${vni}" oifname "pv*" drop`,
    ...headers.map((header) => `oifname != "pv*" ${header} daddr @${setName(header)} drop`),
    ...places.flatMap(({ device }) => [
      `iifname "${device}" oifname != "pv*" drop`,
      ...headers.map((header) => `iifname "${device}" ${header} saddr @${setName(header)} drop`),
    ]),
    ...places.filter(({ port }) => port.inbound.length > 0).map(({ device }) => `iifname "${device}" jump outside-acl-${device}`),
  ];
  const input = [
    'iifname "pv*" drop',
    `iifname "br${vni}" drop`,
    ...places.flatMap((place) => [...routersAt(place, peers), `iifname "${place.device}" meta l4proto { icmp, ipv6-icmp } accept`, `iifname "${place.device}" drop`]),
  ];
  const acls = places.filter(({ port }) => port.inbound.length > 0).map(({ device, port }) => [`outside-acl-${device}`, aclRules(port.inbound)]);
  filter(
    name,
    {
      sets: Object.fromEntries(headers.map((header) => [setName(header), prefixSet(header, inside)])),
      chains: {
        ...Object.fromEntries(acls),
        'outside-forward': [hook('forward', offset), ...forward],
        'outside-input': [hook('input', offset), ...input],
      },
    },
    row,
    places.map((place) => place.row),
  );
};

/** BGP of the neighbours, whichever side opened the session. */
const routersAt = ({ key, device }: Place, peers: readonly VrfPeerRow[]): string[] =>
  peers
    .filter(({ port }) => port === key)
    .flatMap(({ address: router }) =>
      ['dport', 'sport'].map((side) => `iifname "${device}" ${headerOf(router)} saddr ${bare(router)} tcp ${side} 179 accept`));

/** Static routes towards the outside, on the devices that reach a next hop directly; others learn them from those. */
const renderStatic = ({ goal, add }: Rendering, { name }: VrfRow, places: readonly Place[]): void => {
  for (const [key, { vrf, prefix, nextHops }] of goal.route) {
    if (vrf !== name) continue;
    const [first, ...others] = hopsOf(nextHops, places);
    if (first === undefined) continue;
    const state = { place: name, prefix, via: first.via, device: first.device };
    const item = route(others.length === 0 ? state : { ...state, others: others.map(({ via, device }) => ({ via, device })) }, first.item);
    const needs = [...new Set([first, ...others].map((hop) => hop.item))];
    add({ ...item, needs, after: [first, ...others].flatMap(({ addresses }) => addresses) }, `route/${key}`);
  }
};

const hopsOf = (nextHops: readonly Address[], places: readonly Place[]) =>
  nextHops.flatMap((via) => {
    const place = places.find(({ port }) => port.addresses.some((own) => contains(networkOf(own), via)));
    if (place === undefined) return [];
    const { item, device, port: { vrf, addresses } } = place;
    return [{ via, device, item, addresses: addresses.map((own) => `address/${vrf}/${device}/${own}`) }];
  });
