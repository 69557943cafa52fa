/**
 * A VPC with all that it can talk to: its subnets, those of its peers, and the networks outside. Of hosts only those are kept
 * that rows can tell apart, so that what is asked of pairs is asked of few. Pure.
 */
import { type Row } from '../goal/rows.ts';
import { getOrMake } from '../kit/maps.ts';
import { familyOf } from '../net/address.ts';
import type { Address, Prefix, Vni } from '../net/brand.ts';
import { networkOf } from '../net/interfaceaddress.ts';
import { contains, firstHost, hostAt, prefixSize } from '../net/prefix.ts';
import { readNetwork, placeKey, type Network } from './network.ts';
import type { Announcement, LearnedHost, Place } from './packet.ts';
import { believable, localScopes, rowIn, rowsIn, vrfIn, type GoalReader, type RowOf, type VrfAt } from './surroundings.ts';

/** Hosts that no row tells apart, by one of them; of several devices the first and the last. */
export interface HostClass {
  readonly hosts: readonly { readonly address: Address; readonly places: readonly Place[] }[];
}

/** A subnet (`namespace/vpc/subnet`), or a prefix outside (`external prefix`). */
export interface Party {
  readonly name: string;
  /** `namespace/vpc`, or the name of the External. */
  readonly network: string;
  readonly isOutside: boolean;
  readonly family: 4 | 6;
  readonly classes: readonly HostClass[];
}

export interface Neighbourhood {
  /** Description of the VRF: `namespace/vpc`. */
  readonly name: string;
  readonly network: Network;
  readonly parties: readonly Party[];
  /** Ports where a policy or a list makes a difference, by protocol: the first of each range that is treated alike. */
  readonly cuts: { readonly tcp: readonly number[]; readonly udp: readonly number[] };
}

export const neighbourhoodOf = (goal: GoalReader, vrf: VrfAt): Neighbourhood => new Reading(goal, vrf).read();

interface Found {
  readonly address: Address;
  readonly places: Place[];
}

class Reading {
  readonly #goal: GoalReader;
  readonly #vrf: VrfAt;
  readonly #vrfs: VrfAt[];
  readonly #rows = new Map<string, Row[]>();
  readonly #hosts = new Map<Vni, Map<Address, Found>>();
  readonly #segments = new Map<Vni, RowOf<'segment'>>();
  readonly #outside: { readonly vrf: string; readonly row: RowOf<'vrfPort'>; readonly place: Place; readonly peers: RowOf<'vrfPeer'>[] }[] = [];
  readonly #learned: LearnedHost[] = [];
  /** Addresses of attachments that no row says, by scope and key. */
  readonly #assumed = new Map<string, readonly Address[]>();

  constructor(goal: GoalReader, vrf: VrfAt) {
    this.#goal = goal;
    this.#vrf = vrf;
    const peers = [...rowsIn(goal, vrf.scope, 'leak')].flatMap(({ value }) => vrfIn(goal, `vpc/${value.peerVni}`) ?? []);
    this.#vrfs = [vrf, ...peers];
  }

