/**
 * Sees every row that a device comes to hold and every word of the API about it, and says what was wrong:
 * a device held a row of a VPC that it was no part of; one VNI meant two things at once on devices of the fabric; an object was
 * called programmed although a device never held it.
 */
import { refKey, refOf, type Condition, type Resource } from '../api/object.ts';
import type { RowId } from '../goal/rows.ts';
import type { Fabric } from './intent.ts';
import { markOf, membership, vpcKey, vpcsOfPeering } from './oracle.ts';
import { isClean, isSound, sameSpec, wishOf } from './soundness.ts';

type Value = { readonly [name: string]: unknown };

interface Interval {
  readonly from: number;
  until: number;
}

interface Revision {
  /** From when on the API may have accepted it. */
  readonly issued: number;
  readonly objects: ReadonlyMap<string, Resource>;
}

interface Claim {
  readonly object: Resource;
  readonly from: number;
  readonly seen: number;
}

/** A status reaches the witness a little later than it was written. */
const slackMilliseconds = 300;

export class Witness {
  readonly faults: string[] = [];
  readonly #fabric: Fabric;
  readonly #now: () => number;
  #parts = new Set<string>();
  #ports = new Set<string>();
  #peers = new Set<string>();
  #revisions: Revision[] = [];
  readonly #rows = new Map<string, Map<RowId, Value>>();
  /** Devices that are declared: what others hold has lost its meaning. */
  readonly #inside: Set<string>;
  /** By VNI and meaning, the devices that hold it. */
  readonly #meanings = new Map<unknown, Map<string, Set<string>>>();
  readonly #held = new Map<string, Interval[]>();
  /** By device and row: the intervals that are open because of it. */
  readonly #open = new Map<string, readonly Interval[]>();
  #claims: Claim[] = [];
  /** By uid: when the object was last seen not to be programmed. */
  readonly #unprogrammed = new Map<string, number>();
  /** By uid and generation: when it was asked for. */
  readonly #asked = new Map<string, number>();
  #judged = 0;

  constructor(fabric: Fabric, now: () => number) {
    this.#fabric = fabric;
    this.#now = now;
    this.#inside = new Set(fabric.devices);
    this.intend(fabric.objects);
  }

  /** Claims that were compared with what devices held. */
  get judged(): number {
    return this.#judged;
  }

