/**
 * Goal state as packets meet it: rows by VRF, segment and device, addresses in tables of longest prefixes. Made of the rows of
 * scopes, each scope read once however many devices hold it, and of what devices learn by themselves. Pure.
 */
import { deviceScope } from '../goal/rows.ts';
import type {
  AclMemberRow, AclRow, AttachmentRow, HostPeeringRow, HostRow, IsolationRow, LeakRow, MappingRow, PrefixMatch, RouteRow, Row, SegmentRow,
  VrfPeerRow, VrfPortRow, VrfRow, VtepRow,
} from '../goal/rows.ts';
import { addMember, getOrMake } from '../kit/maps.ts';
import type { Address, Prefix, Vlan, Vni } from '../net/brand.ts';
import { addressPart, networkOf as prefixOf } from '../net/interfaceaddress.ts';
import { contains, prefixLength } from '../net/prefix.ts';
import { PrefixTable } from '../net/prefixtable.ts';
import type { Announcement, LearnedHost, Place } from './packet.ts';

/** A host of a segment, and behind which ports it is. */
export interface Host {
  readonly address: Address;
  readonly places: Place[];
}

export interface Segment {
  readonly row: SegmentRow;
  /** Devices that hold the segment. */
  readonly devices: Set<string>;
  readonly prefixes: readonly Prefix[];
  /** Its hosts may announce what is in these. */
  readonly announceable: Prefix[];
  readonly hosts: Map<Address, Host>;
  readonly mappings: Map<Address, MappingRow>;
}

/** Where a route of a VRF leads. */
export type Route =
  | { readonly type: 'segment'; readonly segment: Vni }
  /** Over hosts or routers that the VRF reaches directly. */
  | { readonly type: 'via'; readonly nextHops: readonly Address[]; readonly row: string }
  /** A network of a port that is routed, the way to an External. */
  | { readonly type: 'port'; readonly place: Place; readonly row: VrfPortRow }
  /** A neighbour outside who announced it. */
  | { readonly type: 'outside'; readonly place: Place; readonly nextHop: Address; readonly row: string };

export interface Vrf {
  readonly row: VrfRow;
  readonly routes: PrefixTable<Route>;
  readonly leaks: LeakRow[];
  readonly isolations: Map<Vni, IsolationRow>;
  readonly policies: { readonly key: string; readonly row: AclRow }[];
  readonly sets: Map<string, AclMemberRow['prefix'][]>;
  readonly staticRoutes: RouteRow[];
  readonly gateways: Set<Address>;
  /** Where those addresses are that rows say to be a server's. */
  readonly owners: Map<Address, Place[]>;
}

export interface Device {
  readonly name: string;
  readonly scopes: Set<string>;
  readonly vrfs: Set<string>;
  vtep?: VtepRow;
  /** By `port` or `port.vlan`. */
  readonly attachments: Map<string, AttachmentRow>;
  readonly routedPorts: Map<string, VrfPortRow>;
  /** Bundle of a port. */
  readonly bundles: Map<string, string>;
}

export interface Learned {
  readonly hosts?: readonly LearnedHost[];
  readonly announcements?: readonly Announcement[];
}

export interface Network {
  readonly devices: ReadonlyMap<string, Device>;
  readonly segments: ReadonlyMap<Vni, Segment>;
  readonly vrfs: ReadonlyMap<string, Vrf>;
}

export const placeKey = (port: string, vlan?: Vlan): string => (vlan === undefined ? port : `${port}.${vlan}`);

type Of<Table extends Row['table']> = Extract<Row, { table: Table }>;

/** @param scopes every scope by name with its rows: `device/<name>` and the shared ones */
export const readNetwork = (scopes: Iterable<readonly [string, Iterable<Row>]>, learned: Learned = {}): Network => {
  const reading = new Reading();
  for (const [scope, rows] of scopes) for (const row of rows) reading.take(scope, row);
  return reading.finish(learned);
};

/** Rows as they come, in any order; what refers to others is joined at the end. */
class Reading {
  readonly #devices = new Map<string, Device>();
  readonly #holders = new Map<string, Set<string>>();
  readonly #rows = new Map<Row['table'], { readonly scope: string; readonly row: Row }[]>();
  readonly #segments = new Map<Vni, Segment>();
  readonly #vrfs = new Map<string, Vrf>();

