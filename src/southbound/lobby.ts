/**
 * Where agents are while this server does not lead. Whoever leads is named and the call ended, so that the agent goes there at once. When
 * nobody leads, or the agent has just been there in vain, the call waits: within seconds somebody leads, often this very server, and
 * then the agent is served without another handshake. Thousands of agents are sent on a few at a time.
 */
import { type Call, type CallHandlers, status } from './grpc.ts';
import { leaderHeader, triedHeader } from './service.ts';

/** The leader as far as this server knows. */
export interface KnownLeader {
  /** `host:port` where agents are served; undefined when it does not say. */
  readonly address?: string;
  /** Changes as long as it lives. */
  readonly version: string;
}

export interface LobbyOptions {
  /** Whether the caller may call at all; otherwise it has ended the call. */
  readonly admits: (call: Call) => boolean;
  /** Longest that a call waits. Default 10,000. */
  readonly patienceMilliseconds?: number;
  /** Calls that are sent on in a row, and the pause after that. Default 64 and 20. */
  readonly perTurn?: number;
  readonly pauseMilliseconds?: number;
}

/** What an agent says before it is served is its Hello. */
const mostBytes = 1024 * 1024;

interface Guest {
  readonly call: Call;
  readonly tried: ReadonlySet<string>;
  /** The leader's version when the call came: another one proves that it lives. */
  readonly version: string | undefined;
  readonly since: number;
  readonly said: Buffer[];
  bytes: number;
  target: CallHandlers | undefined;
}

export class Lobby {
  readonly #options: LobbyOptions;
  readonly #guests = new Set<Guest>();
  #leader: KnownLeader | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LobbyOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#guests.size;
  }

  accept(call: Call): CallHandlers {
    if (!this.#options.admits(call)) return { onMessage: () => {}, onDrain: () => {}, onClosed: () => {} };
    const tried = new Set((call.metadata.get(triedHeader) ?? '').split(',').filter((server) => server !== ''));
    const guest: Guest = { call, tried, version: this.#leader?.version, since: performance.now(), said: [], bytes: 0, target: undefined };
    this.#guests.add(guest);
    // Not while it is being accepted, and after those that came before.
    this.#later();
    return {
      onMessage: (bytes) => (guest.target === undefined ? this.#hear(guest, bytes) : guest.target.onMessage(bytes)),
      onDrain: () => guest.target?.onDrain(),
      onClosed: () => {
        this.#guests.delete(guest);
        guest.target?.onClosed();
      },
    };
  }

  /** Undefined: nobody leads as far as we know. */
  setLeader(leader: KnownLeader | undefined): void {
    this.#leader = leader;
    this.#later();
  }

  /** This server leads: whoever waits is served, as if it had just called. */
  moveTo(serve: (call: Call) => CallHandlers): void {
    for (const guest of this.#guests) {
      this.#guests.delete(guest);
      const target = serve(guest.call);
      guest.target = target;
      for (const bytes of guest.said.splice(0)) target.onMessage(bytes);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { call } of this.#guests) call.end(status.unavailable, 'this server is stopping');
  }

  #hear(guest: Guest, bytes: Uint8Array): void {
    guest.bytes += bytes.length;
    if (guest.bytes > mostBytes) guest.call.end(status.resourceExhausted, 'too much was said before the call was served');
    // The bytes are a window on a larger chunk.
    else guest.said.push(Buffer.from(bytes));
  }

  #later(): void {
    const { pauseMilliseconds = 20 } = this.#options;
    this.#timer ??= setTimeout(() => this.#turn(), pauseMilliseconds).unref();
  }

  #turn(): void {
    this.#timer = undefined;
    const { perTurn = 64, patienceMilliseconds = 10_000 } = this.#options;
    const now = performance.now();
    let left = perTurn;
    for (const guest of this.#guests) {
      if (left === 0) break;
      const isTired = now - guest.since > patienceMilliseconds;
      if (!isTired && !this.#canSendOn(guest)) continue;
      left -= 1;
      this.#sendOn(guest.call);
    }
    if (this.#guests.size > 0) this.#later();
  }

  /** An agent that was with the leader in vain goes there again only when the leader is known to live. */
  #canSendOn({ tried, version }: Guest): boolean {
    if (this.#leader === undefined) return false;
    const { address } = this.#leader;
    return address === undefined || !tried.has(address) || version !== this.#leader.version;
  }

  #sendOn(call: Call): void {
    const address = this.#leader?.address;
    const text = address === undefined ? 'this server does not lead' : `this server does not lead, ${address} does`;
    call.end(status.unavailable, text, address === undefined ? [] : [[leaderHeader, address]]);
  }
}
