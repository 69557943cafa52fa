/** Work that waits until nothing else is under way. */
import { HeddleError } from '../../kit/error.ts';

export class Turns {
  readonly #ask: () => void;
  readonly #waiting: { readonly run: () => Promise<void>; readonly refuse: (fault: HeddleError) => void }[] = [];
  #isClosed = false;

  /** @param ask whoever is asked calls `run` in a while */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Rejects with what the work throws, or `Unavailable` when there will be no turn any more. */
  add<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) return Promise.reject(ended());
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const run = async (): Promise<void> => {
      try {
        resolve(await work());
      } catch (thrown) {
        reject(HeddleError.from(thrown));
      }
    };
    this.#waiting.push({ run, refuse: reject });
    this.#ask();
    return promise;
  }

  /** One of those that wait; others come after what has happened meanwhile. */
  async run(): Promise<void> {
    await this.#waiting.shift()?.run();
    if (this.#waiting.length > 0) this.#ask();
  }

  /** Nobody gets a turn any more. */
  close(): void {
    this.#isClosed = true;
    for (const { refuse } of this.#waiting.splice(0)) refuse(ended());
  }
}

const ended = (): HeddleError => new HeddleError('Unavailable', 'this server leads no more: ask again');
