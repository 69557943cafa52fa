/**
 * What intent promises and permits, kept up to date object by object and asked by key. Nothing that makes rows has a part in it:
 * only what people declared, which ids are whose, and which parts are refused. Pure.
 */
import type { ObjectRef, Resource } from '../api/object.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { contains } from '../net/prefix.ts';
import { dependants, joinUnits, labelUnits, pairsOf, subnetUnits, unitsOf, type Unit } from './affected.ts';
import { Claims, claimedOf } from './claims.ts';
import { placesOf, type ExternalPlace } from './externals.ts';
import { indexed } from './indexed.ts';
import { networksOfPeering, pairingsBetween, pairKey, type Networks, type Pairing } from './joins.ts';
import { Mappings } from './mappings.ts';
import { externalOf, vpcOf, type External, type NetworkKey, type Vpc } from './networks.ts';
import { heldOf, isSpecKind, keyOf, Objects, specKinds, type SpecKind } from './objects.ts';
import { changedSubnets, isAbout } from './observing.ts';
import { placementOf, type Placement } from './placement.ts';
import { References, Tally } from './references.ts';
import { RefusalBook, type Refusal } from './refusals.ts';
import { deviceOf, wiringOf, type Device, type Wiring } from './wiring.ts';

export interface ObjectChange {
  readonly ref: ObjectRef;
  readonly object: Resource | undefined;
}

/** An object by its kind and key. */
export interface Subject {
  readonly kind: SpecKind;
  readonly key: string;
}

/** Who wants to hear what changes reach. */
export interface Listener {
  unit(unit: Unit): void;
  /** An attachment is somewhere else, or no longer or newly in force. */
  placed(before: Placement | undefined, after: Placement | undefined): void;
}

const nobody: Listener = { unit: () => {}, placed: () => {} };

export class Specification {
  readonly objects = new Objects();
  readonly claims = new Claims();
  readonly refusals = new RefusalBook();
  readonly mappings = new Mappings();
  readonly groups = new References();
  readonly ports = new References();
  /** By pair of networks, and by network. */
  readonly peerings = new References();
  readonly peeringsOf = new References();
  readonly externalPeerings = new References();
  readonly consents = new References();
  readonly attachmentsByConnection = new References();
  readonly attachmentsByVpc = new References();
  readonly connectionsByDevice = new References();
  readonly externalsByConnection = new References();
  readonly policiesByVpc = new References();
  readonly policiesByLabels = new References();
  readonly slicesByVpc = new References();
  readonly bySpace = new References();
  readonly byProfile = new References();
  readonly byFabric = new References();
  readonly #placements = new Map<string, Placement>();
  readonly #subnetScopes = new Tally();
  readonly #vpcDevices = new Tally();
  readonly #deviceVpcs = new Tally();
  readonly #deviceGroups = new Tally();
  readonly #vpcs = new Map<string, Vpc | undefined>();
  readonly #externals = new Map<string, External | undefined>();
  readonly #devices = new Map<string, Device | undefined>();
  readonly #joins = new Map<string, readonly Pairing[]>();
  readonly #wirings = new Map<string, Wiring>();

