/** Whether a server may send under an address at its port: the rule that every leaf holds its server ports to. Pure. */
import type { Address } from '../net/brand.ts';
import { contains } from '../net/prefix.ts';
import { placeKey, type Device, type Segment, type Vrf } from './network.ts';

/** @param key of the port, with its VLAN */
export const maySendAs = (device: Device, key: string, segment: Segment, vrf: Vrf, source: Address): boolean => {
  const here = placesOn(device, vrf, source);
  if (here.length > 0) return here.includes(key);
  if (isElsewhere(vrf, source)) return false;
  return [...segment.prefixes, ...segment.announceable].some((prefix) => contains(prefix, source)) || isBehind(device, key, segment, vrf, source);
};

/** Ports of the device behind which the server is whose address it is known to be. */
const placesOn = (device: Device, { owners }: Vrf, address: Address): readonly string[] =>
  (owners.get(address) ?? []).flatMap((place) => (place.device === device.name ? [placeKey(place.port, place.vlan)] : []));

/** A gateway's, or that of a server which a policy names. */
const isElsewhere = ({ gateways, sets }: Vrf, address: Address): boolean =>
  gateways.has(address) || [...sets.values()].some((members) => members.some((prefix) => contains(prefix, address)));

/** Static routes lead to it over a next hop in the segment: at the port of that, where it is known. */
const isBehind = (device: Device, key: string, segment: Segment, vrf: Vrf, source: Address): boolean =>
  vrf.staticRoutes.some(({ prefix, nextHops }) =>
    contains(prefix, source) && nextHops.some((hop) => {
      if (!segment.prefixes.some((network) => contains(network, hop))) return false;
      const known = placesOn(device, vrf, hop);
      return known.length === 0 || known.includes(key);
    }));
