/** What the kernel holds in one namespace, as items. Names are how Heddle knows its own: vx, br and pv with a VNI. */
import { HeddleError } from '../../../kit/error.ts';
import type { Argv, Output } from '../../../kit/process.ts';
import type { Address, Mac, Prefix, Vni } from '../../../net/brand.ts';
import {
  address, bond, bridge, linkKey, loopback, neighbour, pairKey, port, portKey, proxy, route, subinterfaceKey, vxlan,
} from '../model.ts';
import type { Item, ItemKey, PairEnd, Place, PortState } from '../model.ts';
import { routeProtocol } from '../steps/forwarding.ts';
import { usualAgeing } from '../steps/link.ts';
import type { Entries } from '../entries.ts';
import { loopbackLabel } from '../steps/link.ts';
import { portMark } from '../steps/port.ts';
import type { Runner } from '../tools/tools.ts';
import { addStations, neighboursIn } from './entries.ts';
import type { FoundNeighbour } from './entries.ts';

/** Of `ip -details -json address show`, what is used here. */
export interface IpLink {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly master?: string;
  readonly ifalias?: string;
  readonly address?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly id?: number; readonly local?: string; readonly learning?: boolean; readonly ad_actor_system?: string; readonly ageing_time?: number };
    readonly info_slave_data?: { readonly learning?: boolean; readonly neigh_suppress?: boolean };
  };
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string; readonly label?: string }[];
}

interface IpHop {
  readonly gateway?: string;
  readonly dev: string;
}

interface IpRoute extends Partial<IpHop> {
  readonly dst: string;
  /** Of a route with several next hops, which has no own. */
  readonly nexthops?: readonly IpHop[];
}

interface IpProxy {
  readonly dst: string;
  readonly dev: string;
}

/** Everything of one namespace that may be Heddle's. */
export interface PlaceReading {
  readonly items: readonly Item[];
  readonly unclaimed: readonly PortState[];
  readonly pairEnds: readonly (readonly [ItemKey, 'low' | 'high', PairEnd])[];
}

export interface RawPlace {
  readonly links: readonly IpLink[];
  readonly routes: readonly IpRoute[];
  readonly proxies?: readonly IpProxy[];
  /** As printed. */
  readonly neighbours: string;
  /** As printed. */
  readonly stations: string;
}

/** Neighbours on bridges of one namespace; whether they are advertised is for FRR to say. */
export interface PlaceNeighbours {
  readonly all: readonly FoundNeighbour[];
  /** Those whose MAC address is at a port, so that FRR may tell others. */
  readonly local: readonly FoundNeighbour[];
}

// A filter for the origin leaves the origin out of what is printed.
const ipCommands = `address show\nneighbour show nud permanent\nroute show table all proto ${routeProtocol}\nneighbour show proxy\n`;

/** What `ip` and `bridge` say of a name that is no namespace, or is not one any more. */
const noNamespace = /network namespace/;

/**
 * Undefined when the namespace is not usable.
 * @throws HeddleError `Unavailable` when a tool fails otherwise: what could not be read is not missing.
 */
export const readRawPlace = async (place: Place, run: Runner): Promise<RawPlace | undefined> => {
  const where = place === '' ? [] : ['-n', place];
  const [ip, entries] = await Promise.all([
    consistently(run, ['ip', ...where, '-details', '-json', '-batch', '-'], ipCommands),
    place === '' ? undefined : consistently(run, ['bridge', ...where, '-json', 'fdb', 'show', 'state', 'static']),
  ]);
  const failure = [ip, entries].find((output) => output !== undefined && output.status !== 0);
  if (failure !== undefined && noNamespace.test(failure.stderr)) return undefined;
  if (failure !== undefined) throw new HeddleError('Unavailable', `the kernel's state in "${place}" cannot be read: ${failure.stderr.trim() || `exit status ${failure.status}`}`);
  const [links = '[]', neighbours = '', routes = '[]', proxies = '[]'] = ip.stdout.split('\n').filter((line) => line.trim() !== '');
  return { links: JSON.parse(links), routes: JSON.parse(routes), proxies: JSON.parse(proxies), neighbours, stations: entries?.stdout ?? '' };
};

/** Looks again when something changed while the kernel was listing (NLM_F_DUMP_INTR): entries may be missing then. */
const consistently = async (run: Runner, argv: Argv, stdin?: string): Promise<Output> => {
  for (let look = 1; ; look += 1) {
    const output = await run(argv, stdin);
    if (look === mostLooks || !output.stderr.includes('Dump was interrupted')) return output;
  }
};

const mostLooks = 5;

