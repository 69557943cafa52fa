/**
 * What lies between a device's stream and its agent: messages are late, answers are lost, said twice or overtaken, connections
 * break. What a stream cannot do is not done: a message of the server is never lost or overtaken while the connection stands.
 */
import { type MessageStream, type StreamOptions, openStream } from '../southbound/stream.ts';
import { type Faults, isPlainLink } from './faults.ts';
import type { Random } from './random.ts';

export interface LinkOptions {
  readonly random: Random;
  readonly faults: () => Faults;
}

type Open = (options: StreamOptions) => MessageStream;

export class Link {
  readonly #options: LinkOptions;
  #current: { readonly stream: MessageStream; readonly end: (reason: string) => void } | undefined;
  #breaks = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** How often a fault broke the connection. */
  get breaks(): number {
    return this.#breaks;
  }

  /** A stream with the faults of this moment; give it to `ClientOptions.open`. */
  readonly open: Open = (options) => {
    let over = false;
    const end = (reason: string): void => {
      if (over) return;
      over = true;
      options.onEnd(reason);
    };
    const plain = isPlainLink(this.#options.faults());
    const stream = plain ? openStream({ ...options, onEnd: end }) : this.#openFaulty({ ...options, onEnd: end }, () => over);
    this.#current = { stream, end };
    return stream;
  };

  /** The connection breaks: the agent hears of it, and dials again. */
  cut(): void {
    this.#breaks += 1;
    const current = this.#drop();
    current?.end('the connection broke');
  }

  /** The agent dies: nobody is left to hear of it. */
  kill(): void {
    this.#drop();
  }

  #drop(): { readonly end: (reason: string) => void } | undefined {
    const current = this.#current;
    this.#current = undefined;
    current?.stream.abandon();
    return current;
  }

  #openFaulty(options: StreamOptions, isOver: () => boolean): MessageStream {
    const { random } = this.#options;
    const toAgent = new Delay(() => this.#latency());
    const toServer = new Delay(() => this.#latency());
    const stream = openStream({
      ...options,
      onMessage: (bytes) => {
        if (isOver()) return;
        if (random.chance(this.#options.faults().loss)) {
          this.cut();
          return;
        }
        // The bytes are a window on the socket's chunk, which may be used again before they are delivered.
        const own = Uint8Array.from(bytes);
        toAgent.pass(() => !isOver() && options.onMessage(own));
      },
    });
    const answers = new Answers(this.#options, (message) => toServer.pass(() => !isOver() && stream.send(message)));
    return {
      send: (message) => answers.send(message),
      close: () => stream.close(),
      abandon: () => stream.abandon(),
    };
  }

  #latency(): number {
    const { least, most } = this.#options.faults().latencyMilliseconds;
    return most === 0 ? 0 : this.#options.random.between(least, most);
  }
}

/** What the device says: the first message is its Hello, without which there is no connection; the others may go astray. */
class Answers {
  readonly #options: LinkOptions;
  readonly #pass: (message: Uint8Array) => void;
  #said = 0;
  #overtaken: Uint8Array | undefined;

  constructor(options: LinkOptions, pass: (message: Uint8Array) => void) {
    this.#options = options;
    this.#pass = pass;
  }

  send(message: Uint8Array): void {
    this.#said += 1;
    const { random, faults } = this.#options;
    const { answerLoss, duplication, reordering } = faults();
    if (this.#said === 1) return this.#pass(message);
    if (random.chance(answerLoss)) return;
    const waiting = this.#overtaken;
    this.#overtaken = undefined;
    if (waiting === undefined && random.chance(reordering)) {
      this.#overtaken = message;
      return;
    }
    this.#pass(message);
    if (random.chance(duplication)) this.#pass(message);
    if (waiting !== undefined) this.#pass(waiting);
  }
}

/** Hands things on after a while, and in their order. */
class Delay {
  readonly #milliseconds: () => number;
  readonly #queue: (() => void)[] = [];
  #last = 0;

  constructor(milliseconds: () => number) {
    this.#milliseconds = milliseconds;
  }

  pass(deliver: () => void): void {
    const now = performance.now();
    this.#last = Math.max(this.#last, now + this.#milliseconds());
    if (this.#last <= now && this.#queue.length === 0) return deliver();
    this.#queue.push(deliver);
    // Whichever timer fires, the oldest goes first: timers of different lengths do not keep an order of their own.
    setTimeout(() => this.#queue.shift()?.(), this.#last - now);
  }
}
