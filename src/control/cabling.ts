/**
 * What devices hear at the other end of their cables (LLDP), against what Connections say. An error of cabling is a condition
 * of the Connection, `Cabled`, with both what was declared and what is there; nothing is programmed otherwise because of it.
 * A wrong neighbour is told at once, a missing one only when it has been missing for a while: a neighbour that is restarted,
 * or a port that was just put into service, is no news. A server that was never heard may simply not speak LLDP.
 */
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import { refKey, type Condition, type ObjectRef, type Resource } from '../api/object.ts';
import { parsePortRef } from '../api/port.ts';
import type { LinkNeighbour, Observation } from '../goal/observation.ts';
import { deviceScope, isGroupScope, rowId, type PortRow } from '../goal/rows.ts';
import type { GoalState } from '../goal/state.ts';
import type { Clock } from '../kit/clock.ts';
import type { Statement } from './conditions.ts';
import type { Watcher } from './watcher.ts';

export interface CablingOptions {
  readonly goal: GoalState;
  readonly clock: Clock;
  /** Objects that a row comes from. */
  readonly explain: (scope: string, row: string) => readonly ObjectRef[];
  /** What kind of device has a name; undefined when none is declared. */
  readonly kindOf: (device: string) => string | undefined;
  /** Whether the links of a bundle all work at the same time on a device. */
  readonly bundles: (device: string) => boolean;
  /** The status of this object may be another one. */
  readonly mark: (key: string) => void;
  readonly later: (milliseconds: number, action: () => void) => void;
  /** How long a neighbour is missing before it is told. Default 10,000. */
  readonly missingMilliseconds?: number;
}

/** What one end of a cable hears. */
type Hearing =
  /** Nobody asked it, or it cannot hear anything now. */
  | { readonly state: 'unknown' }
  | { readonly state: 'right' }
  | Fault;

interface Fault {
  readonly state: 'missing' | 'wrong' | 'stranger';
  readonly message: string;
}

interface End {
  /** `<device>/<port>`, as the Connection says. */
  readonly text: string;
  readonly device: string;
  readonly port: string;
}

interface Port {
  readonly key: string;
  readonly row: PortRow;
}

const unknown: Hearing = { state: 'unknown' };
const longestMessage = 1024;

export class Cabling implements Watcher {
  readonly #options: CablingOptions;
  /** By device and neutral name of its port; of devices that have told. */
  readonly #heard = new Map<string, ReadonlyMap<string, LinkNeighbour>>();
  /** By `<device>/<port>`: since when nobody is heard there, monotonic milliseconds. */
  readonly #missing = new Map<string, number>();
  /** `<device>/<port>` where a server was heard since the start: it speaks LLDP, so that its silence means something. */
  readonly #speaking = new Set<string>();

  constructor(options: CablingOptions) {
    this.#options = options;
  }

  observed(device: string, { neighbours }: Observation): void {
    if (neighbours === undefined) return;
    const before = this.#heard.get(device);
    const after = new Map(neighbours.map((neighbour) => [neighbour.port, neighbour]));
    this.#heard.set(device, after);
    for (const port of this.#changed(device, before, after)) {
      if (after.has(port)) this.#missing.delete(`${device}/${port}`);
      this.#markCable(device, port);
    }
  }

  /** A Connection is gone: when one is made again at these ports, nothing has been missing there yet. */
  forgetCables({ spec }: Resource): void {
    for (const { device, port } of (spec as ConnectionSpec).links.flatMap(({ ends }) => ends.flatMap(endOf))) {
      for (const key of [port, `${port}/1`, port.replace(/\/1$/, '')]) this.#missing.delete(`${device}/${key}`);
    }
  }

