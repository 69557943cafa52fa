/**
 * The rows that a packet can meet: of its VRFs and of those they are peered with, at its ends and where the fabric is left. Read
 * from the scopes of those alone, so that the size of everything else does not matter. Pure.
 */
import { deviceScope, type Row, type TableName } from '../goal/rows.ts';
import type { GoalState } from '../goal/state.ts';
import { addMember, getOrMake } from '../kit/maps.ts';
import { familyOf } from '../net/address.ts';
import type { Address, Prefix, Vlan, Vni } from '../net/brand.ts';
import { addressPart, networkOf } from '../net/interfaceaddress.ts';
import { contains, prefixOfBits } from '../net/prefix.ts';
import { bitsOf } from '../net/address.ts';
import { placeKey } from './network.ts';
import type { Announcement, Place } from './packet.ts';

export type GoalReader = Pick<GoalState, 'scope' | 'subscriptions' | 'devicesOf'>;

export type RowOf<Table extends TableName> = Extract<Row, { table: Table }>;

/** Rows of a table of a scope. */
export const rowsIn = function* <Table extends TableName>(goal: Pick<GoalState, 'scope'>, scope: string, table: Table): Generator<RowOf<Table>> {
  const isOf = (row: Row): row is RowOf<Table> => row.table === table;
  for (const row of goal.scope(scope).rows.in(table)) if (isOf(row)) yield row;
};

/** One row of a scope. */
export const rowIn = <Table extends TableName>(goal: Pick<GoalState, 'scope'>, scope: string, table: Table, key: string): RowOf<Table> | undefined => {
  const isOf = (row: Row): row is RowOf<Table> => row.table === table;
  const row = goal.scope(scope).rows.get(`${table}/${key}`);
  return row !== undefined && isOf(row) ? row : undefined;
};

/** Scopes of a device that are no VRF's: its own, and those of what it shares with others. */
export const localScopes = (goal: GoalReader, device: string): readonly string[] => goal.subscriptions(device).filter((scope) => !scope.startsWith('vpc/'));

/** A VRF and the scope that it is said in. */
export interface VrfAt {
  readonly name: string;
  readonly vni: Vni;
  readonly scope: string;
}

export const vrfIn = (goal: Pick<GoalState, 'scope'>, scope: string): VrfAt | undefined => {
  for (const { value: { name, vni } } of rowsIn(goal, scope, 'vrf')) return { name, vni, scope };
  return undefined;
};

/** What the port of a place is in: the VRF of its segment, or the one it is routed in. */
export const vrfAt = (goal: GoalReader, { device, port, vlan }: Place): VrfAt | undefined => {
  const name = vrfNameAt(goal, device, keyAt(goal, { device, port, ...(vlan !== undefined && { vlan }) }));
  if (name === undefined) return undefined;
  return goal.subscriptions(device).map((scope) => (scope.startsWith('vpc/') ? vrfIn(goal, scope) : undefined)).find((vrf) => vrf?.name === name);
};

/** Key of the attachment or routed port that a place is: of its bundle, where it is a member of one. */
export const keyAt = (goal: GoalReader, { device, port, vlan }: Place): string =>
  placeKey(rowIn(goal, deviceScope(device), 'port', port)?.value.bundle ?? port, vlan);

const vrfNameAt = (goal: GoalReader, device: string, key: string): string | undefined => {
  for (const scope of localScopes(goal, device)) {
    const routed = rowIn(goal, scope, 'vrfPort', key);
    if (routed !== undefined) return routed.value.vrf;
    const attached = rowIn(goal, scope, 'attachment', key);
    const segment = attached === undefined ? undefined : rowIn(goal, scope, 'segment', `${attached.value.segment}`);
    if (segment !== undefined) return segment.value.vrf;
  }
  return undefined;
};

export interface Question {
  /** Where packets come in. */
  readonly places: readonly Place[];
  /** VRFs at either end. */
  readonly vrfs: readonly VrfAt[];
  /** Source and destination. */
  readonly addresses: readonly Address[];
}

export interface Surroundings {
  readonly scopes: ReadonlyMap<string, readonly Row[]>;
  /** What routers outside may announce that matters here; which of it they do is in no row. */
  readonly announcements: readonly Announcement[];
}

export const surroundingsOf = (goal: GoalReader, question: Question): Surroundings => new Reading(goal, question).read();