  readonly vpc = (key: string): Vpc | undefined => remembered(this.#vpcs, key, () => vpcOf(key, this));

  external(key: string): External | undefined {
    return remembered(this.#externals, key, () => externalOf(key, this));
  }

  readonly device = (name: string): Device | undefined => remembered(this.#devices, name, () => deviceOf(name, this));

  /** Those asked for last are remembered: they are asked for several times in a row, and there are very many. */
  readonly wiring = (connection: string): Wiring | undefined => {
    const known = this.#wirings.get(connection);
    if (known !== undefined) return known;
    const wiring = wiringOf(connection, this);
    if (this.#wirings.size >= mostWirings) this.#wirings.clear();
    if (wiring !== undefined) this.#wirings.set(connection, wiring);
    return wiring;
  };

  placement(attachment: string): Placement | undefined {
    return this.#placements.get(attachment);
  }

  placements(): Iterable<Placement> {
    return this.#placements.values();
  }

  network(key: NetworkKey): Vpc | External | undefined {
    const slash = key.indexOf('/');
    return key.startsWith('VPC/') ? this.vpc(key.slice(slash + 1)) : this.external(key.slice(slash + 1));
  }

  /** What may pass between two networks, from the side of the first. */
  pairings(one: NetworkKey, other: NetworkKey): readonly Pairing[] {
    return remembered(this.#joins, `${one} ${other}`, () => pairingsBetween(one, other, this.#networks()));
  }

  /** Whether a peering joins two addresses of two networks. */
  mayPass(one: NetworkKey, source: Address, other: NetworkKey, destination: Address): boolean {
    const isIn = (prefixes: readonly Prefix[], address: Address): boolean => prefixes.some((prefix) => contains(prefix, address));
    return this.pairings(one, other).some(({ local, remote }) => isIn(local, source) && isIn(remote, destination));
  }

  /** Networks that a peering names together with this one, in force or not. */
  namedPeers(network: NetworkKey): ReadonlySet<NetworkKey> {
    const tenants = [...this.peeringsOf.of(network)].flatMap((key) => {
      const held = this.objects.get('VPCPeering', key);
      return held === undefined ? [] : networksOfPeering(held).flat();
    });
    const outside = [...this.externalPeerings.of(network)].flatMap((key) => {
      const held = this.objects.get('ExternalPeering', key);
      return held === undefined ? [] : [`VPC/${held.namespace}/${held.spec.vpc}`, `External/${held.spec.external}`];
    });
    return new Set([...tenants, ...outside].filter((other) => other !== network));
  }

  /** Scopes in which a subnet (`namespace/vpc/name`) has attachments. */
  scopesOfSubnet(subnet: string): Iterable<string> {
    return this.#subnetScopes.members(subnet);
  }

  isInScope(subnet: string, scope: string): boolean {
    return this.#subnetScopes.has(subnet, scope);
  }

  /** Devices where a network is present by itself: a VPC by attachments, an External by its own places. */
  devicesOf(network: NetworkKey): Iterable<string> {
    const key = network.slice(network.indexOf('/') + 1);
    return network.startsWith('VPC/') ? this.#vpcDevices.members(key) : this.bordersOf(key);
  }

  isPresent(network: NetworkKey, device: string): boolean {
    const key = network.slice(network.indexOf('/') + 1);
    return network.startsWith('VPC/') ? this.#vpcDevices.has(key, device) : this.bordersOf(key).has(device);
  }

  vpcsAt(device: string): Iterable<string> {
    return this.#deviceVpcs.members(device);
  }

  /** Scopes of groups that a device must hold. */
  groupsAt(device: string): Iterable<string> {
    return this.#deviceGroups.members(device);
  }

  isInGroup(device: string, scope: string): boolean {
    return this.#deviceGroups.has(device, scope);
  }

  places(external: string): readonly ExternalPlace[] {
    return placesOf(external, this);
  }

  /** Devices where an External is met. */
  bordersOf(external: string): ReadonlySet<string> {
    return this.external(external) === undefined ? new Set() : new Set(this.places(external).map(({ device }) => device));
  }

  /** The network whose L3VNI it is, if it is in force. */
  networkOfVni(vni: number): Vpc | External | undefined {
    const held = this.claims.holders('vni', vni)[0];
    const found = held?.purpose === 'l3' ? this.network(held.owner) : undefined;
    return found?.vni === vni ? found : undefined;
  }

  /** The VPC and the name of the subnet whose L2VNI it is, if both are in force. */
  subnetOfVni(vni: number): { readonly vpc: Vpc; readonly name: string } | undefined {
    const held = this.claims.holders('vni', vni)[0];
    const vpc = held?.purpose.startsWith('subnet/') === true && held.owner.startsWith('VPC/') ? this.vpc(held.owner.slice('VPC/'.length)) : undefined;
    const name = held?.purpose.slice('subnet/'.length) ?? '';
    return vpc?.subnets.get(name)?.vni === vni ? { vpc, name } : undefined;
  }

  /** Every unit that some object has a say in. */
  *units(): Generator<Unit> {
    for (const kind of specKinds) {
      for (const { key } of this.objects.all(kind)) {
        yield* unitsOf({ kind, key }, this);
        if (kind === 'VPC') for (const subnet of this.vpc(key)?.subnets.values() ?? []) yield* subnetUnits(subnet, this);
        if (kind === 'VPCPeering' || kind === 'ExternalPeering') for (const pair of pairsOf({ kind, key }, this)) yield* joinUnits(...pair, this.#vnisOf(pair), this);
      }
    }
  }

  /** Takes changes and tells what they reach, seen from what was and from what is. */
  observe(changes: readonly ObjectChange[], refusals: ReadonlyMap<string, readonly Refusal[]>, listener: Listener = nobody): void {
    const direct = this.#direct(changes, refusals);
    const before = this.#closure(direct);
    const vpcs = new Map(before.flatMap(({ kind, key }) => (kind === 'VPC' ? [[key, this.vpc(key)] as const] : [])));
    const joins = new Map<string, Join>();
    this.#noteJoins(before, joins);
    for (const subject of before) this.#tell(subject, listener);
    for (const subject of before) this.#forget(subject);
    for (const { ref, object } of changes) {
      if (ref.kind === 'Claim') this.claims.put(ref.name, object);
      else if (isSpecKind(ref.kind)) this.#put(ref.kind, keyOf(ref), object, listener);
    }
    for (const [key, said] of refusals) this.refusals.put(key, said);
    const after = this.#closure([...before, ...direct]);
    for (const subject of after) this.#forget(subject);
    for (const { pair } of joins.values()) this.#forgetPair(pair);
    const moved = new Set(after.flatMap(({ kind, key }) => (kind === 'VPCAttachment' ? [key] : [])));
    for (const { kind, key } of after) if (kind === 'VPC') this.#tellVpc(key, vpcs.get(key), moved, listener);
    for (const key of moved) this.#place(key, listener);
    for (const subject of after) this.#tell(subject, listener);
    this.#tellJoins(after, joins, listener);
    for (const { kind, key } of after) if (kind === 'MappingSlice' && refusals.has(`MappingSlice/${key}`)) listener.unit(`slice ${key}`);
  }

  #direct(changes: readonly ObjectChange[], refusals: ReadonlyMap<string, unknown>): Subject[] {
    const named = changes.flatMap(({ ref, object }): Subject[] => {
      if (isSpecKind(ref.kind)) return [{ kind: ref.kind, key: keyOf(ref) }];
      if (ref.kind !== 'Claim') return [];
      const owners = [this.claims.get(ref.name)?.owner, object === undefined ? undefined : claimedOf(object).owner];
      return owners.flatMap((owner) => (owner === undefined ? [] : subjectOf(owner)));
    });
    return [...named, ...[...refusals.keys()].flatMap(subjectOf)];
  }

  #closure(direct: readonly Subject[]): readonly Subject[] {
    const subjects = new Map<string, Subject>();
    const due = [...direct];
    for (let subject = due.pop(); subject !== undefined; subject = due.pop()) {
      const name = `${subject.kind}/${subject.key}`;
      if (subjects.has(name)) continue;
      subjects.set(name, subject);
      due.push(...dependants(subject, this));
    }
    return [...subjects.values()];
  }

  #tell(subject: Subject, listener: Listener): void {
    if (listener === nobody) return;
    for (const unit of unitsOf(subject, this)) listener.unit(unit);
  }

  #put(kind: SpecKind, key: string, object: Resource | undefined, listener: Listener): void {
    const before = this.objects.get(kind, key);
    const after = object === undefined ? undefined : heldOf(kind, object, before);
    this.objects.put(kind, key, after);
    for (const { references, keys } of indexed(kind, this)) references.replace(key, before === undefined ? [] : keys(before), after === undefined ? [] : keys(after));
    if (kind !== 'MappingSlice') return;
    const changed = this.mappings.put(key, this.objects.get('MappingSlice', key));
    for (const [vpc, addresses] of changed) {
      const vni = this.vpc(vpc)?.vni;
      if (vni !== undefined) for (const address of addresses) listener.unit(`mapping ${vni} ${address}`);
    }
  }

  /** Drops what was worked out of an object, or of what it refers to. */
  #forget(subject: Subject): void {
    const { kind, key } = subject;
    if (kind === 'VPC') this.#vpcs.delete(key);
    if (kind === 'External') this.#externals.delete(key);
    if (kind === 'Switch' || kind === 'Gateway') this.#devices.delete(key);
    if (kind === 'Connection') this.#wirings.delete(key);
    for (const pair of pairsOf(subject, this)) this.#forgetPair(pair);
  }

  #forgetPair([one, other]: Pair): void {
    this.#joins.delete(`${one} ${other}`);
    this.#joins.delete(`${other} ${one}`);
  }

