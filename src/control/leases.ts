/**
 * What devices tell of the addresses they gave by DHCP, as DHCPLease objects in the tenants' namespaces. A device tells whole
 * lists; only what is different is looked at and written: once when a lease is given or passes to another host, once when it
 * ends. A row that changes concerns the leases of its segment or of its address. Of a device that has not spoken since the
 * start the objects stay as they are.
 */
import type { ResourceClient } from '../api/client.ts';
import type { DhcpLeaseSpec } from '../api/kinds/dhcplease.ts';
import { apiVersion, refKey, refOf, type Resource } from '../api/object.ts';
import type { Lease, Observation } from '../goal/observation.ts';
import { deviceScope, type RowId } from '../goal/rows.ts';
import type { ChangedScope, GoalState } from '../goal/state.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { byText } from '../kit/order.ts';
import { parseSubdomain } from '../api/names.ts';
import { bitsOf } from '../net/address.ts';
import type { Address, Vni } from '../net/brand.ts';
import { mergeDiff } from './mergediff.ts';
import type { Watcher } from './watcher.ts';

export interface LeasesOptions {
  readonly client: ResourceClient;
  readonly goal: GoalState;
  readonly log: Logger;
  /** Does something in a while, unless the controller stops before. */
  readonly later: (milliseconds: number, action: () => void) => void;
}

/** They share a commit of the store, which costs as much as several of them. */
const mostInFlight = 64;
const retryMilliseconds = 2000;

/** A lease as a device tells it, and the key of the object that it is; none when the segment is nobody's. */
interface Known {
  readonly lease: Lease;
  key?: string;
}

/** What one device says of one lease. */
interface Told {
  readonly lease: Lease;
  readonly namespace: string;
  readonly name: string;
  readonly spec: DhcpLeaseSpec;
}