  /** The API is about to be asked for this; call before. */
  intend(objects: readonly Resource[]): void {
    const { parts, ports, peers } = membership(objects, this.#fabric);
    for (const part of parts) this.#parts.add(part);
    for (const port of ports) this.#ports.add(port);
    for (const peer of peers) this.#peers.add(peer);
    const switches = new Set(objects.filter(({ kind }) => kind === 'Switch').map(({ metadata }) => metadata.name));
    for (const device of this.#fabric.devices) this.#declare(device, switches.has(device));
    this.#revisions.push({ issued: this.#now(), objects: new Map(objects.map((each) => [refKey(refOf(each)), each])) });
  }

  /** The API accepted what was intended last, and answered this. */
  accepted(object: Resource): void {
    const latest = this.#revisions.at(-1);
    if (latest !== undefined) this.#asked.set(identityOf(object), latest.issued);
  }

  /**
   * Everything is right: what devices were part of before does not count any more. Only a device that is not declared keeps its
   * VRFs, without a port in them, until it is declared again.
   */
  renew(objects: readonly Resource[]): void {
    const outside = this.#fabric.devices.filter((device) => !this.#inside.has(device));
    const kept = [...this.#parts].filter((part) => outside.some((device) => part.startsWith(`${device} `)));
    this.#parts = new Set(kept);
    this.#ports = new Set();
    if (outside.length === 0) this.#peers = new Set();
    this.#revisions = [];
    for (const [key, intervals] of this.#held) {
      this.#held.set(key, intervals.filter(({ until }) => until === Number.POSITIVE_INFINITY));
    }
    this.intend(objects);
    this.#meanings.clear();
    for (const device of this.#inside) for (const value of this.#rows.get(device)?.values() ?? []) this.#mean(device, value, true);
  }

  /** To be given to the simulated devices. */
  readonly onRow = (device: string, row: RowId, after: string | undefined): void => {
    const rows = this.#rows.get(device) ?? new Map<RowId, Value>();
    this.#rows.set(device, rows);
    const before = rows.get(row);
    if (before !== undefined) this.#end(device, row, before);
    if (after === undefined) {
      rows.delete(row);
      return;
    }
    const value = JSON.parse(after) as Value;
    rows.set(row, value);
    this.#begin(device, row, value, rows);
  };

  /** An object as the API has it now. */
  readonly onObject = (object: Resource): void => {
    const programmed = conditionOf(object, 'Programmed');
    const seen = this.#now();
    const uid = object.metadata.uid ?? '';
    if (programmed?.status !== 'True' || programmed.observedGeneration !== object.metadata.generation) {
      this.#unprogrammed.set(uid, seen);
      return;
    }
    this.#claims.push({ object, from: (this.#unprogrammed.get(uid) ?? 0) - slackMilliseconds, seen });
  };

  /** Compares what was claimed with what was; call when every change was answered. */
  judge(): void {
    const claims = this.#claims;
    this.#claims = [];
    for (const claim of claims) {
      const asked = this.#asked.get(identityOf(claim.object));
      if (asked !== undefined) this.#judge({ ...claim, from: Math.max(asked, claim.from) });
    }
  }

  #judge({ object, from, seen }: Claim): void {
    const first = this.#revisions.findLastIndex(({ issued }) => issued <= from);
    const revisions = this.#revisions.slice(Math.max(0, first)).flatMap(({ issued, objects }) => (issued <= seen ? [objects] : []));
    if (revisions.length === 0) return;
    const before = this.faults.length;
    for (const [key, what] of this.#expected(object, revisions)) {
      this.#judged += 1;
      const held = this.#held.get(key)?.some((interval) => interval.from <= seen && interval.until >= from);
      const name = `${refKey(refOf(object))} generation ${object.metadata.generation}`;
      if (held !== true) this.faults.push(`${name} was called programmed, but ${what}`);
    }
    if (this.faults.length > before) this.faults.push(`  (asked for at ${from.toFixed(0)}, said at ${seen.toFixed(0)})`);
  }

  /** What devices must have held for the object to be programmed, with the words for when they did not. */
  #expected(object: Resource, revisions: readonly ReadonlyMap<string, Resource>[]): (readonly [string, string])[] {
    const always = (each: Resource): boolean => revisions.every((objects) => sameSpec(objects.get(refKey(refOf(each))), each));
    if (!always(object)) return [];
    const isAlwaysSound = (each: Resource): boolean => revisions.every((objects) => isSound(each, objects, this.#fabric));
    const latest = [...(revisions.at(-1)?.values() ?? [])];
    const attachments = latest.filter((each) => each.kind === 'VPCAttachment' && always(each) && isAlwaysSound(each));
    if (object.kind === 'VPCAttachment') {
      return attachments.filter((each) => each.metadata.name === object.metadata.name).map((each) => this.#attached(each));
    }
    if (object.kind === 'VPC') {
      const inside = attachments.filter((each) => wishOf(each).vpc === object.metadata.name);
      return inside.map((each) => this.#marked(each, markOf(object)));
    }
    if (object.kind !== 'VPCPeering') return [];
    const [left, right] = vpcsOfPeering(object);
    if (![left, right].every((name) => revisions.every((objects) => isClean(name, objects)))) return [];
    const inside = attachments.filter((each) => [left, right].includes(wishOf(each).vpc));
    return [...inside.map((each) => this.#leaked(each, left, right)), ...inside.map((each) => this.#leaked(each, right, left))];
  }

  #attached(attachment: Resource): readonly [string, string] {
    const { leaf, port, subnet } = this.#placeOf(attachment);
    return [`${leaf}/${port} in ${subnet}`, `${leaf} never had port ${port} in ${subnet}`];
  }

  #marked(attachment: Resource, mark: string): readonly [string, string] {
    const { leaf, subnet } = this.#placeOf(attachment);
    return [`${leaf} ${subnet} ${mark}`, `${leaf} never had ${subnet} with ${mark}`];
  }

  #leaked(attachment: Resource, from: string, to: string): readonly [string, string] {
    const { leaf } = this.#placeOf(attachment);
    return [`${leaf} leak ${vpcKey(from)} ${vpcKey(to)}`, `${leaf} never had the leak from ${from} to ${to}`];
  }

  #placeOf(attachment: Resource): { readonly leaf: string; readonly port: string; readonly subnet: string } {
    const { vpc, subnet, connection } = wishOf(attachment);
    const { leaf = '', port = '' } = this.#fabric.ports.get(connection) ?? {};
    return { leaf, port, subnet: `${vpcKey(vpc)}/${subnet}` };
  }

  #declare(device: string, isDeclared: boolean): void {
    if (isDeclared === this.#inside.has(device)) return;
    if (isDeclared) {
      this.#inside.add(device);
      return;
    }
    this.#inside.delete(device);
    for (const meanings of this.#meanings.values()) for (const devices of meanings.values()) devices.delete(device);
  }

  #begin(device: string, row: RowId, value: Value, rows: ReadonlyMap<RowId, Value>): void {
    if (this.#inside.has(device)) this.#mean(device, value, true);
    const opened = keysOf(device, row, value, rows).map((key) => {
      const interval = { from: this.#now(), until: Number.POSITIVE_INFINITY };
      this.#held.set(key, [...(this.#held.get(key) ?? []), interval]);
      return interval;
    });
    if (opened.length > 0) this.#open.set(`${device} ${row}`, opened);
    this.#checkMember(device, row, value, rows);
  }

  #end(device: string, row: RowId, value: Value): void {
    this.#mean(device, value, false);
    for (const interval of this.#open.get(`${device} ${row}`) ?? []) interval.until = this.#now();
    this.#open.delete(`${device} ${row}`);
  }

  #checkMember(device: string, row: RowId, value: Value, rows: ReadonlyMap<RowId, Value>): void {
    const table = tableOf(row);
    const description = String(value['description']);
    if (table === 'vrf') {
      this.#part(device, row, description);
      this.#joinLeaks(device, value, rows);
    }
    if (table === 'segment') {
      this.#part(device, row, description.split('/').slice(0, 2).join('/'));
      const inside = [...rows].filter(([other, held]) => isOfPort(other) && held['segment'] === value['vni']);
      for (const [other, held] of inside) this.#port(device, other, held, description);
    }
    if (isOfPort(row)) {
      const segment = rows.get(`segment/${value['segment']}`);
      if (segment !== undefined) this.#port(device, row, value, String(segment['description']));
    }
    if (table !== 'leak') return;
    const [vrf, peer] = [rows.get(`vrf/${value['vrf']}`), rows.get(`vrf/${value['peerVrf']}`)];
    const pair = `${vrf?.['description']} ${peer?.['description']}`;
    if (vrf === undefined || peer === undefined || this.#peers.has(pair)) return;
    this.#say(`${device} held ${row}, which joins ${pair}, and nobody ever peered them`);
  }

  /** A leak takes effect, and means something, only once both its VRFs are there. */
  #joinLeaks(device: string, { name }: Value, rows: ReadonlyMap<RowId, Value>): void {
    for (const [row, value] of rows) {
      if (tableOf(row) !== 'leak' || (value['vrf'] !== name && value['peerVrf'] !== name)) continue;
      this.#end(device, row, value);
      this.#begin(device, row, value, rows);
    }
  }

  #part(device: string, row: RowId, vpc: string): void {
    if (!this.#parts.has(`${device} ${vpc}`)) this.#say(`${device} held ${row} of VPC ${vpc}, which it was no part of`);
  }

  #port(device: string, row: RowId, { port }: Value, subnet: string): void {
    if (this.#ports.has(`${device}/${port} ${subnet}`)) return;
    this.#say(`${device} held ${row}: port ${port} in ${subnet}, which nobody ever attached there`);
  }

  /** Keeps what a VNI means on which device. */
  #mean(device: string, value: Value, holds: boolean): void {
    const { vni, description } = value;
    if (typeof vni !== 'number' || typeof description !== 'string') return;
    const meanings = this.#meanings.get(vni) ?? new Map<string, Set<string>>();
    this.#meanings.set(vni, meanings);
    const devices = meanings.get(description) ?? new Set<string>();
    meanings.set(description, devices);
    if (!holds) {
      devices.delete(device);
      return;
    }
    devices.add(device);
    const others = [...meanings].filter(([other, holders]) => other !== description && holders.size > 0);
    for (const [other, holders] of others) {
      this.#say(`VNI ${vni} is ${description} on ${device} and at the same time ${other} on ${[...holders].join(', ')}`);
    }
  }

  #say(fault: string): void {
    this.faults.push(`${fault} (at ${this.#now().toFixed(0)})`);
  }
}

const isOfPort = (row: RowId): boolean => row.startsWith('attachment/') || row.startsWith('host/');

const tableOf = (row: RowId): string => row.slice(0, row.indexOf('/'));

/** What holding the row amounts to, in the words that claims are judged by. */
const keysOf = (device: string, row: RowId, value: Value, rows: ReadonlyMap<RowId, Value>): string[] => {
  const table = tableOf(row);
  const description = (id: string): string => String(rows.get(id)?.['description']);
  if (table === 'segment') {
    const { dhcp } = value as { dhcp?: { dnsServers?: readonly string[] } };
    return [`${device} ${value['description']} ${dhcp?.dnsServers?.[0] ?? ''}`];
  }
  if (table === 'attachment') return [`${device}/${value['port']} in ${description(`segment/${value['segment']}`)}`];
  if (table === 'leak') return [`${device} leak ${description(`vrf/${value['vrf']}`)} ${description(`vrf/${value['peerVrf']}`)}`];
  return [];
};

const identityOf = ({ metadata }: Resource): string => `${metadata.uid} ${metadata.generation}`;

export const conditionOf = (object: Resource, type: string): Condition | undefined =>
  (object.status as { conditions?: Condition[] } | undefined)?.conditions?.find((condition) => condition.type === type);
