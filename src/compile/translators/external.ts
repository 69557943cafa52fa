/**
 * External -> its VRF and static routes, said once for all devices that hold it, and on each border leaf where it is met the
 * port in that VRF and the session with the router outside.
 */
import type { AclStatement, PrefixMatch, RouteRow, VrfPeerRow, VrfPortRow } from '../../goal/rows.ts';
import { familyOf } from '../../net/address.ts';
import type { Prefix } from '../../net/brand.ts';
import { prefixLength } from '../../net/prefix.ts';
import { prefixOf, specOf, type Specs } from '../intent.ts';
import { externalResolution, type ExternalPlace, type ResolvedExternal } from '../resolve/external.ts';
import { shadowedStatements } from '../resolve/shadow.ts';
import type { Facts, ScopedRow, Translator } from '../view.ts';

export const externalTranslator: Translator = {
  name: 'external',
  kind: 'External',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(externalResolution, object.metadata.name);
    const spec = specOf('External', object);
    const said = { findings: [...findings, ...shadowedStatements(spec.inboundACL)], demands };
    if (value === undefined) return { rows: [], ...said };
    return { rows: [...networkRows(value), ...value.places.flatMap((place) => placeRows(value, place, spec))], ...said, facts: factsOf(value) };
  },
};

const networkRows = ({ network, places }: ResolvedExternal): ScopedRow[] => {
  const { vni, vrf, scope, inside, external } = network;
  const value = { name: vrf, vni, description: external.name, external: { inside } };
  const routes = (network.fixed ?? []).map((prefix): ScopedRow => {
    const nextHops = places.flatMap(({ nextHop }) => (nextHop !== undefined && familyOf(nextHop) === familyOf(prefix) ? [nextHop] : []));
    const route: RouteRow = { vrf, prefix, nextHops: [...new Set(nextHops)].sort() };
    return { scope, row: { table: 'route', key: `${vrf}/${prefix}`, value: route }, from: [] };
  });
  return [{ scope, row: { table: 'vrf', key: vrf, value }, from: [] }, ...routes];
};

const placeRows = ({ network: { vrf, scope: shared } }: ResolvedExternal, place: ExternalPlace, { bgp, inboundACL }: Specs['External']): ScopedRow[] => {
  const { leaf: { scope }, connection, port, vlan, neighbor } = place;
  const key = portKey(place);
  const vrfPort: VrfPortRow = {
    port,
    ...(vlan === undefined ? {} : { vlan }),
    vrf,
    addresses: [place.address],
    proxyFor: place.proxy,
    inbound: inboundACL.map(statementOf),
  };
  const rows: ScopedRow['row'][] = [
    { table: 'member', key: shared, value: { scope: shared } },
    { table: 'vrfPort', key, value: vrfPort },
  ];
  if (neighbor !== undefined) {
    rows.push({ table: 'vrfPeer', key: `${vrf}/${neighbor.address}`, value: peerOf(vrf, key, neighbor, bgp) });
  }
  return rows.map((row) => ({ scope, row, from: [connection] }));
};

const portKey = ({ port, vlan }: ExternalPlace): string => (vlan === undefined ? port : `${port}.${vlan}`);

const peerOf = (vrf: string, port: string, { address, asn }: NonNullable<ExternalPlace['neighbor']>, bgp: Specs['External']['bgp']): VrfPeerRow => {
  const { inboundCommunity, outboundCommunity, prefixes = [] } = bgp ?? {};
  return {
    vrf,
    port,
    address,
    asn,
    accept: prefixes.map(prefixOf).map(matchOf),
    ...(inboundCommunity === undefined ? {} : { inboundCommunity }),
    ...(outboundCommunity === undefined ? {} : { outboundCommunity }),
  };
};

/** The prefix and every longer one inside it. */
const matchOf = (prefix: Prefix): PrefixMatch => ({ prefix, minLength: prefixLength(prefix), maxLength: familyOf(prefix) === 4 ? 32 : 128 });

const statementOf = ({ action, protocol, source, destination, ports, established, icmpType, icmpCode }: Specs['External']['inboundACL'][number]): AclStatement => ({
  action,
  ...(protocol === undefined ? {} : { protocol }),
  ...(source === undefined ? {} : { source: prefixOf(source) }),
  ...(destination === undefined ? {} : { destination: prefixOf(destination) }),
  ...(ports === undefined ? {} : { ports }),
  ...(established === true ? { established } : {}),
  ...(icmpType === undefined ? {} : { icmpType }),
  ...(icmpCode === undefined ? {} : { icmpCode }),
});

const factsOf = ({ network: { vni, fixed }, places }: ResolvedExternal): Facts => ({
  vni,
  type: fixed === undefined ? 'bgp' : 'static',
  ports: [...new Set(places.map((place) => `${place.leaf.name}/${portKey(place)}`))],
});
