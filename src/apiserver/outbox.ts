/**
 * Large answers that clients have not read yet. Each client gets a time that follows from the size; what all leave together is
 * bounded, and who asks for more meanwhile is told to come back.
 */
import type { ServerResponse } from 'node:http';
import { HeddleError } from '../kit/error.ts';

/** Smaller answers fit where the system keeps them; they are not counted. */
const counted = 16 * 1024;
const mostBytes = 256 * 1024 * 1024;
const patienceMilliseconds = 60_000;
/** Below it a connection is of no use. */
const leastBytesPerSecond = 50_000;

export class Outbox {
  #bytes = 0;
  readonly #most: number;

  constructor(most = mostBytes) {
    this.#most = most;
  }

  /** Counts an answer until it is gone. Throws `TooManyRequests` when too much is waiting already. */
  take(response: ServerResponse, bytes: number): void {
    if (bytes < counted) return;
    if (this.#bytes > 0 && this.#bytes + bytes > this.#most) throw new HeddleError('TooManyRequests', 'many large answers wait to be read: ask again in a moment');
    this.#bytes += bytes;
    const timer = setTimeout(() => response.destroy(), patienceMilliseconds + (bytes / leastBytesPerSecond) * 1000);
    response.once('close', () => {
      clearTimeout(timer);
      this.#bytes -= bytes;
    });
  }
}