  #vnisOf([one, other]: Pair): readonly [number | undefined, number | undefined] {
    return [this.network(one)?.vni, this.network(other)?.vni];
  }

  /** How two networks are joined before a change. */
  #noteJoins(subjects: readonly Subject[], joins: Map<string, Join>): void {
    for (const subject of subjects) {
      for (const pair of pairsOf(subject, this)) {
        const key = pairKey(...pair);
        if (!joins.has(key)) joins.set(key, { pair, text: this.#joinText(pair), vnis: this.#vnisOf(pair) });
      }
    }
  }

  #joinText(pair: Pair): string {
    return `${this.#vnisOf(pair).join()} ${JSON.stringify(this.pairings(...pair))}`;
  }

  #tellJoins(subjects: readonly Subject[], formerly: ReadonlyMap<string, Join>, listener: Listener): void {
    const pairs = new Map([...formerly].map(([key, { pair }]) => [key, pair]));
    for (const subject of subjects) for (const pair of pairsOf(subject, this)) if (!pairs.has(pairKey(...pair))) pairs.set(pairKey(...pair), pair);
    for (const [key, pair] of pairs) {
      const before = formerly.get(key);
      if (before?.text === this.#joinText(pair)) continue;
      for (const vnis of [before?.vnis, this.#vnisOf(pair)]) if (vnis !== undefined) for (const unit of joinUnits(...pair, vnis, this)) listener.unit(unit);
    }
  }

  /** What of a VPC is another: its subnets where they are, who is attached to them, and hosts that are mapped there. */
  #tellVpc(key: string, before: Vpc | undefined, moved: Set<string>, listener: Listener): void {
    const after = this.vpc(key);
    const changed = changedSubnets(before, after);
    if (changed.length === 0) return;
    const names = changed === 'all' ? [...new Set([...(before?.subnets.keys() ?? []), ...(after?.subnets.keys() ?? [])])] : changed;
    const subnets = names.flatMap((name) => [before, after].flatMap((vpc) => vpc?.subnets.get(name) ?? []));
    for (const subnet of subnets) for (const unit of subnetUnits(subnet, this)) listener.unit(unit);
    const within = new Set(names);
    for (const attachment of this.attachmentsByVpc.of(key)) {
      if (changed === 'all' || within.has(this.objects.get('VPCAttachment', attachment)?.spec.subnet ?? '')) moved.add(attachment);
    }
    const prefixes = subnets.map(({ prefix }) => prefix);
    for (const slice of this.slicesByVpc.of(key)) {
      const held = this.objects.get('MappingSlice', slice);
      if (held !== undefined && (changed === 'all' || isAbout(held, prefixes))) listener.unit(`slice ${slice}`);
    }
  }

  #place(key: string, listener: Listener): void {
    const before = this.#placements.get(key);
    const after = placementOf(key, this);
    if (before === undefined && after === undefined) return;
    if (before !== undefined && after !== undefined && JSON.stringify(before) === JSON.stringify(after)) return;
    if (before !== undefined) this.#count(before, -1);
    if (after !== undefined) this.#count(after, 1);
    if (after === undefined) this.#placements.delete(key);
    else this.#placements.set(key, after);
    listener.placed(before, after);
    for (const vpc of new Set([before?.vpc, after?.vpc])) if (vpc !== undefined) for (const unit of labelUnits(vpc, this)) listener.unit(unit);
  }

  #count({ subnet, vpc, scope, holders }: Placement, step: 1 | -1): void {
    this.#subnetScopes.add(subnet, scope, step);
    for (const device of holders) {
      this.#vpcDevices.add(vpc, device, step);
      this.#deviceVpcs.add(device, vpc, step);
      if (scope.startsWith('group/')) this.#deviceGroups.add(device, scope, step);
    }
  }

  #networks(): Networks {
    const { objects, refusals, peerings, externalPeerings, consents } = this;
    return { objects, refusals, peerings, externalPeerings, consents, vpc: (key) => this.vpc(key), external: (key) => this.external(key) };
  }
}

type Pair = readonly [NetworkKey, NetworkKey];

interface Join {
  readonly pair: Pair;
  readonly text: string;
  readonly vnis: readonly [number | undefined, number | undefined];
}

const mostWirings = 1024;

const remembered = <Value>(map: Map<string, Value>, key: string, make: () => Value): Value => {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
};

const subjectOf = (ref: string): Subject[] => {
  const slash = ref.indexOf('/');
  const kind = ref.slice(0, slash);
  return isSpecKind(kind) ? [{ kind, key: ref.slice(slash + 1) }] : [];
};
