/**
 * Tells the server what the device sees: whole lists, each when it changed and has been quiet for a moment, and all of them
 * once a connection. What comes and goes within that moment is never told.
 */
import type { Observation } from '../goal/observation.ts';

export interface ObserverOptions {
  /** False when there is no connection. */
  readonly send: (seen: Observation) => boolean;
  /** How long to wait for more of the same. Default 150. */
  readonly quietMilliseconds?: number;
}

type List = keyof Observation;

const lists = ['neighbours', 'leases', 'sessions', 'underlay'] as const satisfies readonly List[];

/** However much goes on, what is seen is told after so many times the quiet. */
const mostWaits = 8;

export class Observer {
  readonly #options: ObserverOptions;
  readonly #quiet: number;
  #seen: Observation = {};
  /** What the server was told in this connection, as text. */
  readonly #told = new Map<List, string>();
  #connected = false;
  #timer: NodeJS.Timeout | undefined;
  #waits = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#quiet = options.quietMilliseconds ?? 150;
  }

  saw(seen: Observation): void {
    this.#seen = { ...this.#seen, ...seen };
    if (!this.#connected || this.#waits >= mostWaits) return;
    this.#waits += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), this.#quiet).unref();
  }

  /** The server has spoken: it knows nothing of what was told before. */
  connected(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#tell();
  }

  disconnected(): void {
    this.#connected = false;
    this.#told.clear();
    this.#rest();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#waits = 0;
  }

  #tell(): void {
    this.#rest();
    const texts = lists.flatMap((list) => (this.#seen[list] === undefined ? [] : [[list, textOf(this.#seen[list])] as const]));
    const news = texts.filter(([list, text]) => this.#told.get(list) !== text);
    if (news.length === 0) return;
    const seen = Object.fromEntries(news.map(([list]) => [list, this.#seen[list]]));
    if (!this.#options.send(seen)) return;
    for (const [list, text] of news) this.#told.set(list, text);
  }
}

/** Equal for equal lists, in whatever order they were seen. */
const textOf = (entries: readonly object[]): string => JSON.stringify(entries.map((entry) => JSON.stringify(entry)).toSorted());
