/**
 * Subinterfaces: the ends beside their trunks are known by their names, the filters that make them what they are by asking tc,
 * which is not started where there is no trunk. What is not exactly as it would be made counts as not whole.
 */
import { subinterface } from '../model.ts';
import type { Item, Place, SubinterfaceState } from '../model.ts';
import { portMark } from '../steps/port.ts';
import { dropPreference, preferenceOf, vlanSections } from '../steps/subinterface.ts';
import type { Runner } from '../tools/tools.ts';
import { learningOf } from './kernel.ts';
import type { IpLink, RawPlace } from './kernel.ts';

type RawPlaces = readonly (readonly [Place, RawPlace])[];

/** A subinterface by its name. */
interface Named {
  readonly name: string;
  readonly trunk: string;
  readonly vlan: number;
}

export interface SubinterfaceReading {
  /** Of every end, in whatever namespace. */
  readonly names: ReadonlySet<string>;
  readonly items: ReadonlyMap<Place, readonly Item<'subinterface'>[]>;
  /** Interfaces in the underlay whose frames go nowhere by themselves. */
  readonly guarded: ReadonlySet<string>;
}

/** Of `tc -json filter show`, what is used here. */
interface TcFilter {
  readonly pref: number;
  readonly options?: {
    readonly flowid?: string;
    readonly bpf_name?: string;
    readonly 'direct-action'?: boolean;
    readonly actions?: readonly { readonly kind?: string; readonly to_dev?: string }[];
  };
}

type Filters = ReadonlyMap<string, readonly TcFilter[]>;

export const readSubinterfaces = async (places: RawPlaces, run: Runner): Promise<SubinterfaceReading> => {
  const underlay = places.find(([place]) => place === '')?.[1].links ?? [];
  const named = namedIn(underlay);
  const filters = await readFilters([...trunksIn(underlay), ...named.map(({ name }) => name)], run);
  const guarded = new Set([...filters].filter(([, list]) => list.some(isDrop)).map(([device]) => device));
  const items = new Map<Place, Item<'subinterface'>[]>();
  for (const each of named) {
    const item = subinterface(stateOf(each, places, filters));
    const place = item.state.place;
    items.set(place, [...(items.get(place) ?? []), item]);
  }
  return { names: new Set(named.map(({ name }) => name)), items, guarded };
};

/** A port of Heddle's, or a bond of such. */
const isMarked = ({ ifalias, ifname, linkinfo }: IpLink): boolean =>
  ifalias === portMark || (linkinfo?.info_kind === 'bond' && ifname.startsWith('b-'));

/** What may be one: a trunk has no address, while a port to another switch has at least that of its link. */
const trunksIn = (links: readonly IpLink[]): readonly string[] =>
  links.filter((link) => isMarked(link) && link.flags.includes('UP') && (link.addr_info ?? []).length === 0).map(({ ifname }) => ifname);

const namedIn = (links: readonly IpLink[]): readonly Named[] => {
  const ports = new Set(links.filter(isMarked).map(({ ifname }) => ifname));
  return links.flatMap(({ ifname: name, linkinfo }) => {
    const [, trunk = '', vlan = ''] = /^(.+)\.(\d{1,4})$/.exec(name) ?? [];
    return linkinfo?.info_kind === 'veth' && ports.has(trunk) ? [{ name, trunk, vlan: Number(vlan) }] : [];
  });
};

const readFilters = async (devices: readonly string[], run: Runner): Promise<Filters> => {
  if (devices.length === 0) return new Map();
  const { stdout } = await run(['tc', '-json', '-force', '-batch', '-'], devices.map((device) => `filter show dev ${device} ingress\n`).join(''));
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  // A device that vanished meanwhile has no line: then nobody knows whose the others are, and all is set up anew.
  if (lines.length !== devices.length) return new Map();
  return new Map(devices.map((device, index) => [device, JSON.parse(lines[index] ?? '[]') as readonly TcFilter[]]));
};

const programOf = ({ options }: TcFilter): string => /\[(.*)\]$/.exec(options?.bpf_name ?? '')?.[1] ?? '';

const isDrop = (filter: TcFilter): boolean =>
  filter.pref === dropPreference && filter.options?.['direct-action'] === true && programOf(filter) === vlanSections.drop;

const isRedirect = (filter: TcFilter, vlan: number, to: string, section: string): boolean => {
  const { flowid, actions: [action] = [] } = filter.options ?? {};
  const says = flowid === (vlan === 0 ? undefined : `:${vlan.toString(16)}`) && programOf(filter) === section;
  return filter.pref === preferenceOf(vlan) && says && action?.kind === 'mirred' && action.to_dev === to;
};

const stateOf = (named: Named, places: RawPlaces, filters: Filters): SubinterfaceState => {
  const { name, trunk, vlan } = named;
  const [place, far] = farEnd(name, places) ?? [''];
  const near = places.find(([each]) => each === '')?.[1].links.find(({ ifname }) => ifname === name);
  const has = (device: string, test: (filter: TcFilter) => boolean): boolean => filters.get(device)?.some(test) === true;
  return {
    ...named,
    place,
    master: far?.master ?? '',
    up: far?.flags.includes('UP') === true,
    mtu: far?.mtu ?? 0,
    ...(far === undefined ? {} : learningOf(far)),
    whole:
      far !== undefined && near?.flags.includes('UP') === true && near.mtu === far.mtu && has(name, isDrop) &&
      has(name, (filter) => isRedirect(filter, vlan, trunk, vlanSections.out)) &&
      has(trunk, (filter) => isRedirect(filter, vlan, name, vlanSections.in)),
  };
};

const farEnd = (name: string, places: RawPlaces): readonly [Place, IpLink] | undefined => {
  for (const [place, { links }] of places) {
    const found = place === '' ? undefined : links.find(({ ifname }) => ifname === name);
    if (found !== undefined) return [place, found];
  }
  return undefined;
};

/** The same ports and bonds, with those that are guarded known as such. */
export const withGuards = (items: readonly Item[], { guarded }: SubinterfaceReading): readonly Item[] =>
  items.map((item) => {
    if (item.kind === 'port' && guarded.has(item.state.interface)) return { ...item, state: { ...item.state, guarded: true } };
    if (item.kind === 'bond' && guarded.has(item.state.name)) return { ...item, state: { ...item.state, guarded: true } };
    return item;
  });
