/**
 * What a Linux switch is made of, as far as Heddle owns it: typed items with a key, a state and the items they need.
 * What is read and what is wanted are both maps of items, so planning is comparing two maps and knows no tool.
 * Constructors derive key and needs from the state, which is why both sides agree on them.
 */
import type { Address, Mac, Prefix, Vni } from '../../net/brand.ts';
import type { RowId } from '../../goal/rows.ts';
import type { Entries } from './entries.ts';
import type { NftTables } from './nft.ts';

/** A network namespace; the empty name is the switch itself (underlay), any other a VRF. */
export type Place = string;
export type ItemKey = string;

/** A VRF: a network namespace that zebra adopts. */
export interface NetnsState {
  readonly name: Place;
}

/** zebra's own record of a VRF, which it keeps when the namespace is gone. */
export interface KnownState {
  readonly name: Place;
}

export interface SysctlState {
  readonly place: Place;
  /** The device they are settings of; left out, they are those of the namespace. */
  readonly device?: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface LoopbackState {
  readonly place: Place;
}

export interface AddressState {
  readonly place: Place;
  readonly device: string;
  /** Address with length. */
  readonly address: string;
}

export interface BridgeState {
  readonly place: Place;
  readonly name: string;
  readonly mtu: number;
  readonly mac: Mac;
  readonly up: boolean;
  /** Seconds after which a MAC address that was not heard of is forgotten. Left out: 300, as the kernel has it. */
  readonly ageing?: number;
}

export interface VxlanState {
  readonly place: Place;
  readonly name: string;
  readonly vni: Vni;
  readonly local: Address;
  readonly mtu: number;
  readonly master: string;
  readonly learning: boolean;
  readonly suppressNeighbours: boolean;
  readonly up: boolean;
}

/** A link aggregate (LACP, IEEE 802.1AX). */
export interface BondState {
  readonly place: Place;
  readonly name: string;
  /** Bridge it belongs to; empty for none, and then it is down unless it is a trunk. */
  readonly master: string;
  readonly guarded?: true;
  /** LACP system identifier; left out, the kernel's own. Leaves that share a server have the same. */
  readonly system?: Mac;
}

/** A physical interface that is cabled. Being marked is what makes it Heddle's. */
export interface PortState {
  readonly interface: string;
  readonly place: Place;
  /** Bridge or bond it belongs to; empty for none. */
  readonly master: string;
  readonly up: boolean;
  readonly mtu: number;
  /** Carries Heddle's alias. */
  readonly marked: boolean;
  /** A trunk: what arrives goes no further unless a subinterface takes it. */
  readonly guarded?: true;
  readonly learning?: NotLearning;
}

/**
 * Of a link to a server that other leaves share: what it sends comes by any of its links, and the bridge would find it moving
 * from leaf to leaf all the time.
 */
export type NotLearning = false;

/**
 * What carries one VLAN tag on a port, or none (VLAN 0), as if it were a port of its own: a veth pair and the filters that lead
 * frames there and back. The trunk stays in the underlay, the other end is where the frames belong.
 */
export interface SubinterfaceState {
  /** Of both ends: `<interface of the trunk>.<vlan>`. */
  readonly name: string;
  readonly trunk: string;
  readonly vlan: number;
  readonly place: Place;
  /** Bridge it belongs to; empty for none, when it is routed. */
  readonly master: string;
  readonly up: boolean;
  readonly mtu: number;
  /** Both ends and all filters are there. */
  readonly whole: boolean;
  readonly learning?: NotLearning;
}

export interface FdbState {
  readonly place: Place;
  readonly port: string;
  readonly mac: Mac;
}

/** A MAC address behind a VTEP of somebody else's. */
export interface TunnelState {
  readonly place: Place;
  /** VXLAN device. */
  readonly device: string;
  readonly mac: Mac;
  readonly vtep: Address;
  /** VNI on the wire, when it is not that of the device. */
  readonly vni?: Vni;
  /** Whether the bridge knows that the address is behind the device. */
  readonly bridged: boolean;
}

export interface NeighbourState {
  readonly place: Place;
  readonly device: string;
  readonly address: string;
  readonly mac: Mac;
  /** Whether FRR tells it to other leaves; always false on devices where it must not. */
  readonly advertised: boolean;
}

/** One end of the veth pair between two VRFs. */
export interface PairEnd {
  readonly place: Place;
  readonly name: string;
  readonly mac: Mac;
  readonly up: boolean;
}

export interface PairState {
  readonly low: PairEnd | undefined;
  readonly high: PairEnd | undefined;
}

export interface Hop {
  readonly via: string;
  readonly device: string;
}

export interface RouteState extends Hop {
  readonly place: Place;
  readonly prefix: Prefix;
  /** Next hops that share the traffic with the first; never empty. */
  readonly others?: readonly Hop[];
}

/** An address that the device answers ARP for although it is elsewhere. */
export interface ProxyState {
  readonly place: Place;
  readonly device: string;
  readonly address: Address;
}

export interface RulesetState {
  readonly place: Place;
  readonly tables: NftTables;
}

/** The three FRR daemons, as one thing: they are restarted together or not at all. */
export interface DaemonsState {
  readonly hostname: string;
  /** All three run and hold no VRF whose namespace is gone. */
  readonly running: boolean;
  /** Process ids of those that run. */
  readonly pids: readonly number[];
}

/** One context of FRR's running configuration, such as `router bgp 65001` / `address-family l2vpn evpn`. */
export interface FrrState {
  readonly path: readonly string[];
  /** In the order and spelling of `show running-config`. */
  readonly lines: readonly string[];
}

/** dnsmasq for one segment. */
export interface DhcpState {
  readonly segment: Vni;
  readonly place: Place;
  readonly argv: readonly string[];
  /** Reservations, one line a host. */
  readonly hosts: string;
  /** IPv4 addresses that it has given away; of what is wanted, none. */
  readonly leases: readonly { readonly address: Address; readonly mac: Mac }[];
  /** Process id; 0 when it does not run (or runs in a namespace that is no longer this VRF's). */
  readonly pid: number;
}

export interface States {
  readonly netns: NetnsState;
  readonly known: KnownState;
  readonly sysctl: SysctlState;
  readonly loopback: LoopbackState;
  readonly address: AddressState;
  readonly bridge: BridgeState;
  readonly vxlan: VxlanState;
  readonly bond: BondState;
  readonly port: PortState;
  readonly subinterface: SubinterfaceState;
  readonly fdb: FdbState;
  readonly tunnel: TunnelState;
  readonly neighbour: NeighbourState;
  readonly pair: PairState;
  readonly route: RouteState;
  readonly proxy: ProxyState;
  readonly ruleset: RulesetState;
  readonly daemons: DaemonsState;
  readonly frr: FrrState;
  readonly dhcp: DhcpState;
}

export type Kind = keyof States;

export type Item<K extends Kind = Kind> = {
  readonly [P in K]: {
    readonly kind: P;
    readonly key: ItemKey;
    readonly state: States[P];
    /** Items it cannot exist without: it is removed before them, and made again when they are. */
    readonly needs: readonly ItemKey[];
    /** The item it vanishes with, so that it needs no removal of its own. */
    readonly within?: ItemKey;
    /** Items that only come earlier when both are made, and go later when both are removed. */
    readonly after?: readonly ItemKey[];
    /** Goal rows that are not true without it; only on wanted items. */
    readonly rows?: readonly RowId[];
    /** Found on the device, never to be removed by Heddle. */
    readonly foreign?: boolean;
  };
}[K];

export type Items = ReadonlyMap<ItemKey, Item>;

export const netnsKey = (place: Place): ItemKey => `netns/${place}`;
export const knownKey = (place: Place): ItemKey => `known/${place}`;
export const linkKey = (place: Place, name: string): ItemKey => `link/${place}/${name}`;
export const portKey = (name: string): ItemKey => `port/${name}`;
export const subinterfaceKey = (name: string): ItemKey => `subinterface/${name}`;
export const rulesetKey = (place: Place): ItemKey => `nft/${place}`;
export const sysctlKey = (place: Place): ItemKey => `sysctl/${place}`;
export const deviceSysctlKey = (place: Place, device: string): ItemKey => `sysctl/${place}/${device}`;
export const frrKey = (path: readonly string[]): ItemKey => `frr/${path.join('/')}`;
export const daemonsKey: ItemKey = 'daemon/frr';

/** Being in a VRF needs its namespace; the switch itself is always there. */
const inPlace = (place: Place): readonly ItemKey[] => (place === '' ? [] : [netnsKey(place)]);

export const netns = (state: NetnsState): Item<'netns'> => ({
  kind: 'netns',
  key: netnsKey(state.name),
  state,
  needs: [],
  // A link made before zebra knows its namespace leaves the L3VNI down (FRR 8.4). zebra forgets last.
  after: [daemonsKey, knownKey(state.name)],
});

export const known = (state: KnownState): Item<'known'> => ({
  kind: 'known',
  key: knownKey(state.name),
  state,
  needs: [daemonsKey],
  within: daemonsKey,
});

export const sysctl = (state: SysctlState): Item<'sysctl'> => {
  const { place, device } = state;
  if (device !== undefined) {
    const on = linkKey(place, device);
    return { kind: 'sysctl', key: deviceSysctlKey(place, device), state, needs: [on], within: on };
  }
  return { kind: 'sysctl', key: sysctlKey(place), state, needs: inPlace(place), ...(place === '' ? {} : { within: netnsKey(place) }) };
};

export const loopback = (state: LoopbackState): Item<'loopback'> => ({
  kind: 'loopback',
  key: linkKey(state.place, 'lo'),
  state,
  needs: inPlace(state.place),
  ...(state.place === '' ? {} : { within: netnsKey(state.place) }),
});

export const address = (state: AddressState, on: ItemKey = linkKey(state.place, state.device)): Item<'address'> => ({
  kind: 'address',
  key: `address/${state.place}/${state.device}/${state.address}`,
  state,
  needs: [on],
  // zebra must know the device first.
  ...(state.place === '' ? {} : { after: [daemonsKey] }),
  // A loopback and a port outlive their addresses, every other device takes them with it.
  ...(state.place === '' ? {} : { within: on }),
});

export const bridge = (state: BridgeState): Item<'bridge'> => ({
  kind: 'bridge',
  key: linkKey(state.place, state.name),
  state,
  needs: inPlace(state.place),
  // Its link-local address, which all leaves have alike, must not be looked for on the segment.
  after: [sysctlKey(state.place)],
});

export const vxlan = (state: VxlanState): Item<'vxlan'> => ({
  kind: 'vxlan',
  key: linkKey(state.place, state.name),
  state,
  needs: [...inPlace(state.place), linkKey(state.place, state.master)],
});

export const bond = (state: BondState): Item<'bond'> => ({
  kind: 'bond',
  key: linkKey(state.place, state.name),
  state,
  needs: [...inPlace(state.place), ...(state.master === '' ? [] : [linkKey(state.place, state.master)])],
});

export const port = (state: PortState): Item<'port'> => ({
  kind: 'port',
  key: portKey(state.interface),
  state,
  needs: [...inPlace(state.place), ...(state.master === '' ? [] : [linkKey(state.place, state.master)])],
});

export const subinterface = (state: SubinterfaceState): Item<'subinterface'> => ({
  kind: 'subinterface',
  key: subinterfaceKey(state.name),
  state,
  needs: [
    state.trunk.startsWith('b-') ? linkKey('', state.trunk) : portKey(state.trunk),
    ...inPlace(state.place),
    ...(state.master === '' ? [] : [linkKey(state.place, state.master)]),
  ],
});

export const fdb = (state: FdbState, on: ItemKey = portKey(state.port)): Item<'fdb'> => ({
  kind: 'fdb',
  key: `fdb/${state.place}/${state.port}/${state.mac}`,
  state,
  needs: [on],
  within: on,
});

export const tunnel = (state: TunnelState, on: ItemKey = linkKey(state.place, state.device)): Item<'tunnel'> => ({
  kind: 'tunnel',
  key: `tunnel/${state.place}/${state.device}/${state.mac}`,
  state,
  needs: [on],
  within: on,
});

export const neighbour = (state: NeighbourState, on = linkKey(state.place, state.device)): Item<'neighbour'> => ({
  kind: 'neighbour',
  key: `neighbour/${state.place}/${state.device}/${state.address}`,
  state,
  // What zebra advertises it learns from changes only, so a new zebra must see the entry written again.
  needs: state.advertised ? [on, daemonsKey] : [on],
  within: on,
});

export const pairKey = (low: Vni, high: Vni): ItemKey => `pair/${Math.min(low, high)}-${Math.max(low, high)}`;

export const pair = (key: ItemKey, state: PairState): Item<'pair'> => {
  const places = [state.low?.place, state.high?.place].filter((place) => place !== undefined);
  return {
    kind: 'pair',
    key,
    state,
    needs: places.map(netnsKey),
    // Nothing may pass between two VRFs without the rules that say what, neither while it comes nor while it goes.
    after: places.map(rulesetKey),
  };
};

export const route = (state: RouteState, on: ItemKey): Item<'route'> => ({
  kind: 'route',
  key: `route/${state.place}/${state.prefix}`,
  state,
  needs: [on],
  within: on,
});

export const proxy = (state: ProxyState, on: ItemKey): Item<'proxy'> => ({
  kind: 'proxy',
  key: `proxy/${state.place}/${state.device}/${state.address}`,
  state,
  needs: [on],
  within: on,
});

export const ruleset = (state: RulesetState): Item<'ruleset'> => ({
  kind: 'ruleset',
  key: rulesetKey(state.place),
  state,
  needs: [netnsKey(state.place)],
  within: netnsKey(state.place),
});

export const daemons = (state: DaemonsState): Item<'daemons'> => ({
  kind: 'daemons',
  key: daemonsKey,
  state,
  needs: [],
  after: [sysctlKey('')],
});

export interface FrrTies {
  readonly needs?: readonly ItemKey[];
  readonly after?: readonly ItemKey[];
  readonly foreign?: boolean;
}

export const frr = (state: FrrState, ties: FrrTies = {}): Item<'frr'> => ({
  kind: 'frr',
  key: frrKey(state.path),
  state,
  needs: [daemonsKey, ...(ties.needs ?? [])],
  within: state.path.length > 1 && state.path[0] !== 'bfd' ? frrKey(state.path.slice(0, -1)) : daemonsKey,
  ...(ties.after === undefined ? {} : { after: ties.after }),
  ...(ties.foreign === true ? { foreign: true } : {}),
});

export const dhcp = (state: DhcpState): Item<'dhcp'> => ({
  kind: 'dhcp',
  key: `dhcp/${state.segment}`,
  state,
  needs: [netnsKey(state.place), linkKey(state.place, `br${state.segment}`)],
});

/** What a device holds, and what planning must know of the rest of it. */
export interface LinuxActual {
  /** All but `entries`. */
  readonly items: Items;
  /** Taken out of what was read when it is first asked for. Left out: none. */
  readonly entries?: () => Entries;
  /** Of many entries: equal only when they are. */
  readonly fingerprint?: string;
  /** Interfaces in the underlay that Heddle does not own, so that a goal may claim them. */
  readonly unclaimed: ReadonlyMap<string, PortState>;
  /** Interfaces with a medium behind them: what is virtual (veth) has neither speed nor FEC, and so any that is asked for. */
  readonly hardware?: ReadonlySet<string>;
  /** Interfaces that are up and have no carrier. Left out: none. */
  readonly silent?: ReadonlySet<string>;
  readonly capabilities: ReadonlySet<string>;
}