/** All but forwarding entries and `subinterfaces`, which other tools must be asked about. */
export const interpretPlace = (place: Place, raw: RawPlace, subinterfaces: ReadonlySet<string>): PlaceReading => {
  const links = raw.links.filter(({ ifname }) => !subinterfaces.has(ifname));
  const readings = links.map((link) => readLink(place, link));
  const routed = raw.links.filter(({ ifname, master }) => place !== '' && master === undefined && subinterfaces.has(ifname));
  return {
    items: [
      ...readings.flatMap(({ items }) => items),
      ...routed.flatMap((link) => globalAddresses(place, link, subinterfaceKey(link.ifname))),
      ...raw.routes.flatMap((entry) => readRoute(place, entry, subinterfaces)),
      ...(raw.proxies ?? []).flatMap((entry) => readProxy(place, entry, subinterfaces)),
    ],
    unclaimed: readings.flatMap(({ unclaimed }) => unclaimed),
    pairEnds: readings.flatMap(({ pairEnds }) => pairEnds),
  };
};

/** Neighbours on pairs: one or two a peering. */
export const interpretPairs = (place: Place, raw: RawPlace): readonly Item[] =>
  place === '' || !raw.links.some(({ ifname }) => ifname.startsWith('pv'))
    ? []
    : [...neighboursIn(raw.neighbours)].filter(({ device }) => vniIn('pv', device) !== undefined).flatMap((entry) => readPairNeighbour(place, entry));

/** Puts forwarding entries into `entries`, except the neighbours that it answers. */
export const interpretEntries = (place: Place, raw: RawPlace, items: readonly Item[], entries: Entries): PlaceNeighbours => {
  if (place === '') return { all: [], local: [] };
  const ports = new Set(items.flatMap((item) => (item.kind === 'port' ? [item.state.interface] : [])));
  const subinterfaces = new Set(items.flatMap((item) => (item.kind === 'subinterface' ? [item.state.name] : [])));
  const stations = addStations(entries, place, raw.stations, ports, subinterfaces);
  const all: FoundNeighbour[] = [];
  for (const entry of neighboursIn(raw.neighbours)) if (vniIn('br', entry.device) !== undefined) all.push(entry);
  return { all, local: stations.size === 0 ? [] : all.filter(({ mac }) => stations.has(mac)) };
};

const nothing: PlaceReading = { items: [], unclaimed: [], pairEnds: [] };
const isUp = ({ flags }: IpLink): boolean => flags.includes('UP');

/** Only of a port of a bridge that does not learn. */
export const learningOf = ({ linkinfo }: IpLink): { readonly learning?: false } =>
  linkinfo?.info_slave_data?.learning === false ? { learning: false } : {};

/** Up, and nobody is at the other end of the cable. */
export const isSilent = ({ flags }: IpLink): boolean => flags.includes('UP') && flags.includes('NO-CARRIER');

/** What the kernel names no kind of: a network card, of a machine or as a virtual machine sees one. */
export const isHardware = ({ linkinfo }: IpLink): boolean => linkinfo?.info_kind === undefined;

/** VNI in a name such as `br1001`; undefined for any other name. */
const vniIn = (prefix: string, name: string): Vni | undefined => {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(digits) ? (Number(digits) as Vni) : undefined;
};

const readLink = (place: Place, link: IpLink): PlaceReading => {
  const name = link.ifname;
  const kind = link.linkinfo?.info_kind ?? '';
  if (name === 'lo') return { ...nothing, items: readLoopback(place, link) };
  if (kind === 'bond' && name.startsWith('b-')) {
    const system = link.linkinfo?.info_data?.ad_actor_system ?? '';
    // All zeros: the kernel's own.
    const own = /^[0:]*$/.test(system) ? {} : { system: system as Mac };
    return { ...nothing, items: [bond({ place, name, master: link.master ?? '', ...own })] };
  }
  if (place === '') return readPort(place, link);
  if (kind === 'bridge' && vniIn('br', name) !== undefined) return { ...nothing, items: readBridge(place, link) };
  if (kind === 'vxlan' && vniIn('vx', name) !== undefined) return { ...nothing, items: [readVxlan(place, link)] };
  const peer = kind === 'veth' ? vniIn('pv', name) : undefined;
  return peer === undefined ? readPort(place, link) : readPairEnd(place, link, peer);
};

const readLoopback = (place: Place, link: IpLink): readonly Item[] => [
  ...(isUp(link) ? [{ ...loopback({ place }), foreign: place === '' }] : []),
  ...(link.addr_info ?? [])
    .filter(({ label }) => label === loopbackLabel)
    .map(({ local, prefixlen }) => address({ place, device: 'lo', address: `${local}/${prefixlen}` })),
];

const globalAddresses = (place: Place, link: IpLink, on: ItemKey): readonly Item[] =>
  (link.addr_info ?? [])
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => address({ place, device: link.ifname, address: `${local}/${prefixlen}` }, on));