  take(scope: string, row: Row): void {
    if (scope.startsWith('device/')) addMember(this.#holders, scope, this.#device(scope).name);
    if (row.table === 'member') addMember(this.#holders, row.value.scope, this.#device(scope).name);
    else getOrMake(this.#rows, row.table, () => []).push({ scope, row });
  }

  finish({ hosts = [], announcements = [] }: Learned): Network {
    for (const [scope, holders] of this.#holders) for (const name of holders) this.#device(deviceScope(name)).scopes.add(scope);
    this.#each('vtep', ({ value }, device) => (device.vtep = value));
    this.#each('port', ({ key, value }, device) => value.bundle !== undefined && device.bundles.set(key, value.bundle));
    this.#each('attachment', ({ value }, device) => device.attachments.set(placeKey(value.port, value.vlan), value));
    this.#each('vrf', ({ value }, device) => device.vrfs.add(value.name));
    for (const { row } of this.#of('vrf')) this.#vrfs.set(row.value.name, newVrf(row.value));
    this.#each('segment', (row, device) => this.#segment(row).devices.add(device.name));
    this.#each('host', ({ value }, device) => {
      this.#host(value.segment, value.address, placeOf(device.name, value));
      this.#own(value.segment, value.address, placeOf(device.name, value));
    });
    this.#each('attachment', ({ value }, device) => {
      for (const address of [value.address, value.ipv6Address]) if (address !== undefined) this.#own(value.segment, address, placeOf(device.name, value));
    });
    for (const { row } of this.#of('mapping')) this.#segments.get(row.value.segment)?.mappings.set(row.value.address, row.value);
    this.#tenants();
    this.#outside(announcements);
    for (const host of hosts) this.#learn(host);
    return { devices: this.#devices, segments: this.#segments, vrfs: this.#vrfs };
  }

  /** What rows in the scope of a VPC say, and static routes. */
  #tenants(): void {
    for (const { row } of this.#of('leak')) this.#vrfs.get(row.value.vrf)?.leaks.push(row.value);
    for (const { row } of this.#of('isolation')) this.#vrfs.get(row.value.vrf)?.isolations.set(row.value.segment, row.value);
    for (const { row } of this.#of('acl')) this.#vrfs.get(row.value.vrf)?.policies.push({ key: row.key, row: row.value });
    for (const { row } of this.#of('aclMember')) {
      const { vrf, set, prefix } = row.value;
      const sets = this.#vrfs.get(vrf)?.sets;
      if (sets !== undefined) getOrMake(sets, set, () => []).push(prefix);
    }
    for (const { row } of this.#of('route')) this.#static(row);
  }

  #static({ key, value }: Of<'route'>): void {
    const { vrf, prefix, nextHops }: RouteRow = value;
    this.#vrfs.get(vrf)?.staticRoutes.push(value);
    this.#vrfs.get(vrf)?.routes.set(prefix, { type: 'via', nextHops, row: `route/${key}` });
  }

  #outside(announcements: readonly Announcement[]): void {
    this.#each('vrfPort', ({ value }, device) => {
      device.routedPorts.set(placeKey(value.port, value.vlan), value);
      const place = placeOf(device.name, value);
      for (const address of value.addresses) this.#vrfs.get(value.vrf)?.routes.set(prefixOf(address), { type: 'port', place, row: value });
    });
    this.#each('vrfPeer', ({ key, value }, device) => {
      for (const announcement of announcements) if (speaksTo(announcement, device, value)) this.#believe(announcement, key, value);
    });
    for (const { row } of this.#of('hostPeering')) {
      this.#segments.get(row.value.segment)?.announceable.push(...row.value.accept.map(({ prefix }) => prefix));
      for (const announcement of announcements) this.#believeHost(announcement, row.key, row.value);
    }
  }