  read(): Neighbourhood {
    const names = new Set(this.#vrfs.map(({ name }) => name));
    for (const { scope } of this.#vrfs) for (const row of this.#tenantRows(scope, names)) this.#take(scope, row);
    for (const device of new Set(this.#vrfs.flatMap(({ scope }) => this.#goal.devicesOf(scope)))) this.#device(device, names);
    const marks = this.#marks();
    const parties = [...[...this.#segments.values()].flatMap((segment) => this.#subnet(segment, marks)), ...this.#externals(names)];
    const addresses = parties.flatMap(({ isOutside, classes }) => (isOutside ? classes.flatMap(({ hosts }) => hosts.map(({ address }) => address)) : []));
    const network = readNetwork(this.#rows, { hosts: this.#learned, announcements: this.#announcements(addresses) });
    return { name: network.vrfs.get(this.#vrf.name)?.row.description ?? this.#vrf.name, network, parties, cuts: this.#cuts() };
  }

  #take(scope: string, row: Row): void {
    getOrMake(this.#rows, scope, () => []).push(row);
  }

  *#tenantRows(scope: string, names: ReadonlySet<string>): Generator<Row> {
    for (const table of ['vrf', 'route', 'isolation', 'acl', 'aclMember'] as const) yield* rowsIn(this.#goal, scope, table);
    for (const row of rowsIn(this.#goal, scope, 'leak')) if (names.has(row.value.peerVrf)) yield row;
  }

  #device(device: string, names: ReadonlySet<string>): void {
    const own = new Set<Vni>();
    for (const scope of localScopes(this.#goal, device)) {
      const isNew = !this.#rows.has(scope);
      for (const row of rowsIn(this.#goal, scope, 'segment')) {
        if (!names.has(row.value.vrf)) continue;
        own.add(row.value.vni);
        this.#segments.set(row.value.vni, row);
        if (isNew) this.#take(scope, row);
      }
      this.#local(device, scope, own, names, isNew);
    }
    for (const scope of [...this.#vrfs.map((vrf) => vrf.scope), ...localScopes(this.#goal, device)]) {
      const member = rowIn(this.#goal, `device/${device}`, 'member', scope);
      if (member !== undefined) this.#take(`device/${device}`, member);
    }
    const vtep = rowIn(this.#goal, `device/${device}`, 'vtep', 'self');
    if (vtep !== undefined) this.#take(`device/${device}`, vtep);
  }

  /** @param isNew nobody else holds the scope, or this device is the first */
  #local(device: string, scope: string, own: ReadonlySet<Vni>, names: ReadonlySet<string>, isNew: boolean): void {
    const goal = this.#goal;
    const named = new Set<string>();
    for (const row of rowsIn(goal, scope, 'host')) {
      const { segment, address, port, vlan } = row.value;
      if (!own.has(segment)) continue;
      named.add(placeKey(port, vlan));
      if (isNew) this.#take(scope, row);
      this.#host(segment, address, { device, port, ...(vlan !== undefined && { vlan }) });
    }
    for (const row of rowsIn(goal, scope, 'attachment')) {
      const { segment, port, vlan, address, ipv6Address } = row.value;
      if (!own.has(segment)) continue;
      if (isNew) this.#take(scope, row);
      const place = { device, port, ...(vlan !== undefined && { vlan }) };
      if (named.has(placeKey(port, vlan))) continue;
      for (const known of [address, ipv6Address]) if (known !== undefined) this.#learn(segment, known, place);
      if (address !== undefined || ipv6Address !== undefined) continue;
      // Of a server behind several switches it is one and the same.
      const free = getOrMake(this.#assumed, `${scope} ${row.key}`, () => this.#free(segment));
      for (const each of free) this.#learn(segment, each, place);
    }
    if (!isNew) return;
    for (const table of ['hostPeering', 'vrfPort', 'vrfPeer'] as const) {
      for (const row of rowsIn(goal, scope, table)) if (names.has(row.value.vrf)) this.#take(scope, row);
    }
    for (const row of rowsIn(goal, scope, 'vrfPort')) {
      const { vrf, port, vlan } = row.value;
      if (!names.has(vrf)) continue;
      const peers = [...rowsIn(goal, scope, 'vrfPeer')].filter(({ value }) => value.vrf === vrf && value.port === row.key);
      this.#outside.push({ vrf, row, place: { device, port, ...(vlan !== undefined && { vlan }) }, peers });
    }
  }

  #host(segment: Vni, address: Address, place: Place): void {
    getOrMake(getOrMake(this.#hosts, segment, () => new Map<Address, Found>()), address, () => ({ address, places: [] as Place[] })).places.push(place);
  }

  #learn(segment: Vni, address: Address, place: Place): void {
    this.#learned.push({ ...place, address });
    this.#host(segment, address, place);
  }

  /** An address of each family that nobody has yet: of a host that got it from somebody else. */
  #free(segment: Vni): Address[] {
    const known = this.#hosts.get(segment) ?? new Map<Address, Found>();
    return (this.#segments.get(segment)?.value.gateways ?? []).flatMap((gateway) => {
      const prefix = networkOf(gateway);
      for (let back = 3n; back < prefixSize(prefix) && back < 1000n; back += 1n) {
        const address = hostAt(prefix, prefixSize(prefix) - back);
        if (address !== undefined && !known.has(address)) return [address];
      }
      return [];
    });
  }

  /** All prefixes by which rows tell hosts apart. */
  #marks(): Prefix[] {
    const marks = new Set<Prefix>();
    const add = (...prefixes: readonly Prefix[]): void => prefixes.forEach((prefix) => marks.add(prefix));
    for (const row of [...this.#rows.values()].flat()) {
      if (row.table === 'acl') add(...row.value.subjects, ...row.value.rules.flatMap(({ peers }) => peers));
      else if (row.table === 'aclMember') add(row.value.prefix);
      else if (row.table === 'leak') add(...row.value.pairings.flatMap(({ local, remote }) => [...local, ...remote]));
      else if (row.table === 'isolation') add(...row.value.prefixes, ...row.value.denied);
      else if (row.table === 'vrfPort') add(...row.value.inbound.flatMap(({ source, destination }) => [source, destination].flatMap((each) => each ?? [])));
    }
    return [...marks];
  }

  #subnet({ value }: RowOf<'segment'>, marks: readonly Prefix[]): Party[] {
    const hosts = [...(this.#hosts.get(value.vni)?.values() ?? [])];
    const prefixes = value.gateways.map(networkOf);
    // What holds the whole subnet, or none of it, tells nobody apart.
    const parting = marks.filter((mark) => prefixes.some((prefix) => prefix !== mark && contains(prefix, mark)));
    const sets = new Map<Prefix, string>();
    for (const { value: { set, prefix } } of this.#of('aclMember')) sets.set(prefix, `${sets.get(prefix) ?? ''} ${set}`);
    const markOf = (address: Address): string =>
      parting.filter((mark) => contains(mark, address)).map((mark) => sets.get(mark) ?? mark).sort().join();
    return ([4, 6] as const).flatMap((family) => {
      const own = hosts.filter(({ address }) => familyOf(address) === family);
      if (own.length === 0) return [];
      const classes = [...Map.groupBy(own, ({ address }) => markOf(address)).values()].map((alike): HostClass => ({ hosts: ends(alike) }));
      return [{ name: value.description, network: value.description.slice(0, value.description.lastIndexOf('/')), isOutside: false, family, classes }];
    });
  }

  *#of<Table extends Row['table']>(table: Table): Generator<RowOf<Table>> {
    const isOf = (row: Row): row is RowOf<Table> => row.table === table;
    for (const rows of this.#rows.values()) for (const row of rows) if (isOf(row)) yield row;
  }

  #externals(names: ReadonlySet<string>): Party[] {
    const remote = new Map<string, Set<Prefix>>();
    for (const { value } of this.#of('leak')) {
      if (value.vrf !== this.#vrf.name || !names.has(value.peerVrf)) continue;
      for (const pairing of value.pairings) for (const prefix of pairing.remote) getOrMake(remote, value.peerVrf, () => new Set<Prefix>()).add(prefix);
    }
    return [...remote].flatMap(([name, prefixes]) => {
      const vrf = [...this.#of('vrf')].find(({ value }) => value.name === name)?.value;
      const places = this.#outside.flatMap(({ vrf: of, place }) => (of === name ? [place] : []));
      if (vrf?.external === undefined || places.length === 0) return [];
      return [...prefixes].sort().map((prefix): Party => ({
        name: `${vrf.description} ${prefix}`,
        network: vrf.description,
        isOutside: true,
        family: familyOf(prefix),
        classes: [{ hosts: [{ address: someoneIn(prefix), places }] }],
      }));
    });
  }

  #announcements(addresses: readonly Address[]): Announcement[] {
    return this.#outside.flatMap(({ place: at, peers }) =>
      peers.map(({ value: { address: neighbor, accept, inboundCommunity } }) => ({
        neighbor, at, prefixes: addresses.flatMap((address) => believable(accept, address)), ...(inboundCommunity !== undefined && { communities: [inboundCommunity] }),
      })));
  }

  #cuts(): Neighbourhood['cuts'] {
    const cuts = { tcp: new Set([1]), udp: new Set([1]) };
    const add = (protocol: string | undefined, { from, to }: { readonly from: number; readonly to: number }): void => {
      for (const each of ['tcp', 'udp'] as const) if ((protocol ?? each) === each) cuts[each].add(from).add(to + 1);
    };
    for (const { value } of this.#of('acl')) for (const { protocol, ports } of value.rules) for (const range of ports) add(protocol, range);
    for (const { value } of this.#of('vrfPort')) for (const { protocol, ports } of value.inbound) if (ports !== undefined) add(protocol, ports);
    const sorted = (ports: ReadonlySet<number>): number[] => [...ports].filter((port) => port >= 1 && port <= 65_535).sort((left, right) => left - right);
    return { tcp: sorted(cuts.tcp), udp: sorted(cuts.udp) };
  }
}

/** The first and the last of those that are behind different devices. */
const ends = (alike: readonly Found[]): readonly Found[] => {
  const sorted = alike.toSorted((left, right) => (deviceOf(left) < deviceOf(right) ? -1 : 1));
  const [first, last] = [sorted[0], sorted.at(-1)];
  return first === undefined || last === undefined ? [] : first === last ? [first] : [first, last];
};

const deviceOf = ({ places }: Found): string => places[0]?.device ?? '';

/** Documentation's addresses (RFC 5737, RFC 3849) stand for anybody outside, where they lie in the prefix. */
const someoneIn = (prefix: Prefix): Address =>
  (['203.0.113.1' as Address, '2001:db8::1' as Address]).find((each) => contains(prefix, each)) ?? firstHost(prefix);
