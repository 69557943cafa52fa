/**
 * Writes status: of an object one write at a time, always the latest, and none when nothing would change. What has to be
 * written is asked for at the moment of writing, so a burst of acknowledgements costs one write.
 */
import type { ResourceClient } from '../api/client.ts';
import { refOf, type Resource } from '../api/object.ts';
import type { Clock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { mergeDiff } from './mergediff.ts';

export interface WantedStatus {
  /** The object as last heard of; its status is what the wanted one is compared with. */
  readonly object: Resource;
  readonly status: object;
}

export interface StatusWriterOptions {
  readonly client: ResourceClient;
  /** Undefined: nothing to write. */
  readonly wanted: (key: string) => WantedStatus | undefined;
  /** What was written, with the object before it. */
  readonly onWritten: (before: Resource, after: Resource) => void;
  readonly log: Logger;
  readonly clock: Clock;
}

/** They share a commit of the store, which costs as much as several of them. */
const mostInFlight = 128;
const retryMilliseconds = 500;

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #due = new Set<string>();
  /** Goes on where it stopped: a set remembers what was deleted from its front, and a new iterator steps over all of that. */
  #next = this.#due.values();
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  #scheduled = false;
  #paused = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** The object's status may have changed. */
  mark(key: string): void {
    this.#due.add(key);
    this.#schedule();
  }

  /** Starts no write until `resume`: what is known of objects is about to change in several steps. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#due.size > 0) this.#schedule();
  }

  /** Writes nothing more; waits for the writes that are under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#inFlight.values());
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#abort.signal.aborted) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#paused && !this.#abort.signal.aborted && this.#inFlight.size < mostInFlight) {
      const { value: key, done } = this.#next.next();
      if (done === true) {
        this.#next = this.#due.values();
        return;
      }
      if (!this.#inFlight.has(key)) this.#start(key);
    }
  }

  #start(key: string): void {
    this.#due.delete(key);
    const write = this.#write(key).finally(() => {
      this.#inFlight.delete(key);
      // Marked meanwhile and passed over: to the end, where it is come by again.
      if (this.#due.delete(key)) this.#due.add(key);
      if (this.#due.size > 0) this.#schedule();
    });
    this.#inFlight.set(key, write);
  }

  async #write(key: string): Promise<void> {
    // What throws in here is a fault of one object's status, never the end of the process.
    try {
      const wanted = this.#options.wanted(key);
      if (wanted === undefined) return;
      const { object, status } = wanted;
      const patch = mergeDiff(object.status ?? {}, status);
      if (patch === undefined) return;
      const after = await this.#options.client.patchStatus(refOf(object), patch, object.metadata.uid);
      this.#options.onWritten(object, after);
    } catch (thrown) {
      await this.#recover(key, HeddleError.from(thrown));
    }
  }

  async #recover(key: string, error: HeddleError): Promise<void> {
    // Gone, or another object took its name: the watch tells.
    if (error.code === 'NotFound' || error.code === 'Conflict') return;
    this.#options.log.warn({ object: key, error: error.message }, 'status not written, trying again');
    try {
      await this.#options.clock.sleep(retryMilliseconds, this.#abort.signal);
      this.mark(key);
    } catch {
      // Closed.
    }
  }
}