const ageingOf = ({ linkinfo }: IpLink): { readonly ageing?: number } => {
  const ageing = (linkinfo?.info_data?.ageing_time ?? usualAgeing * 100) / 100;
  return ageing === usualAgeing ? {} : { ageing };
};

const readBridge = (place: Place, link: IpLink): readonly Item[] => [
  bridge({ place, name: link.ifname, mtu: link.mtu, mac: (link.address ?? '') as Mac, up: isUp(link), ...ageingOf(link) }),
  ...globalAddresses(place, link, linkKey(place, link.ifname)),
];

const readVxlan = (place: Place, link: IpLink): Item => {
  const { info_data: tunnel, info_slave_data: slave } = link.linkinfo ?? {};
  return vxlan({
    place,
    name: link.ifname,
    vni: (tunnel?.id ?? 0) as Vni,
    local: (tunnel?.local ?? '') as Address,
    mtu: link.mtu,
    master: link.master ?? '',
    learning: tunnel?.learning === true || slave?.learning !== false,
    suppressNeighbours: slave?.neigh_suppress === true,
    up: isUp(link),
  });
};

/** In the underlay an interface is Heddle's by its mark; whatever stands in a VRF that Heddle made may be wanted there. */
const readPort = (place: Place, link: IpLink): PlaceReading => {
  const marked = link.ifalias === portMark;
  const state = { interface: link.ifname, place, master: link.master ?? '', up: isUp(link), mtu: link.mtu, marked, ...learningOf(link) };
  if (place === '' && !marked) return { ...nothing, unclaimed: [state] };
  const item = port(state);
  const addresses = place === '' || link.master === undefined ? globalAddresses(place, link, portKey(link.ifname)) : [];
  return { ...nothing, items: [marked ? item : { ...item, foreign: true }, ...addresses] };
};

const readPairEnd = (place: Place, link: IpLink, peer: Vni): PlaceReading => {
  const own = vniIn('vrf', place);
  if (own === undefined) return nothing;
  const end = { place, name: link.ifname, mac: (link.address ?? '') as Mac, up: isUp(link) };
  return { ...nothing, pairEnds: [[pairKey(own, peer), own < peer ? 'low' : 'high', end]] };
};

/** The item on which a neighbour or route stands: a bridge, or the pair. */
const carrier = (place: Place, device: string): ItemKey | undefined => {
  const own = vniIn('vrf', place);
  const peer = vniIn('pv', device);
  if (own !== undefined && peer !== undefined) return pairKey(own, peer);
  return vniIn('br', device) === undefined ? undefined : linkKey(place, device);
};

const readPairNeighbour = (place: Place, { device, address: found, mac }: FoundNeighbour): readonly Item[] => {
  const on = carrier(place, device);
  return on === undefined ? [] : [neighbour({ place, device, address: found, mac: mac as Mac, advertised: false }, on)];
};

/** The same for what also leads out of a VRF: a port that stands in it, or a subinterface. */
const exit = (place: Place, device: string, subinterfaces: ReadonlySet<string>): ItemKey | undefined => {
  const known = carrier(place, device);
  if (known !== undefined || place === '') return known;
  return subinterfaces.has(device) ? subinterfaceKey(device) : portKey(device);
};

const readRoute = (place: Place, { dst, gateway, dev, nexthops }: IpRoute, subinterfaces: ReadonlySet<string>): readonly Item[] => {
  const hops = (nexthops ?? (dev === undefined ? [] : [{ dev, gateway }])).map((hop) => ({ via: hop.gateway ?? '', device: hop.dev }));
  const [first, ...others] = hops;
  const on = first && exit(place, first.device, subinterfaces);
  if (first === undefined || on === undefined || place === '') return [];
  const state = { place, prefix: prefixIn(dst, first.via), ...first };
  const item = route(others.length === 0 ? state : { ...state, others }, on);
  const needs = hops.flatMap(({ device }) => exit(place, device, subinterfaces) ?? []);
  return [{ ...item, needs: [...new Set(needs)] }];
};

/** A route to a single host is printed without a length, the one to everything as a word. */
const prefixIn = (text: string, via: string): Prefix => {
  const isSix = text.includes(':') || via.includes(':');
  if (text === 'default') return (isSix ? '::/0' : '0.0.0.0/0') as Prefix;
  return (text.includes('/') ? text : `${text}${isSix ? '/128' : '/32'}`) as Prefix;
};

const readProxy = (place: Place, { dst, dev }: IpProxy, subinterfaces: ReadonlySet<string>): readonly Item[] => {
  const on = exit(place, dev, subinterfaces);
  return place === '' || on === undefined ? [] : [proxy({ place, device: dev, address: dst as Address }, on)];
};
