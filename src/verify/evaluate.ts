/**
 * Follows a packet through the rows: from the port where it comes in over its segment, the routes of its VRF and the filters
 * on the way to the port where it goes out. Nothing but rows, and what devices learned, has a part in it. Pure.
 */
import type { SegmentRow } from '../goal/rows.ts';
import { addressPart } from '../net/interfaceaddress.ts';
import type { Address, Vni } from '../net/brand.ts';
import { contains } from '../net/prefix.ts';
import { admits, isolationOf, pairingOf, refusedBy } from './filters.ts';
import { maySendAs } from './sources.ts';
import { placeKey, type Device, type Network, type Route, type Segment, type Vrf } from './network.ts';
import type { Delivery, Doing, DropReason, Hop, Packet, Place, Verdict } from './packet.ts';

/** What becomes of a packet that comes in at a port. */
export const evaluate = (network: Network, place: Place, packet: Packet): Verdict => new Walk(network, packet).enter(place);

export type RoundTrip = 'allow' | 'deny' | 'oneway';

/**
 * Whether a packet arrives and its answer comes back to where it came from; `oneway`: it arrives and the answer does not.
 * Where the answer goes in is what the packet was delivered to.
 */
export const roundTrip = (network: Network, place: Place, packet: Packet): { readonly result: RoundTrip; readonly verdicts: readonly Verdict[] } => {
  const there = evaluate(network, place, packet);
  if (there.type === 'dropped') return { result: 'deny', verdicts: [there] };
  const answer: Packet = { ...packet, source: packet.destination, destination: packet.source, isAnswer: true };
  const from = placesOf(there.to);
  if (from.length === 0) return { result: 'allow', verdicts: [there] };
  const back = from.map((each) => evaluate(network, each, answer));
  return { result: back.every(({ type }) => type === 'delivered') ? 'allow' : 'oneway', verdicts: [there, ...back] };
};

/** Where an answer comes in; nowhere when gateways and foreign VTEPs answer themselves. */
const placesOf = (to: Delivery): readonly Place[] => {
  if (to.what === 'host') return to.places;
  return to.what === 'external' ? [to.place] : [];
};

/** No way through a fabric takes more of these than that. */
const mostRoutings = 8;

class Walk {
  readonly #network: Network;
  readonly #packet: Packet;
  readonly #hops: Hop[] = [];
  #routings = 0;

  constructor(network: Network, packet: Packet) {
    this.#network = network;
    this.#packet = packet;
  }

  enter({ device: name, port, vlan }: Place): Verdict {
    const device = this.#network.devices.get(name);
    if (device === undefined) return this.#drop('NotAttached', name);
    const key = placeKey(device.bundles.get(port) ?? port, vlan);
    const routed = device.routedPorts.get(key);
    if (routed !== undefined) return this.#fromOutside(device, key, routed.vrf);
    const attachment = device.attachments.get(key);
    const segment = attachment && this.#network.segments.get(attachment.segment);
    if (segment === undefined || !segment.devices.has(name)) return this.#drop('NotAttached', name);
    this.#note(name, 'enters', `into segment ${segment.row.vni}`, `attachment/${key}`);
    return this.#fromHost(device, key, segment);
  }

  #fromHost(device: Device, key: string, segment: Segment): Verdict {
    const { source, destination } = this.#packet;
    const { row } = segment;
    const own = this.#network.vrfs.get(row.vrf);
    if (own !== undefined && !maySendAs(device, key, segment, own, source)) return this.#drop('Spoofed', device.name, `segment/${row.vni}`);
    if (isGateway(row, destination)) return this.#deliver({ what: 'gateway', segment: row.vni, device: device.name });
    const vrf = this.#vrfOn(device, row.vrf);
    if (vrf === undefined) return this.#drop('NoVRF', device.name, `segment/${row.vni}`);
    const refusing = refusedBy(vrf, 'egress', this.#packet);
    if (refusing !== undefined) return this.#drop('PolicyEgress', device.name, refusing);
    if (segment.prefixes.some((prefix) => contains(prefix, destination))) {
      if (row.restricted === true) return this.#drop('Restricted', device.name, `segment/${row.vni}`);
      if (row.mode !== 'l3' && !hasOwnRoute(vrf, destination)) return this.#toSegment(device, vrf, row.vni, 'bridged');
    }
    return this.#route(device, vrf, true);
  }

