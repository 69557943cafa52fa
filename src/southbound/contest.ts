/**
 * Two agents that claim to be one device push each other out for ever. That is told apart from a device which merely dials
 * again: an agent that restarts does not come back as what it was before, and nobody loses a living connection again and again.
 */

/** Who takes turns under one name. */
export interface Contest {
  /** Addresses of the connection that was pushed out and of the one that took over. */
  readonly peers: readonly [former: string, latter: string];
  readonly bootEpochs: readonly [former: string, latter: string];
  /** How often a living connection of this device was taken over lately. */
  readonly takeovers: number;
}

export interface Claimant {
  readonly peer: string;
  readonly bootEpoch: string;
}

interface Rivalry {
  takeovers: number;
  last: number;
  told: number;
  /** Epochs that were pushed out. */
  readonly former: Set<string>;
}

const memoryMilliseconds = 60_000;
const tellMilliseconds = 60_000;
const suspicious = 4;

export class Contests {
  readonly #rivalries = new Map<string, Rivalry>();

  /** A living connection was taken over. Answers what to tell, at most once a minute and device. `now` in milliseconds. */
  takeover(device: string, former: Claimant, latter: Claimant, now: number): Contest | undefined {
    const known = this.#rivalries.get(device);
    const rivalry: Rivalry =
      known !== undefined && now - known.last < memoryMilliseconds
        ? known
        : { takeovers: 0, last: now, told: Number.NEGATIVE_INFINITY, former: new Set() };
    this.#rivalries.set(device, rivalry);
    rivalry.takeovers += 1;
    rivalry.last = now;
    const returns = former.bootEpoch !== latter.bootEpoch && rivalry.former.has(latter.bootEpoch);
    rivalry.former.add(former.bootEpoch);
    if (!(returns || rivalry.takeovers >= suspicious) || now - rivalry.told < tellMilliseconds) return undefined;
    rivalry.told = now;
    return { peers: [former.peer, latter.peer], bootEpochs: [former.bootEpoch, latter.bootEpoch], takeovers: rivalry.takeovers };
  }

  /** Forgets what is long over. */
  tidy(now: number): void {
    for (const [device, { last }] of this.#rivalries) if (now - last >= memoryMilliseconds) this.#rivalries.delete(device);
  }
}
