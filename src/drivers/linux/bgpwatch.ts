/**
 * Asks bgpd again and again how sessions are, and tells what it says. A daemon that does not answer says nothing about them: what
 * was told stays until it does. A device without such sessions asks nothing.
 */
import { VtyConnection } from './frr/vty.ts';

export interface BgpWatchOptions<Goal, Session> {
  /** Directory with the sockets of the FRR daemons. */
  readonly directory: string;
  /** Asked of bgpd; answers JSON. */
  readonly command: string;
  readonly pollMilliseconds: number;
  readonly hasSessions: (goal: Goal) => boolean;
  /** Those of the goal that bgpd has, of what it answered. @throws SyntaxError when that is no JSON */
  readonly sessionsIn: (text: string, goal: Goal) => readonly Session[];
}

const patienceMilliseconds = 5000;

export class BgpWatch<Goal, Session> {
  readonly #options: BgpWatchOptions<Goal, Session>;
  #goal: Goal | undefined;
  #tell: ((sessions: readonly Session[]) => void) | undefined;
  #connection: VtyConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What was told last: that there are none any more is told too. */
  #told = 0;

  constructor(options: BgpWatchOptions<Goal, Session>) {
    this.#options = options;
  }

  /** As of the last plan. */
  wanted(goal: Goal): void {
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
    this.#timer = setTimeout(() => void this.#look(), this.#options.pollMilliseconds).unref();
  }

  async #look(): Promise<void> {
    const goal = this.#goal;
    if (goal !== undefined) {
      const has = this.#options.hasSessions(goal);
      const sessions = has ? await this.#ask(goal) : this.#told > 0 ? [] : undefined;
      if (sessions !== undefined) this.#told = sessions.length;
      if (sessions !== undefined) this.#tell?.(sessions);
    }
    if (this.#tell !== undefined) this.#later();
  }

  async #ask(goal: Goal): Promise<readonly Session[] | undefined> {
    const { directory, command, sessionsIn } = this.#options;
    this.#connection ??= new VtyConnection(`${directory}/bgpd.vty`, patienceMilliseconds);
    try {
      const { text, status } = await this.#connection.ask(command);
      return status === 0 ? sessionsIn(text, goal) : undefined;
    } catch {
      this.#connection?.close();
      this.#connection = undefined;
      return undefined;
    }
  }
}
