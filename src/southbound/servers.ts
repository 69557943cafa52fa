/**
 * Which of several servers an agent dials next. Only one of them leads; the others say which, or let the agent wait until it is
 * decided. A round goes over all of them, each once, without a pause; only rounds are kept apart by pauses, so that finding the new
 * leader takes a few handshakes and a leader that is nowhere to be found costs little.
 */

/** The address to dial, and whether at once or after the usual pause. */
export interface Next {
  readonly server: string;
  readonly isNewRound: boolean;
}

export class Servers {
  readonly #all: readonly string[];
  #current: string;
  readonly #tried = new Set<string>();

  /**
   * @param list `host:port`, or several with commas between them
   * @param random 0 to 1: where to begin, so that thousands of agents do not all begin with the first
   * @throws RangeError when the list is empty
   */
  constructor(list: string, random: number) {
    this.#all = list.split(',').map((server) => server.trim()).filter((server) => server !== '');
    const first = this.#all[Math.floor(random * this.#all.length)];
    if (first === undefined) throw new RangeError(`"${list}" names no server`);
    this.#current = first;
  }

  get current(): string {
    return this.#current;
  }

  get areSeveral(): boolean {
    return this.#all.length > 1;
  }

  /** Those that were dialled in vain in this round. */
  get tried(): readonly string[] {
    return [...this.#tried];
  }

  /** The current one serves the agent: it is also where to begin when the connection is lost. */
  serves(): void {
    this.#tried.clear();
  }

  /** A connection that had served was lost: the same server first. */
  lost(): Next {
    this.#tried.clear();
    return { server: this.#current, isNewRound: true };
  }

  /** The current one cannot serve the agent; `leader` is who can, in its opinion. */
  failed(leader?: string): Next {
    this.#tried.add(this.#current);
    const open = leader !== undefined && !this.#tried.has(leader) ? leader : this.#untried();
    if (open !== undefined) {
      this.#current = open;
      return { server: open, isNewRound: false };
    }
    this.#tried.clear();
    this.#current = leader ?? this.#after(this.#current);
    return { server: this.#current, isNewRound: true };
  }

  #untried(): string | undefined {
    for (let [index, server] = [0, this.#current]; index < this.#all.length; index += 1) {
      server = this.#after(server);
      if (!this.#tried.has(server)) return server;
    }
    return undefined;
  }

  /** Of a server that is not on the list, the first. */
  #after(server: string): string {
    return this.#all[(this.#all.indexOf(server) + 1) % this.#all.length] ?? server;
  }
}