class Reading {
  readonly #goal: GoalReader;
  readonly #question: Question;
  /** Source, destination and next hops. */
  readonly #addresses: Set<Address>;
  readonly #vrfs = new Map<string, VrfAt>();
  readonly #taken = new Map<string, Set<Row>>();
  /** Segments that some device was read with. */
  readonly #segments = new Set<Vni>();
  readonly #announcements: Announcement[] = [];

  constructor(goal: GoalReader, question: Question) {
    this.#goal = goal;
    this.#question = question;
    this.#addresses = new Set(question.addresses);
  }

  read(): Surroundings {
    for (const vrf of this.#question.vrfs) this.#vrf(vrf);
    for (const { scope } of this.#question.vrfs) for (const { value } of this.#leaks(scope)) this.#peer(value.peerVni);
    for (const vrf of this.#vrfs.values()) this.#tenant(vrf.scope);
    const names = new Set([...this.#vrfs.values()].map(({ name }) => name));
    const ends = new Set(this.#question.places.map(({ device }) => device));
    for (const device of this.#devices()) this.#device(device, names, ends.has(device));
    return { scopes: new Map([...this.#taken].map(([scope, rows]) => [scope, [...rows]])), announcements: this.#announcements };
  }

  #take(scope: string, row: Row): void {
    addMember(this.#taken, scope, row);
  }

  #vrf(vrf: VrfAt): void {
    this.#vrfs.set(vrf.scope, vrf);
  }

  #peer(vni: Vni): void {
    const vrf = vrfIn(this.#goal, `vpc/${vni}`);
    if (vrf !== undefined) this.#vrf(vrf);
  }

  /** Leaks that one of the addresses may take. */
  *#leaks(scope: string): Generator<RowOf<'leak'>> {
    for (const row of rowsIn(this.#goal, scope, 'leak')) {
      if (row.value.pairings.some(({ local, remote }) => this.#concerns(local) || this.#concerns(remote))) yield row;
    }
  }

  #concerns(prefixes: readonly Prefix[]): boolean {
    return prefixes.some((prefix) => this.#question.addresses.some((address) => contains(prefix, address)));
  }

  #tenant(scope: string): void {
    const goal = this.#goal;
    for (const table of ['vrf', 'isolation', 'acl'] as const) for (const row of rowsIn(goal, scope, table)) this.#take(scope, row);
    for (const row of this.#leaks(scope)) this.#take(scope, row);
    for (const row of rowsIn(goal, scope, 'aclMember')) if (this.#concerns([row.value.prefix])) this.#take(scope, row);
    for (const row of rowsIn(goal, scope, 'route')) {
      if (!this.#concerns([row.value.prefix])) continue;
      this.#take(scope, row);
      for (const nextHop of row.value.nextHops) this.#addresses.add(nextHop);
    }
    for (const address of this.#addresses) {
      const mapping = rowIn(goal, scope, 'mapping', address);
      if (mapping !== undefined) this.#take(scope, mapping);
    }
  }

  #devices(): Set<string> {
    return new Set([...[...this.#vrfs.keys()].flatMap((scope) => this.#goal.devicesOf(scope)), ...this.#question.places.map(({ device }) => device)]);
  }

  /** @param isEnd a packet comes in here; others are read only where they have a part in it */
  #device(device: string, vrfs: ReadonlySet<string>, isEnd: boolean): void {
    const goal = this.#goal;
    const scopes = localScopes(goal, device);
    const segments = scopes.flatMap((scope) => [...rowsIn(goal, scope, 'segment')].filter(({ value }) => vrfs.has(value.vrf)).map((row) => ({ scope, row })));
    const local = new Set(segments.map(({ row }) => row.value.vni));
    const found = scopes.flatMap((scope) => this.#local(device, scope, local, vrfs, isEnd).map((row) => ({ scope, row })));
    const isPart = isEnd || found.length > 0;
    for (const { scope, row } of segments) {
      // Of a segment whose hosts are elsewhere one copy is enough to route by.
      if (!isPart && this.#segments.has(row.value.vni)) continue;
      this.#segments.add(row.value.vni);
      for (const peering of this.#rows(scope, 'hostPeering', `${row.value.vni}`)) this.#take(scope, peering);
      this.#take(scope, row);
      this.#belong(device, scope);
    }
    for (const { scope, row } of found) this.#take(scope, row);
    if (!isPart) return;
    for (const scope of scopes) this.#belong(device, scope);
    for (const { scope } of this.#vrfs.values()) this.#belong(device, scope);
    for (const vtep of this.#rows(deviceScope(device), 'vtep', 'self')) this.#take(deviceScope(device), vtep);
  }

  *#rows<Table extends TableName>(scope: string, table: Table, key: string): Generator<RowOf<Table>> {
    const row = rowIn(this.#goal, scope, table, key);
    if (row !== undefined) yield row;
  }

  /** The device holds the scope, if it does. */
  #belong(device: string, scope: string): void {
    for (const row of this.#rows(deviceScope(device), 'member', scope)) this.#take(deviceScope(device), row);
  }

  #local(device: string, scope: string, segments: ReadonlySet<Vni>, vrfs: ReadonlySet<string>, isEnd: boolean): Row[] {
    const goal = this.#goal;
    const rows: Row[] = [];
    for (const vni of segments) for (const address of this.#addresses) rows.push(...this.#rows(scope, 'host', `${vni}/${address}`));
    for (const row of rowsIn(goal, scope, 'attachment')) {
      const { segment, address, ipv6Address } = row.value;
      const isOwner = [address, ipv6Address].some((each) => each !== undefined && this.#addresses.has(each));
      if (segments.has(segment) && (isEnd || isOwner)) rows.push(row);
    }
    for (const row of rowsIn(goal, scope, 'vrfPort')) {
      if (!vrfs.has(row.value.vrf)) continue;
      rows.push(row);
      this.#outside(device, scope, row, rows);
    }
    if (rows.length === 0 && !isEnd) return rows;
    // An answer comes in where its sender is attached.
    const keys = new Set(rows.flatMap((row) => (row.table === 'host' ? [placeKey(row.value.port, row.value.vlan)] : [])));
    for (const key of keys) rows.push(...this.#rows(scope, 'attachment', key));
    for (const row of rowsIn(goal, scope, 'port')) if (row.value.bundle !== undefined) rows.push(row);
    return rows;
  }

  #outside(device: string, scope: string, { key, value: { port, vlan, vrf } }: RowOf<'vrfPort'>, rows: Row[]): void {
    const at = { device, port, ...(vlan !== undefined && { vlan: vlan satisfies Vlan }) };
    for (const row of rowsIn(this.#goal, scope, 'vrfPeer')) {
      if (row.value.vrf !== vrf || row.value.port !== key) continue;
      rows.push(row);
      const { address: neighbor, inboundCommunity } = row.value;
      const prefixes = this.#question.addresses.flatMap((address) => believable(row.value.accept, address));
      this.#announcements.push({ neighbor, at, prefixes, ...(inboundCommunity !== undefined && { communities: [inboundCommunity] }) });
    }
  }
}

/** The widest prefix with the address that is believed of a neighbour: what it must announce to be sent packets. */
export const believable = (accept: RowOf<'vrfPeer'>['value']['accept'], address: Address): Prefix[] => {
  const all = (familyOf(address) === 4 ? '0.0.0.0/0' : '::/0') as Prefix;
  if (accept.length === 0) return [all];
  return accept.filter(({ prefix }) => contains(prefix, address)).map(({ minLength }) => prefixOfBits(bitsOf(address), minLength));
};

/** The segments of a VRF that hold an address in their prefixes, with the devices that hold them. */
export const segmentsWith = (goal: GoalReader, { name, scope }: VrfAt, address: Address): ReadonlyMap<Vni, { readonly row: RowOf<'segment'>; readonly devices: string[] }> => {
  const found = new Map<Vni, { readonly row: RowOf<'segment'>; readonly devices: string[] }>();
  for (const device of goal.devicesOf(scope)) {
    for (const local of localScopes(goal, device)) {
      for (const row of rowsIn(goal, local, 'segment')) {
        if (row.value.vrf !== name || !row.value.gateways.some((gateway) => contains(networkOf(gateway), address))) continue;
        getOrMake(found, row.value.vni, () => ({ row, devices: [] as string[] })).devices.push(device);
      }
    }
  }
  return found;
};

/** Whether an address is one of a segment's own. */
export const isGatewayOf = ({ value }: RowOf<'segment'>, address: Address): boolean => value.gateways.some((gateway) => addressPart(gateway) === address);