  #believe({ at, neighbor, prefixes, communities = [] }: Announcement, key: string, peer: VrfPeerRow): void {
    const { inboundCommunity } = peer;
    if (inboundCommunity !== undefined && !communities.includes(inboundCommunity)) return;
    const { routes, row: { external } = {} } = this.#vrfs.get(peer.vrf) ?? {};
    for (const prefix of prefixes) {
      if (external?.inside.some((inner) => contains(inner, prefix)) === true) continue;
      if (peer.accept.length > 0 && !isAccepted(peer.accept, prefix)) continue;
      // What the fabric says itself is not unsaid from outside.
      if (routes?.get(prefix) === undefined) routes?.set(prefix, { type: 'outside', place: at, nextHop: neighbor, row: `vrfPeer/${key}` });
    }
  }

  #believeHost({ at, neighbor, prefixes }: Announcement, key: string, { segment, vrf, range, accept }: HostPeeringRow): void {
    const attachment = this.#devices.get(at.device)?.attachments.get(placeKey(at.port, at.vlan));
    if (attachment?.segment !== segment || !range.some((each) => contains(each, neighbor))) return;
    for (const prefix of prefixes) {
      if (isAccepted(accept, prefix)) this.#vrfs.get(vrf)?.routes.set(prefix, { type: 'via', nextHops: [neighbor], row: `hostPeering/${key}` });
    }
  }

  #learn({ device: name, port, vlan, address }: LearnedHost): void {
    const device = this.#devices.get(name);
    const attachment = device?.attachments.get(placeKey(device.bundles.get(port) ?? port, vlan));
    if (attachment === undefined || this.#segments.get(attachment.segment)?.hosts.has(address) === true) return;
    this.#host(attachment.segment, address, { device: name, port, ...(vlan !== undefined && { vlan }) });
  }

  #host(vni: Vni, address: Address, place: Place): void {
    const hosts = this.#segments.get(vni)?.hosts;
    if (hosts !== undefined) getOrMake(hosts, address, () => ({ address, places: [] })).places.push(place);
  }

  #own(vni: Vni, address: Address, place: Place): void {
    const owners = this.#vrfs.get(this.#segments.get(vni)?.row.vrf ?? '')?.owners;
    if (owners !== undefined) getOrMake(owners, address, () => []).push(place);
  }

  #segment({ value: row }: Of<'segment'>): Segment {
    const prefixes = row.gateways.map(prefixOf);
    const vrf = this.#vrfs.get(row.vrf);
    for (const prefix of prefixes) vrf?.routes.set(prefix, { type: 'segment', segment: row.vni });
    for (const gateway of row.gateways) vrf?.gateways.add(addressPart(gateway));
    const make = (): Segment => ({ row, devices: new Set<string>(), prefixes, announceable: [], hosts: new Map(), mappings: new Map() });
    return getOrMake(this.#segments, row.vni, make);
  }

  #device(scope: string): Device {
    const name = scope.slice('device/'.length);
    return getOrMake(this.#devices, name, () => ({
      name, scopes: new Set([scope]), vrfs: new Set<string>(), attachments: new Map(), routedPorts: new Map(), bundles: new Map(),
    }));
  }

  #of<Table extends Row['table']>(table: Table): { readonly scope: string; readonly row: Of<Table> }[] {
    const isOf = (each: { readonly scope: string; readonly row: Row }): each is { readonly scope: string; readonly row: Of<Table> } =>
      each.row.table === table;
    return (this.#rows.get(table) ?? []).filter(isOf);
  }

  /** Every row of a table with every device that holds it. */
  #each<Table extends Row['table']>(table: Table, use: (row: Of<Table>, device: Device) => unknown): void {
    for (const { scope, row } of this.#of(table)) {
      for (const name of this.#holders.get(scope) ?? []) use(row, this.#device(deviceScope(name)));
    }
  }
}

const newVrf = (row: VrfRow): Vrf => ({
  row, routes: new PrefixTable(), leaks: [], isolations: new Map(), policies: [], sets: new Map(), staticRoutes: [], gateways: new Set(), owners: new Map(),
});

const placeOf = (device: string, { port, vlan }: Pick<HostRow, 'port' | 'vlan'>): Place => ({ device, port, ...(vlan !== undefined && { vlan }) });

const speaksTo = ({ neighbor, at }: Announcement, device: Device, peer: VrfPeerRow): boolean =>
  neighbor === peer.address && at.device === device.name && placeKey(at.port, at.vlan) === peer.port;

const isAccepted = (accept: readonly PrefixMatch[], prefix: Prefix): boolean => {
  const length = prefixLength(prefix);
  return accept.some((match) => contains(match.prefix, prefix) && length >= match.minLength && length <= match.maxLength);
};