export class Leases implements Watcher {
  readonly #options: LeasesOptions;
  /** What each device told last, by segment, then by the text of the lease. */
  readonly #observed = new Map<string, Map<Vni, Map<string, Known>>>();
  /** Devices that told leases of a segment. */
  readonly #tellers = new Map<Vni, Set<string>>();
  /** By key of the object, then by device: two leaves of a group may both know the lease of one server. */
  readonly #wanted = new Map<string, Map<string, Told>>();
  /** Objects as they are, as far as was heard. */
  readonly #objects = new Map<string, Resource>();
  readonly #due = new Set<string>();
  readonly #inFlight = new Map<string, Promise<void>>();
  #devices: ReadonlySet<string> = new Set();
  #opened = false;
  #closed = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  observed(device: string, { leases }: Observation): void {
    if (leases === undefined) return;
    const isFirst = !this.#observed.has(device);
    const { came, went } = this.#replace(device, leases);
    if (!this.#opened) return;
    // What comes first: an address that passes to another host stays one object.
    for (const known of came) this.#understand(device, known);
    for (const known of went) this.#forget(device, known);
    // What was written before the start, and is no lease any more.
    if (isFirst) for (const [key, { spec }] of this.#objects) if ((spec as DhcpLeaseSpec).switch === device) this.#mark(key);
  }

  /** A DHCPLease as the store has it now. */
  heard(key: string, object: Resource | undefined): void {
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    if (this.#opened) this.#mark(key);
  }

  /** All objects were listed and the goal state is published: from now on what is told can be understood. */
  open(devices: ReadonlySet<string>): void {
    this.#opened = true;
    this.#devices = devices;
    for (const device of this.#observed.keys()) this.#reviewAll(device);
    for (const key of this.#objects.keys()) this.#mark(key);
  }

  /** These devices are declared now; leases of others are none any more. */
  declared(devices: ReadonlySet<string>): void {
    if (!this.#opened || devices === this.#devices) return;
    const gone = [...this.#observed.keys()].filter((device) => !devices.has(device));
    this.#devices = devices;
    for (const device of gone) {
      for (const known of this.#replace(device, []).went) this.#forget(device, known);
      this.#observed.delete(device);
    }
    for (const [key, { spec }] of this.#objects) if (!devices.has((spec as DhcpLeaseSpec).switch)) this.#mark(key);
  }

  /** The scope has another version: segments, reservations and servers may have come or gone. */
  scopeChanged({ scope, from }: ChangedScope): void {
    if (!this.#opened || this.#observed.size === 0) return;
    const rows = this.#options.goal.changedSince(scope, from);
    if (rows === undefined) {
      for (const device of this.#options.goal.devicesOf(scope)) this.#reviewAll(device);
      return;
    }
    for (const row of rows) this.#rowChanged(scope, row);
  }

  #rowChanged(scope: string, row: RowId): void {
    const [table, number = '', what] = row.split('/');
    if (table === 'member') return this.#reviewAll(scope.slice(deviceScope('').length));
    if (table !== 'segment' && table !== 'reservation' && table !== 'host') return;
    const segment = Number(number) as Vni;
    for (const device of this.#tellers.get(segment) ?? []) {
      for (const known of this.#observed.get(device)?.get(segment)?.values() ?? []) {
        if (what === undefined || known.lease.mac === what || known.lease.address === what) this.#understand(device, known);
      }
    }
  }

  /** Writes nothing more; waits for the writes that are under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#inFlight.values());
  }

  /** Keeps what the device tells now. */
  #replace(device: string, leases: readonly Lease[]): { readonly came: readonly Known[]; readonly went: readonly Known[] } {
    const before = this.#observed.get(device) ?? new Map<Vni, Map<string, Known>>();
    const after = new Map<Vni, Map<string, Known>>();
    const came: Known[] = [];
    for (const lease of leases) {
      const text = `${lease.mac} ${lease.address} ${lease.hostname}`;
      let segment = after.get(lease.segment);
      if (segment === undefined) after.set(lease.segment, (segment = new Map()));
      const known = before.get(lease.segment)?.get(text) ?? segment.get(text);
      const fresh: Known = { lease };
      if (known === undefined) came.push(fresh);
      segment.set(text, known ?? fresh);
    }
    const went = [...before].flatMap(([segment, leasesOf]) => [...leasesOf].filter(([text]) => after.get(segment)?.has(text) !== true));
    for (const segment of before.keys()) if (!after.has(segment)) this.#tellers.get(segment)?.delete(device);
    for (const segment of after.keys()) this.#tellers.set(segment, (this.#tellers.get(segment) ?? new Set()).add(device));
    this.#observed.set(device, after);
    return { came, went: went.map(([, known]) => known) };
  }

  #reviewAll(device: string): void {
    for (const leases of this.#observed.get(device)?.values() ?? []) for (const known of leases.values()) this.#understand(device, known);
  }

  #understand(device: string, known: Known): void {
    const told = this.#told(device, known.lease);
    if (told === undefined) return this.#forget(device, known);
    const key = refKey({ kind: 'DHCPLease', namespace: told.namespace, name: told.name });
    if (known.key !== undefined && known.key !== key) this.#forget(device, known);
    known.key = key;
    const devices = this.#wanted.get(key) ?? new Map<string, Told>();
    this.#wanted.set(key, devices.set(device, told));
    this.#mark(key);
  }

  #forget(device: string, known: Known): void {
    const { key } = known;
    if (key === undefined) return;
    delete known.key;
    const devices = this.#wanted.get(key);
    // Another host has the address by now.
    if (devices?.get(device)?.lease !== known.lease) return;
    devices.delete(device);
    if (devices.size === 0) this.#wanted.delete(key);
    this.#mark(key);
  }

  /** A lease of a segment that the device is to hold; others are on their way out. */
  #told(device: string, lease: Lease): Told | undefined {
    const { segment, mac, address, hostname } = lease;
    const { goal } = this.#options;
    const scopes = goal.subscriptions(device).map((scope) => goal.scope(scope).rows);
    const find = (id: RowId): unknown => scopes.find((rows) => rows.has(id))?.get(id)?.value;
    const [namespace = '', vpc = '', subnet = ''] = segmentOwner(find(`segment/${segment}`));
    if (subnet === '') return undefined;
    const reservation = find(`reservation/${segment}/${mac}`) as { readonly address: string } | undefined;
    const isReserved = find(`host/${segment}/${address}`) !== undefined || reservation?.address === address;
    const named = parseSubdomain(hostname.toLowerCase());
    const spec: DhcpLeaseSpec = {
      vpc,
      subnet,
      address,
      mac,
      ...(named.ok ? { hostname: named.value } : {}),
      switch: device,
      type: isReserved ? 'Reserved' : 'Dynamic',
    };
    return { lease, namespace, name: leaseName(vpc, subnet, address), spec };
  }

  #mark(key: string): void {
    this.#due.add(key);
    this.#pump();
  }

  #pump(): void {
    for (const key of this.#due) {
      if (this.#closed || this.#inFlight.size >= mostInFlight) return;
      if (this.#inFlight.has(key)) continue;
      this.#due.delete(key);
      const write = this.#write(key);
      if (write === undefined) continue;
      const watched = write
        .catch((thrown: unknown) => this.#failed(key, HeddleError.from(thrown)))
        .finally(() => {
          this.#inFlight.delete(key);
          this.#pump();
        });
      this.#inFlight.set(key, watched);
    }
  }

  /** Of several devices the one that the object names already, else the first by name. */
  #choose(key: string): Told | undefined {
    const devices = this.#wanted.get(key);
    if (devices === undefined) return undefined;
    const spec = this.#objects.get(key)?.spec as DhcpLeaseSpec | undefined;
    const known = spec === undefined ? undefined : devices.get(spec.switch);
    return known ?? devices.get([...devices.keys()].toSorted(byText)[0] ?? '');
  }

  #write(key: string): Promise<void> | undefined {
    const { client } = this.#options;
    const object = this.#objects.get(key);
    const told = this.#choose(key);
    if (told === undefined) {
      if (object === undefined || !this.#isOver(object)) return undefined;
      return client.delete(refOf(object)).then(() => void this.#objects.delete(key));
    }
    const { namespace, name, spec } = told;
    if (object === undefined) {
      const fresh = { apiVersion, kind: 'DHCPLease', metadata: { namespace, name }, spec };
      return client.create(fresh).then((created) => this.#know(key, created));
    }
    if (isSame(object.spec as DhcpLeaseSpec, spec)) return undefined;
    const { uid, resourceVersion } = object.metadata;
    const patch = { metadata: { uid, resourceVersion }, spec: mergeDiff(object.spec, spec) };
    return client.patch(refOf(object), patch).then((updated) => this.#know(key, updated));
  }

  /** Whether the device it is of has spoken without naming it, or is none any more. */
  #isOver({ spec }: Resource): boolean {
    const { switch: device } = spec as DhcpLeaseSpec;
    return this.#observed.has(device) || !this.#devices.has(device);
  }

  #know(key: string, object: Resource): void {
    this.#objects.set(key, object);
  }

  #failed(key: string, error: HeddleError): void {
    // The watch tells what is there, and with it the lease is looked at again.
    if (error.code === 'NotFound') this.#objects.delete(key);
    this.#options.log.debug({ lease: key, error: error.message }, 'lease not written, will try again');
    this.#options.later(retryMilliseconds, () => this.#mark(key));
  }
}

/** Namespace, VPC and subnet that a segment row says it is of. */
const segmentOwner = (value: unknown): readonly string[] => {
  const { description = '' } = (value ?? {}) as { readonly description?: string };
  return description.split('/');
};

const isSame = (left: DhcpLeaseSpec, right: DhcpLeaseSpec): boolean =>
  left.vpc === right.vpc && left.subnet === right.subnet && left.address === right.address && left.mac === right.mac &&
  left.hostname === right.hostname && left.switch === right.switch && left.type === right.type;

/** `<vpc>.<subnet>.<address>`, in which no two groups of an address are left out: that would not be a name. */
export const leaseName = (vpc: string, subnet: string, address: Address): string => {
  const { family, value } = bitsOf(address);
  const groups = family === 4 ? address.split('.') : (value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []);
  return `${vpc}.${subnet}.${groups.join('-')}`;
};
