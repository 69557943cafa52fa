/**
 * Asks bgpd now and then how the sessions with routers outside are. No row depends on it, so it is no part of a plan. A daemon
 * that does not answer says nothing about them: what was told stays until it does.
 */
import { parseAddress } from '../../net/address.ts';
import { sessionStates } from '../../goal/observation.ts';
import type { GoalTables, Session } from '../driver.ts';
import { VtyConnection } from './frr/vty.ts';

export interface SessionWatchOptions {
  /** Directory with the sockets of the FRR daemons. */
  readonly directory: string;
  /** Default 2,000. */
  readonly pollMilliseconds?: number;
}

const command = 'show bgp vrf all summary json';
const patienceMilliseconds = 5000;

export class SessionWatch {
  readonly #options: SessionWatchOptions;
  #goal: Pick<GoalTables, 'vrfPeer'> | undefined;
  #tell: ((sessions: readonly Session[]) => void) | undefined;
  #connection: VtyConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What was told last: a device without such sessions is not asked. */
  #told = 0;

  constructor(options: SessionWatchOptions) {
    this.#options = options;
  }

  /** As of the last plan. */
  wanted(goal: Pick<GoalTables, 'vrfPeer'>): void {
    this.#goal = goal;
  }

  /** From now on tells all sessions, whenever bgpd was asked. */
  start(tell: (sessions: readonly Session[]) => void): void {
    this.#tell = tell;
    this.#later();
  }

  stop(): void {
    this.#tell = undefined;
    clearTimeout(this.#timer);
    this.#connection?.close();
  }

  #later(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#options.pollMilliseconds ?? 2000).unref();
  }

  async #look(): Promise<void> {
    const goal = this.#goal;
    if (goal !== undefined && (goal.vrfPeer.size > 0 || this.#told > 0)) {
      const sessions = goal.vrfPeer.size === 0 ? [] : await this.#ask(goal);
      if (sessions !== undefined) this.#told = sessions.length;
      if (sessions !== undefined) this.#tell?.(sessions);
    }
    if (this.#tell !== undefined) this.#later();
  }

  async #ask(goal: Pick<GoalTables, 'vrfPeer'>): Promise<readonly Session[] | undefined> {
    this.#connection ??= new VtyConnection(`${this.#options.directory}/bgpd.vty`, patienceMilliseconds);
    try {
      const { text, status } = await this.#connection.ask(command);
      return status === 0 ? sessionsIn(text, goal) : undefined;
    } catch {
      this.#connection = undefined;
      return undefined;
    }
  }
}

/** By VRF, then by address family; `pfxRcd` counts what was believed. */
type Summary = Record<string, Record<string, { readonly peers?: Record<string, { readonly state?: string; readonly pfxRcd?: number }> }>>;

/** Those of the goal that bgpd has, of `show bgp vrf all summary json`. @throws SyntaxError when it is no JSON */
export const sessionsIn = (text: string, { vrfPeer }: Pick<GoalTables, 'vrfPeer'>): readonly Session[] => {
  const summary = JSON.parse(text) as Summary;
  return [...vrfPeer.values()].flatMap(({ vrf, address }) => {
    const found = Object.values(summary[vrf] ?? {}).flatMap(({ peers = {} }) => Object.entries(peers).filter(([name]) => isSame(name, address)));
    const [, peer] = found[0] ?? [];
    // `Idle (Admin)` is Idle.
    const state = sessionStates.find((each) => each === peer?.state?.split(' ')[0]);
    return state === undefined ? [] : [{ vrf, address, state, believed: found.reduce((sum, [, { pfxRcd = 0 }]) => sum + pfxRcd, 0) }];
  });
};

const isSame = (name: string, address: string): boolean => {
  const parsed = parseAddress(name);
  return parsed.ok && parsed.value === address;
};