  /** The device is no longer declared. */
  forget(device: string): void {
    this.#heard.delete(device);
    for (const ports of [this.#missing, this.#speaking]) for (const port of ports.keys()) if (port.startsWith(`${device}/`)) ports.delete(port);
  }

  /** `Cabled` of a Connection, or nothing while none of its ends has ever been asked. */
  condition({ spec }: Resource, before: readonly Condition[]): readonly Statement[] {
    const former = before.find(({ type }) => type === 'Cabled');
    const { links } = spec as ConnectionSpec;
    // What is outside is not ours to name.
    if (links.some(({ ends }) => ends.flatMap(endOf).some(({ device }) => this.#options.kindOf(device) === 'External'))) return [];
    const cables = links.map(({ ends }) => this.#cable(ends.flatMap(endOf), former));
    const hearings = cables.flat();
    const faults = hearings.filter(isFault).toSorted((one, other) => severity.indexOf(one.state) - severity.indexOf(other.state));
    const [first] = faults;
    if (first !== undefined) return [said('False', reasons[first.state], faults.map(({ message }) => message).join('; '))];
    const sure = cables.filter((hearings) => hearings.some(({ state }) => state === 'right')).length;
    if (sure === cables.length) return [said('True', 'Cabled', sure === 1 ? 'the cable is where it is declared' : `all ${sure} cables are where they are declared`)];
    if (links.some(({ ends }) => ends.flatMap(endOf).some(({ device }) => this.#heard.has(device)))) {
      // A port that is taken out of service hears nothing more, which is no news about the cable.
      const isLost = former?.status === 'True' || former?.message === heardBefore;
      if (isLost && sure === 0) return [said('Unknown', 'NotHeard', heardBefore)];
      return [said('Unknown', 'NotHeard', `${sure} of ${cables.length} cables were heard so far`)];
    }
    return former === undefined ? [] : [said(former.status, former.reason, former.message)];
  }

  /** What the ends of one cable hear; a server or an outside network is not asked. */
  #cable([one, other]: readonly End[], former: Condition | undefined): readonly Hearing[] {
    if (one === undefined || other === undefined) return [];
    return [this.#hearing(one, other, former), this.#hearing(other, one, former)];
  }

  #hearing(own: End, other: End, former: Condition | undefined): Hearing {
    const heard = this.#heard.get(own.device);
    const port = heard === undefined ? undefined : this.#portOf(own);
    if (heard === undefined || port === undefined) return unknown;
    const neighbour = heard.get(port.key);
    if (neighbour === undefined) return this.#silence(own, other, port, former);
    this.#missing.delete(`${own.device}/${port.key}`);
    if (isNamed(neighbour.system, other.device) && this.#isPort(other, neighbour.remotePort)) {
      if (port.row.role === 'server') this.#speaking.add(`${own.device}/${port.key}`);
      return { state: 'right' };
    }
    const declared = `"${own.text}" is declared to lead to "${other.text}"`;
    const there = nameOf(neighbour.system, (name) => this.#options.kindOf(name) !== undefined);
    if (there === undefined) return { state: 'stranger', message: `${declared}, but leads to "${neighbour.remotePort}" of "${neighbour.system}", which is not declared` };
    return { state: 'wrong', message: `${declared}, but leads to "${there}/${this.#neutral(there, neighbour.remotePort)}"` };
  }

  #silence(own: End, other: End, port: Port, former: Condition | undefined): Hearing {
    const place = `${own.device}/${port.key}`;
    const wasHeard = this.#speaking.has(place) || former?.status === 'True' || former?.reason === reasons.missing;
    if ((port.row.role === 'server' && !wasHeard) || !this.#isInService(own.device, port) || this.#isStandby(own.device, port)) return unknown;
    const { clock, later, mark, missingMilliseconds = 10_000 } = this.#options;
    const since = this.#missing.get(place);
    if (since === undefined) {
      this.#missing.set(place, clock.monotonic());
      later(missingMilliseconds, () => this.#markCable(own.device, port.key, mark));
    }
    // Until then it is as it was: what was right is not unknown for a moment.
    if (since === undefined || clock.monotonic() - since < missingMilliseconds) {
      return former?.status === 'True' ? { state: 'right' } : former?.reason === reasons.missing ? missing(own, other) : unknown;
    }
    return missing(own, other);
  }

  *#changed(device: string, before: ReadonlyMap<string, LinkNeighbour> | undefined, after: ReadonlyMap<string, LinkNeighbour>): Generator<string> {
    if (before === undefined) {
      for (const { table, key } of this.#options.goal.scope(deviceScope(device)).rows.values()) if (table === 'port') yield key;
      return;
    }
    for (const [port, { system, remotePort }] of after) {
      const former = before.get(port);
      if (former?.system !== system || former.remotePort !== remotePort) yield port;
    }
    for (const port of before.keys()) if (!after.has(port)) yield port;
  }

  #markCable(device: string, port: string, mark = this.#options.mark): void {
    for (const ref of this.#options.explain(deviceScope(device), rowId({ table: 'port', key: port }))) {
      if (ref.kind === 'Connection') mark(refKey(ref));
    }
  }

  /** As rows call it: a Connection may call lane 1 by the name of the port, and the other way round. */
  #portOf({ device, port }: End): Port | undefined {
    const { rows } = this.#options.goal.scope(deviceScope(device));
    for (const key of [port, `${port}/1`, port.replace(/\/1$/, '')]) {
      const row = rows.get(rowId({ table: 'port', key }));
      if (row?.table === 'port') return { key, row: row.value };
    }
    return undefined;
  }

  /** Devices of ours tell the name of the interface; it may as well be the neutral one. */
  #isPort(end: End, told: string): boolean {
    if (told === end.port) return true;
    const port = this.#portOf(end);
    return port !== undefined && (told === port.row.interface || told === port.key);
  }

  #neutral(device: string, told: string): string {
    for (const row of this.#options.goal.scope(deviceScope(device)).rows.values()) {
      if (row.table === 'port' && row.value.interface === told) return row.key;
    }
    return told;
  }

  /** A server port works only when something is attached to it. */
  #isInService(device: string, { key, row }: Port): boolean {
    if (row.role !== 'server') return true;
    const name = row.bundle ?? key;
    return this.#options.goal.subscriptions(device).some((scope) => {
      if (scope !== deviceScope(device) && !isGroupScope(scope)) return false;
      const { rows } = this.#options.goal.scope(scope);
      if (rows.has(rowId({ table: 'attachment', key: name }))) return true;
      for (const each of rows.values()) if (each.table === 'attachment' && each.value.port === name) return true;
      return false;
    });
  }

  #isStandby(device: string, { row }: Port): boolean {
    return row.bundle !== undefined && !this.#options.bundles(device);
  }
}

const reasons = { wrong: 'WrongPort', stranger: 'UnknownNeighbour', missing: 'Missing' } as const;

/** Also tells the next look that the cable was heard once. */
const heardBefore = 'nothing is heard over the cable now';

const severity: readonly Fault['state'][] = ['wrong', 'stranger', 'missing'];

const isFault = (hearing: Hearing): hearing is Fault => hearing.state !== 'unknown' && hearing.state !== 'right';

const missing = (own: End, other: End): Hearing => ({
  state: 'missing',
  message: `"${own.text}" is declared to lead to "${other.text}", but nothing is heard there; is the cable in?`,
});

const said = (status: Statement['status'], reason: string, message: string): Statement => ({
  type: 'Cabled',
  status,
  reason,
  message: message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`,
});

const endOf = (text: string): End[] => {
  const ref = parsePortRef(text);
  return ref.ok ? [{ text, ...ref.value }] : [];
};

/** Devices may tell their name with a domain. */
const isNamed = (told: string, device: string): boolean => told === device || told.startsWith(`${device}.`);

const nameOf = (told: string, isDeclared: (name: string) => boolean): string | undefined =>
  [told, told.split('.')[0] ?? ''].find((name) => name !== '' && isDeclared(name));
