/**
 * Events (core/v1) for people who run `kubectl describe`. The same thing said again raises a count instead of making an
 * object; of one object only so many a while, and when the store is slow, new ones are dropped rather than queued for ever:
 * nothing depends on an event.
 */
import { randomBytes } from 'node:crypto';
import type { ResourceClient } from '../api/client.ts';
import { refOf, type Resource } from '../api/object.ts';
import type { Clock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { rfc3339 } from './time.ts';

export interface EventOptions {
  readonly client: ResourceClient;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
}

interface EventBody extends Resource {
  readonly count: number;
}

const rememberedEvents = 512;
const mostWaiting = 256;
const newEventsOfObject = 12;
const windowMilliseconds = 60_000;

export class Events {
  readonly #options: EventOptions;
  /** Events by what they say, the oldest first. */
  readonly #sent = new Map<string, EventBody>();
  readonly #waiting = new Map<string, { readonly about: Resource; readonly happening: Happening; times: number }>();
  readonly #spent = new Map<string, number>();
  #windowEnds = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: EventOptions) {
    this.#options = options;
  }

  record(about: Resource, happening: Happening): void {
    const key = JSON.stringify([about.metadata.uid, happening.reason, happening.message]);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) waiting.times += 1;
    else if (this.#allows(about.metadata.uid ?? '')) this.#waiting.set(key, { about, happening, times: 1 });
    if (!this.#closed) this.#running ??= this.#run();
  }

  /** Sends nothing more; waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  #allows(uid: string): boolean {
    const now = this.#options.clock.monotonic();
    if (now >= this.#windowEnds) {
      this.#spent.clear();
      this.#windowEnds = now + windowMilliseconds;
    }
    const spent = (this.#spent.get(uid) ?? 0) + 1;
    this.#spent.set(uid, spent);
    return spent <= newEventsOfObject && this.#waiting.size < mostWaiting;
  }

  async #run(): Promise<void> {
    // A turn later, so that status and goal state of the same batch go first.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#closed) break;
      const [key, { about, happening, times }] = next;
      this.#waiting.delete(key);
      try {
        await this.#send(key, about, happening, times);
      } catch (thrown) {
        this.#sent.delete(key);
        this.#options.log.debug({ error: HeddleError.from(thrown).message }, 'event not written');
      }
    }
    this.#running = undefined;
  }

  async #send(key: string, about: Resource, happening: Happening, times: number): Promise<void> {
    const now = rfc3339(this.#options.clock.now());
    const former = this.#sent.get(key);
    const count = (former?.count ?? 0) + times;
    const sent =
      former === undefined
        ? await this.#options.client.create({ ...eventOf(about, happening, now), count } as EventBody)
        : await this.#options.client.patch(refOf(former), { count, lastTimestamp: now });
    this.#sent.delete(key);
    this.#sent.set(key, { ...sent, count });
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > rememberedEvents && oldest !== undefined) this.#sent.delete(oldest);
  }
}

const eventOf = (about: Resource, { type, reason, message }: Happening, now: string): object => {
  const { name, namespace, uid, resourceVersion } = about.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 200)}.${randomBytes(8).toString('hex')}`, namespace: namespace ?? 'default' },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid, resourceVersion },
    type,
    reason,
    message: message.slice(0, 1024),
    source: { component: 'heddle-control' },
    reportingComponent: 'heddle-control',
    firstTimestamp: now,
    lastTimestamp: now,
  };
};
