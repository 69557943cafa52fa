/**
 * What devices tell of their sessions with each other: how many of them are established is in the status of the Switch or
 * Gateway, condition `Underlay` names those that are not, and an event tells when one falls and when it is back. A session that
 * is there again within a moment is no news. A device that does not tell, such as one of an older version, has no such condition.
 */
import type { Condition } from '../api/object.ts';
import type { Observation } from '../goal/observation.ts';
import { deviceScope, rowId } from '../goal/rows.ts';
import type { GoalState } from '../goal/state.ts';
import { addMember, removeMember } from '../kit/maps.ts';
import { byText } from '../kit/order.ts';
import type { Statement } from './conditions.ts';
import type { Happening } from './events.ts';
import type { Watcher } from './watcher.ts';

export interface UnderlayOptions {
  readonly goal: Pick<GoalState, 'scope'>;
  /** The status of the device may be another one. */
  readonly mark: (device: string) => void;
  readonly record: (device: string, happening: Happening) => void;
  /** Sessions of the device are not as they were, whatever becomes of it. */
  readonly onChange: (device: string) => void;
  readonly later: (milliseconds: number, action: () => void) => void;
  /** How long a session is as it is before it is told. Default 1,000. */
  readonly settleMilliseconds?: number;
}

/** Whether the session over a port is established. */
type Ports = ReadonlyMap<string, boolean>;

const shownSessions = 5;
const noPorts: Ports = new Map();

export class Underlay implements Watcher {
  readonly #options: UnderlayOptions;
  readonly #heard = new Map<string, Ports>();
  /** As it was told to people. */
  readonly #told = new Map<string, Ports>();
  /** By device: sessions whose fall was told, by name. */
  readonly #fallen = new Map<string, Set<string>>();
  readonly #settling = new Set<string>();

  constructor(options: UnderlayOptions) {
    this.#options = options;
  }

  observed(device: string, { underlay }: Observation): void {
    if (underlay === undefined) return;
    const before = this.#heard.get(device);
    const after = new Map(underlay.map(({ port, established }) => [port, established]));
    if (before !== undefined && isSame(before, after)) return;
    this.#heard.set(device, after);
    this.#options.onChange(device);
    if (this.#settling.has(device)) return;
    this.#settling.add(device);
    this.#options.later(this.#options.settleMilliseconds ?? 1000, () => this.#settle(device));
  }

  /** The device is no longer declared. */
  forget(device: string): void {
    for (const known of [this.#heard, this.#told, this.#fallen]) known.delete(device);
  }

  /** Sessions of the device that it is to have, by their names for people; undefined: it does not tell. */
  sessions(device: string): ReadonlyMap<string, boolean> | undefined {
    return this.#named(device, this.#heard.get(device));
  }

  /** `<established>/<all>`; undefined: it does not tell, or has none. */
  figure(device: string): string | undefined {
    const sessions = this.#named(device, this.#told.get(device));
    if (sessions === undefined || sessions.size === 0) return undefined;
    return `${[...sessions.values()].filter(Boolean).length}/${sessions.size}`;
  }

  /** `Underlay`, or nothing when the device never told. */
  condition(device: string, isConnected: boolean, before: readonly Condition[]): readonly Statement[] {
    const sessions = this.#named(device, this.#told.get(device));
    const isKnown = before.some(({ type }) => type === 'Underlay');
    if (sessions === undefined || !isConnected) return sessions === undefined && !isKnown ? [] : [unknown(isConnected)];
    const down = [...sessions].filter(([, established]) => !established).map(([name]) => name);
    if (down.length > 0) return [fallen(down, sessions.size)];
    if (sessions.size === 0) return isKnown ? [{ type: 'Underlay', status: 'True', reason: 'NoSessions', message: 'it has no sessions with other devices' }] : [];
    const message = sessions.size === 1 ? 'the session is established' : `all ${sessions.size} sessions are established`;
    return [{ type: 'Underlay', status: 'True', reason: 'Established', message }];
  }

  #settle(device: string): void {
    this.#settling.delete(device);
    const heard = this.#heard.get(device);
    if (heard === undefined) return;
    const before = this.#told.get(device) ?? noPorts;
    if (this.#told.has(device) && isSame(before, heard)) return;
    this.#told.set(device, heard);
    const sessions = this.#named(device, heard) ?? noPorts;
    for (const [name, wasUp] of this.#named(device, before) ?? noPorts) {
      const isUp = sessions.get(name);
      if (isUp !== undefined && isUp !== wasUp) this.#turned(device, name, isUp);
    }
    this.#options.mark(device);
  }

  /** That one comes up the first time is no news. */
  #turned(device: string, name: string, isUp: boolean): void {
    if (!isUp) {
      addMember(this.#fallen, device, name);
      this.#options.record(device, isGone(name));
    } else if (this.#fallen.get(device)?.has(name) === true) {
      removeMember(this.#fallen, device, name);
      this.#options.record(device, isBack(name));
    }
  }

  /** Those of goal state, in the order of their ports. */
  #named(device: string, ports: Ports | undefined): ReadonlyMap<string, boolean> | undefined {
    if (ports === undefined) return undefined;
    const { rows } = this.#options.goal.scope(deviceScope(device));
    return new Map([...ports].toSorted(([one], [other]) => byText(one, other)).flatMap(([port, established]) => {
      if (rows.get(rowId({ table: 'bgpPeer', key: port })) === undefined) return [];
      const cable = rows.get(rowId({ table: 'port', key: port }));
      const peer = cable?.table === 'port' && cable.value.peer !== '' ? ` (${cable.value.peer})` : '';
      return [[`${port}${peer}`, established] as const];
    }));
  }
}

const isSame = (one: Ports, other: Ports): boolean => one.size === other.size && [...one].every(([port, established]) => other.get(port) === established);

const isGone = (name: string): Happening => ({ type: 'Warning', reason: 'SessionDown', message: `the BGP session over ${name} is down` });
const isBack = (name: string): Happening => ({ type: 'Normal', reason: 'SessionUp', message: `the BGP session over ${name} is established` });

const unknown = (isConnected: boolean): Statement => ({
  type: 'Underlay',
  status: 'Unknown',
  reason: isConnected ? 'NotHeard' : 'NotConnected',
  message: isConnected ? 'nothing was heard yet of its sessions' : 'nothing is heard of its sessions while no agent is connected',
});

const fallen = (down: readonly string[], all: number): Statement => {
  const more = down.length > shownSessions ? ` and ${down.length - shownSessions} more` : '';
  return { type: 'Underlay', status: 'False', reason: 'SessionDown', message: `${down.length} of ${all} sessions down: ${down.slice(0, shownSessions).join(', ')}${more}` };
};
