/** The trace of a packet for people: ends found by name, the way through goal state, and of every step the objects it comes from. */
import { apiVersion, type ObjectRef } from '../../api/object.ts';
import type { ContributorView } from '../../api/goalview.ts';
import type { StepView, TraceEndView, TraceView, TunnelView, WayView } from '../../api/traceview.ts';
import { HeddleError } from '../../kit/error.ts';
import { optional } from '../../kit/json.ts';
import { familyOf } from '../../net/address.ts';
import type { Address } from '../../net/brand.ts';
import type { Packet, Place, Protocol } from '../../verify/packet.ts';
import { trace, type Journey, type Step, type Trace, type Tunnel, type Way } from '../../verify/trace.ts';
import { endsOf, placesOfAddress, type End, type EndSources } from './ends.ts';

export interface TraceQuery {
  readonly from: string;
  readonly to: string;
  readonly protocol: Protocol;
  readonly port?: number;
  /** Also ask the devices on the way what they run. */
  readonly actual: boolean;
  /** Of ends that name none. */
  readonly namespace: string;
}

/** @param own the end that the view was asked of; the query says the other one, as `to` or as `from` @throws HeddleError `BadRequest` */
export const readTraceQuery = (own: string, query: URLSearchParams, namespace: string): TraceQuery => {
  const unknown = [...query.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined) throw new HeddleError('BadRequest', `"${unknown}" is no parameter here; use ${parameters.slice(0, -2).join(', ')}`);
  const [from, to] = [query.get('from'), query.get('to')];
  if ((from === null) === (to === null)) throw new HeddleError('BadRequest', 'a trace has one other end: say "to", or "from"');
  const port = query.get('port');
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw new HeddleError('BadRequest', `port "${port}" is not a number from 1 to 65535`);
  }
  const protocol = query.get('protocol') ?? (port === null ? 'icmp' : 'tcp');
  if (!isProtocol(protocol)) throw new HeddleError('BadRequest', `protocol "${protocol}" is none of icmp, tcp, udp`);
  if (protocol === 'icmp' && port !== null) throw new HeddleError('BadRequest', 'icmp has no ports: leave "port" out, or say protocol tcp or udp');
  if (protocol !== 'icmp' && port === null) throw new HeddleError('BadRequest', `${protocol} needs a port, such as 443`);
  return {
    from: from ?? own,
    to: to ?? own,
    protocol,
    ...(port !== null && { port: Number(port) }),
    actual: query.get('actual') === 'true',
    namespace: query.get('namespace') ?? namespace,
  };
};

/** The last two are what clients put on every request. */
const parameters: readonly string[] = ['to', 'from', 'protocol', 'port', 'actual', 'namespace', 'address', 'timeout', 'pretty'];

const isProtocol = (text: string): text is Protocol => text === 'icmp' || text === 'tcp' || text === 'udp';

/** A trace with what it was asked of, before it is made a view. */
export interface Traced {
  readonly query: TraceQuery;
  readonly from: End;
  readonly to: End;
  readonly journey: Journey;
  readonly trace: Trace;
  readonly assumptions: readonly string[];
}

export const traceEnds = (query: TraceQuery, sources: EndSources): Traced => {
  const [froms, tos] = [endsOf(query.from, sources), endsOf(query.to, sources)];
  const pairs = froms.flatMap((from) => tos.map((to) => ({ from, to })));
  // Of servers that are attached several times the pair that a person most probably means: one VPC, else one that connects.
  const ordered = [...pairs.filter(({ from, to }) => isSameVrf(from, to)), ...pairs.filter(({ from, to }) => !isSameVrf(from, to))];
  const traced = ordered.slice(0, mostPairs).map(({ from, to }) => traceOne(query, from, to, sources));
  const chosen = traced.find(({ trace: { result } }) => result === 'delivered') ?? traced[0];
  if (chosen === undefined) throw new HeddleError('NotFound', 'there is nothing to trace between');
  return { ...chosen, assumptions: [...chosen.assumptions, ...severalOf(froms, chosen.from), ...severalOf(tos, chosen.to)] };
};

const mostPairs = 16;

const isSameVrf = (from: End, to: End): boolean => from.vrf !== undefined && from.vrf.scope === to.vrf?.scope;

const severalOf = (ends: readonly End[], chosen: End): string[] =>
  ends.length < 2 || chosen.object === undefined ? [] : [`${chosen.text} has ${ends.length} attachments, and ${nameOf(chosen.object)} is taken; name another one to trace that`];

const nameOf = ({ namespace, name }: ObjectRef): string => (namespace === '' ? name : `${namespace}/${name}`);