  #fromOutside(device: Device, key: string, name: string): Verdict {
    const row = `vrfPort/${key}`;
    const vrf = this.#vrfOn(device, name);
    if (vrf === undefined) return this.#drop('NoVRF', device.name, row);
    this.#note(device.name, 'enters', `into VRF ${name}`, row);
    if (!admits(device.routedPorts.get(key)?.inbound ?? [], this.#packet)) return this.#drop('InboundACL', device.name, row);
    if (isInside(vrf, this.#packet.source)) return this.#drop('Spoofed', device.name, `vrf/${name}`);
    return this.#route(device, vrf, true);
  }

  /** @param mayLeak false in the VRF of a peer: nobody is reached through a third. */
  #route(device: Device, vrf: Vrf, mayLeak: boolean): Verdict {
    if (++this.#routings > mostRoutings) return this.#drop('Loop', device.name);
    const { source, destination } = this.#packet;
    const found = vrf.routes.longest(destination);
    // A leak is as good a route as those of the VRF itself: the longest prefix decides, and VPCs of one space share none.
    const leaked = mayLeak ? this.#leak(device, vrf, found === undefined ? -1 : Number(found.prefix.split('/')[1])) : undefined;
    if (leaked !== undefined) return leaked;
    if (found === undefined || isInside(vrf, destination)) return this.#drop('NoRoute', device.name);
    const isolating = mayLeak ? isolationOf(vrf, { ...this.#packet, source, destination }) : undefined;
    if (isolating !== undefined) return this.#drop('Isolated', device.name, isolating);
    this.#note(device.name, 'routed', `routed by ${found.prefix} in ${vrf.row.name}`, rowOf(found.value));
    return this.#follow(device, vrf, found.value, destination);
  }

  #follow(device: Device, vrf: Vrf, route: Route, towards: Address): Verdict {
    if (route.type === 'segment') return this.#toSegment(device, vrf, route.segment, 'routed', towards);
    if (route.type === 'outside') return this.#out(device, vrf, route.place, route.nextHop, route.row);
    if (route.type === 'port') return this.#out(device, vrf, route.place, towards);
    const [nextHop] = route.nextHops;
    const next = nextHop === undefined ? undefined : vrf.routes.longest(nextHop);
    if (nextHop === undefined || next === undefined || next.value === route) return this.#drop('NoRoute', device.name, route.row);
    if (++this.#routings > mostRoutings) return this.#drop('Loop', device.name, route.row);
    this.#note(device.name, 'via', `over ${nextHop}`, route.row);
    return this.#follow(device, vrf, next.value, nextHop);
  }

  /** The leak with the longest prefix for the destination that is longer than the VRF's own route, when there is one. */
  #leak(device: Device, vrf: Vrf, ownLength: number): Verdict | undefined {
    const { source, destination } = this.#packet;
    const leading = vrf.leaks
      .flatMap((leak) => leak.pairings.flatMap(({ remote }) => remote.flatMap((prefix) => (contains(prefix, destination) ? { leak, prefix } : []))))
      .toSorted((left, right) => Number(right.prefix.split('/')[1]) - Number(left.prefix.split('/')[1]));
    const [best] = leading;
    if (best === undefined || Number(best.prefix.split('/')[1]) <= ownLength) return undefined;
    const { leak } = best;
    const row = `leak/${leak.vrf}/${leak.peerVrf}`;
    // Peerings with several Externals may name one prefix: the one that has a route to the destination takes the packet.
    const peers = leading.filter(({ prefix }) => prefix === best.prefix).map((each) => ({ ...each, peer: this.#vrfOn(device, each.leak.peerVrf) }));
    const taken = peers.find(({ peer }) => peer?.routes.longest(destination) !== undefined) ?? peers[0];
    const peer = taken?.peer;
    if (taken === undefined || peer === undefined) return this.#drop('NoVRF', device.name, row);
    if (pairingOf(taken.leak, source, destination) === undefined) return this.#drop('NoPairing', device.name, row);
    this.#note(device.name, 'leaked', `leaked into ${peer.row.name}`, row);
    return this.#route(device, peer, false);
  }

  #toSegment(from: Device, vrf: Vrf, vni: Vni, how: 'bridged' | 'routed', towards = this.#packet.destination): Verdict {
    const segment = this.#network.segments.get(vni);
    if (segment === undefined) return this.#drop('NoHost', from.name);
    if (how === 'routed' && isGateway(segment.row, towards)) return this.#deliver({ what: 'gateway', segment: vni, device: from.name });
    const mapped = segment.mappings.get(towards);
    if (mapped !== undefined) this.#note(from.name, 'arrives', `${how} to ${towards} behind VTEP ${mapped.vtep}`, `mapping/${towards}`);
    if (mapped !== undefined) return this.#deliver({ what: 'mapped', segment: vni, vtep: mapped.vtep });
    const host = segment.hosts.get(towards);
    const reached = host?.places.filter(({ device }) => this.#canReach(from, device, vrf, vni, how)) ?? [];
    if (host === undefined) return this.#drop('NoHost', from.name, `segment/${vni}`);
    if (reached.length === 0) return this.#drop('NoVTEP', from.name, `segment/${vni}`);
    const refusing = refusedBy(vrf, 'ingress', this.#packet);
    if (refusing !== undefined) return this.#drop('PolicyIngress', reached[0]?.device ?? from.name, refusing);
    this.#note(reached[0]?.device ?? from.name, 'arrives', `${how} to ${towards} in segment ${vni}`, `host/${vni}/${towards}`);
    return this.#deliver({ what: 'host', segment: vni, address: towards, places: reached });
  }

  /** Over the segment's VNI where both ends hold it, else over that of the VRF; on one device over nothing. */
  #canReach(from: Device, name: string, vrf: Vrf, vni: Vni, how: 'bridged' | 'routed'): boolean {
    const to = this.#network.devices.get(name);
    const segment = this.#network.segments.get(vni);
    if (to === undefined || segment?.devices.has(name) !== true) return false;
    if (from === to) return true;
    if (from.vtep === undefined || to.vtep === undefined) return false;
    return how === 'bridged' ? segment.devices.has(from.name) : from.vrfs.has(vrf.row.name) && to.vrfs.has(vrf.row.name);
  }

  #out(from: Device, vrf: Vrf, place: Place, nextHop: Address, row?: string): Verdict {
    const border = this.#network.devices.get(place.device);
    if (border?.vrfs.has(vrf.row.name) !== true) return this.#drop('NoVRF', place.device, row);
    if (from !== border && (from.vtep === undefined || border.vtep === undefined)) return this.#drop('NoVTEP', from.name, row);
    this.#note(place.device, 'leaves', `out of the fabric at ${placeKey(place.port, place.vlan)}`, row);
    return this.#deliver({ what: 'external', vrf: vrf.row.name, place, nextHop });
  }

  #vrfOn(device: Device, name: string): Vrf | undefined {
    return device.vrfs.has(name) ? this.#network.vrfs.get(name) : undefined;
  }

  #note(device: string, doing: Doing, action: string, row?: string): void {
    this.#hops.push(row === undefined ? { device, doing, action } : { device, doing, action, row });
  }

  #drop(reason: DropReason, at: string, row?: string): Verdict {
    return { type: 'dropped', reason, at, hops: this.#hops, ...(row !== undefined && { row }) };
  }

  #deliver(to: Delivery): Verdict {
    return { type: 'delivered', to, hops: this.#hops };
  }
}

/** The row that a route comes from. */
const rowOf = (route: Route): string => {
  if (route.type === 'segment') return `segment/${route.segment}`;
  return route.type === 'port' ? `vrfPort/${placeKey(route.place.port, route.place.vlan)}` : route.row;
};

const isGateway = ({ gateways }: SegmentRow, address: Address): boolean => gateways.some((gateway) => addressPart(gateway) === address);

/** Whether an address is never outside, in the VRF of an External. */
const isInside = ({ row: { external } }: Vrf, address: Address): boolean => external?.inside.some((prefix) => contains(prefix, address)) === true;

/** Whether a host announced the address, or a static route leads elsewhere, although it lies in the segment's prefix. */
const hasOwnRoute = (vrf: Vrf, address: Address): boolean => vrf.routes.longest(address)?.value.type === 'via';
