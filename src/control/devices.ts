/** What the agents say of themselves: the part of a Switch's status that no compiler knows. */
import { rfc3339 } from './time.ts';
import type { DeviceHello, DeviceReport } from '../southbound/events.ts';

export interface DeviceState {
  connected: boolean;
  hello: DeviceHello | undefined;
  /** Time of the last coming or going, RFC 3339. */
  since: string;
  driftRepaired: number;
  /** Milliseconds since 1970 when two agents were last seen to take turns as this device. */
  contested: number | undefined;
  /** Scopes that the agent took since it connected: an answer about others may speak of versions of a former server. */
  readonly taken: Set<string>;
}

export interface Connected {
  /** The device lost what it had acknowledged to this server. */
  readonly lostState: boolean;
  readonly wasConnected: boolean;
  /** It says the same of itself as the last time. */
  readonly isSameAgent: boolean;
}

export class Devices {
  readonly #states = new Map<string, DeviceState>();
  #connected = 0;

  get(device: string): DeviceState | undefined {
    return this.#states.get(device);
  }

  get connected(): number {
    return this.#connected;
  }

  connect(device: string, hello: DeviceHello, now: number): Connected {
    const before = this.#states.get(device);
    const wasConnected = before?.connected === true;
    if (!wasConnected) this.#connected += 1;
    this.#states.set(device, {
      connected: true,
      hello,
      since: wasConnected ? before.since : rfc3339(now),
      driftRepaired: before?.driftRepaired ?? 0,
      contested: before?.contested,
      taken: new Set(),
    });
    const lostState = before?.hello !== undefined && before.hello.bootEpoch !== hello.bootEpoch;
    return { lostState, wasConnected, isSameAgent: before?.hello !== undefined && isSameAgent(before.hello, hello) };
  }

  /** Two agents take turns as this device. */
  contest(device: string, now: number): void {
    const state = this.#states.get(device);
    if (state !== undefined) state.contested = now;
  }

  disconnect(device: string, now: number): void {
    const state = this.#states.get(device);
    if (state?.connected !== true) return;
    state.connected = false;
    state.since = rfc3339(now);
    this.#connected -= 1;
  }

  /** Rows repaired since the last report; an agent that started anew counts from 0. */
  report(device: string, { driftRepaired }: DeviceReport): number {
    const state = this.#states.get(device);
    if (state === undefined) return 0;
    const more = driftRepaired < state.driftRepaired ? driftRepaired : driftRepaired - state.driftRepaired;
    state.driftRepaired = driftRepaired;
    return more;
  }
}

const isSameAgent = (before: DeviceHello, after: DeviceHello): boolean =>
  before.bootEpoch === after.bootEpoch &&
  before.agentVersion === after.agentVersion &&
  before.driver === after.driver &&
  before.capabilities.join() === after.capabilities.join();