const traceOne = (query: TraceQuery, from: End, to: End, sources: EndSources): Traced => {
  const { goal } = sources;
  const [source, destination] = addressesOf(from, to);
  const { protocol, port } = query;
  const packet: Packet = { source, destination, protocol, ...(port !== undefined && { port }) };
  const vrfs = [from.vrf, to.vrf].flatMap((vrf) => vrf ?? []);
  if (vrfs.length === 0) throw new HeddleError('BadRequest', 'addresses alone do not say which VPC is meant: name a server, an attachment, a VPC or an External at one end');
  const shared = { vrfs, packet, learned: [...from.learned, ...to.learned] };
  const entry = from.places.length > 0 ? from.places : entryOf(from, to, { ...shared, from: [] }, sources);
  const journey = { ...shared, from: entry, ...(to.places.length > 0 && { to: to.places }) };
  const found = trace(goal, journey);
  const outside = found.announcements.length > 0 && [...found.there, ...found.back].some(({ steps }) => steps.some(({ row }) => row?.startsWith('vrfPeer/') === true));
  const assumptions = [...from.assumptions, ...to.assumptions, ...(outside ? ['routers outside are assumed to announce what is believed of them'] : [])];
  return { query, from, to, journey, trace: found, assumptions };
};

/** Of the family that both have; IPv4 if they have both. */
const addressesOf = (from: End, to: End): readonly [Address, Address] => {
  for (const family of [4, 6]) {
    const [source, destination] = [from, to].map(({ addresses }) => addresses.find((each) => familyOf(each) === family));
    if (source !== undefined && destination !== undefined) return [source, destination];
  }
  throw new HeddleError('Conflict', `${from.text} and ${to.text} have no address of one family`);
};

/** Where a bare address comes in: at the host that has it, else where an answer to it would leave the fabric. */
const entryOf = (from: End, to: End, journey: Journey, { goal }: EndSources): readonly Place[] => {
  const { source, destination } = journey.packet;
  const inside = [from.vrf, to.vrf].flatMap((vrf) => (vrf === undefined ? [] : placesOfAddress(goal, vrf, source)));
  if (inside.length > 0) return inside;
  const reverse = trace(goal, { ...journey, from: to.places, packet: { ...journey.packet, source: destination, destination: source } });
  const places = reverse.there.flatMap(({ to: delivery }) => (delivery?.what === 'external' ? [delivery.place] : []));
  if (places.length > 0) return places;
  throw new HeddleError('Conflict', `no row says where ${from.text} is, and ${to.text} reaches it over no External: name an attachment or an External in its place`);
};

export interface ViewSources extends EndSources {
  /** Objects that a row comes from. */
  readonly contributors: (scope: string, row: string) => readonly ContributorView[];
  /** Whether the asker may see a device. */
  readonly seesDevice: (device: string) => boolean;
}

export const viewOf = ({ query, from, to, trace: found, journey: { packet }, assumptions }: Traced, sources: ViewSources): TraceView => {
  const viewer = new Viewer(sources);
  return {
    apiVersion,
    kind: 'Trace',
    metadata: { name: `${query.from} -> ${query.to}` },
    result: found.result,
    from: endView(from, packet.source),
    to: endView(to, packet.destination),
    packet: { source: packet.source, destination: packet.destination, protocol: packet.protocol, ...optional('port', packet.port) },
    there: found.there.map((way) => viewer.way(way)),
    back: found.back.map((way) => viewer.way(way)),
    assumptions,
  };
};

const endView = ({ text, object }: End, address: Address): TraceEndView => ({ text, address, ...optional('object', object) });

/** What of a step is shown: a device that the asker may not see is "the fabric", and its rows and the objects of others are left out. */
class Viewer {
  readonly #sources: ViewSources;

  constructor(sources: ViewSources) {
    this.#sources = sources;
  }

  way({ at: { device, port, vlan }, outcome, reason, steps }: Way): WayView {
    const at = this.#sources.seesDevice(device) ? { at: `${device}/${port}${vlan === undefined ? '' : `.${vlan}`}` } : {};
    return { ...at, outcome, ...optional('reason', reason), steps: steps.map((step) => this.#step(step)) };
  }

  #step({ device, doing, text, row, scope, tunnel }: Step): StepView {
    const { seesDevice, sees, contributors } = this.#sources;
    const objects = scope === undefined || row === undefined ? [] : contributors(scope, row).filter((ref) => sees(ref));
    const because = objects.length === 0 ? {} : { objects };
    if (!seesDevice(device)) return { doing, text: words[doing], ...because };
    return { device, doing, text, ...(scope !== undefined && { ...optional('row', row), scope }), ...because, ...(tunnel !== undefined && { tunnel: this.#tunnel(tunnel) }) };
  }

  #tunnel({ vni, source, to }: Tunnel): TunnelView {
    const ends = to.map(({ device, vtep, ways }) => ({
      ...optional('device', device),
      ...optional('vtep', vtep),
      ...(ways !== undefined && { ways: { count: ways.count, ways: ways.ways.map((way) => way.map((link) => ({ from: end(link.from), to: end(link.to) }))) } }),
    }));
    return { vni, ...optional('source', source), to: ends.filter(({ device }) => device === undefined || this.#sources.seesDevice(device)) };
  }
}

const end = ({ device, port }: { readonly device: string; readonly port: string }): string => `${device}/${port}`;

/** Steps in the words of somebody who does not see the fabric. */
const words: { readonly [Doing in Step['doing']]: string } = {
  enters: 'comes in',
  permitted: 'permitted by a policy',
  routed: 'routed',
  via: 'sent on to its next hop',
  leaked: 'passes a peering',
  encapsulated: 'crosses the fabric',
  arrives: 'arrives',
  leaves: 'leaves the fabric',
  delivered: 'delivered',
  dropped: 'dropped',
};

