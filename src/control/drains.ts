/**
 * Links between switches are drained before they go. A Connection of the underlay is given a finalizer while it is accepted;
 * when it is deleted, the compiler says of its sessions that they are drained, and it is let go once every device has
 * acknowledged that and routing had time to follow. A device that does not answer holds a deletion up, but not for ever.
 */
import type { ResourceClient } from '../api/client.ts';
import { drainFinalizer, isDraining, isHeldForDrain } from '../api/drain.ts';
import { refOf, type ObjectMeta, type Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';

export interface DrainsOptions {
  readonly client: ResourceClient;
  readonly log: Logger;
  /** What the ends of a Connection make of it. */
  readonly typeOf: (object: Resource) => unknown;
  /** Whether no device owes an answer about the object. */
  readonly isSettled: (key: string) => boolean;
  /** Does something in a while, unless the controller stops before. */
  readonly later: (milliseconds: number, action: () => void) => void;
}

/** A device acknowledges what it was told, not what its neighbours have made of it: withdrawals cross a fabric in less. */
const settleMilliseconds = 1000;
/** As long as a device that is away can hold up that a link is taken away. */
const patienceMilliseconds = 30_000;
const retryMilliseconds = 1000;
const mostInFlight = 16;

const drained: ReadonlySet<unknown> = new Set(['fabric', 'mesh', 'gateway']);

interface Draining {
  readonly object: Resource;
  /** All devices have answered, and the time to settle runs. */
  settling: boolean;
}

export class Drains {
  readonly #options: DrainsOptions;
  readonly #draining = new Map<string, Draining>();
  /** Objects that wait for a finalizer to be put on or taken off, with what is to be done. */
  readonly #due = new Map<string, () => Promise<void>>();
  readonly #inFlight = new Set<Promise<void>>();

  constructor(options: DrainsOptions) {
    this.#options = options;
  }

  /** The object as it is now, after what follows from it was published. */
  observe(key: string, object: Resource | undefined): void {
    if (object?.kind !== 'Connection' || !isDraining(object.metadata)) this.#draining.delete(key);
    if (object?.kind !== 'Connection') return;
    const { deletionTimestamp } = object.metadata;
    if (deletionTimestamp === undefined) {
      if (!isHeldForDrain(object.metadata) && drained.has(this.#options.typeOf(object))) this.#write(key, object, withFinalizer);
      return;
    }
    if (!isDraining(object.metadata) || this.#draining.has(key)) return;
    const draining = { object, settling: false };
    this.#draining.set(key, draining);
    this.#options.later(patienceMilliseconds, () => this.#release(key, draining));
    this.#settle(key, draining);
  }

  /** Devices have answered. */
  review(): void {
    for (const [key, draining] of this.#draining) this.#settle(key, draining);
  }

  /** Waits for the writes that are under way. */
  async close(): Promise<void> {
    this.#due.clear();
    await Promise.all(this.#inFlight);
  }

  #settle(key: string, draining: Draining): void {
    if (draining.settling || !this.#options.isSettled(key)) return;
    draining.settling = true;
    this.#options.later(settleMilliseconds, () => this.#release(key, draining));
  }

  #release(key: string, draining: Draining): void {
    if (this.#draining.get(key) === draining) this.#write(key, draining.object, withoutFinalizer);
  }

  /** What others write meanwhile makes ours fail: the object is then read again, by the watch or here. */
  #write(key: string, object: Resource, change: (metadata: ObjectMeta) => readonly string[] | undefined): void {
    const ref = refOf(object);
    this.#due.set(key, async () => {
      const current = await this.#options.client.get(ref);
      const { uid, resourceVersion } = current.metadata;
      const finalizers = uid === object.metadata.uid ? change(current.metadata) : undefined;
      if (finalizers !== undefined) await this.#options.client.patch(ref, { metadata: { uid, resourceVersion, finalizers } });
    });
    this.#pump();
  }

  #pump(): void {
    for (const [key, write] of this.#due) {
      if (this.#inFlight.size >= mostInFlight) return;
      this.#due.delete(key);
      const watched = write()
        .catch((thrown: unknown) => this.#failed(key, write, HeddleError.from(thrown)))
        .finally(() => {
          this.#inFlight.delete(watched);
          this.#pump();
        });
      this.#inFlight.add(watched);
    }
  }

  #failed(key: string, write: () => Promise<void>, error: HeddleError): void {
    if (error.code === 'NotFound') return;
    if (error.code !== 'Conflict') this.#options.log.warn({ object: key, error: error.message }, 'finalizer not written, will try again');
    this.#options.later(retryMilliseconds, () => {
      if (!this.#due.has(key)) this.#due.set(key, write);
      this.#pump();
    });
  }
}

const withFinalizer = (metadata: ObjectMeta): readonly string[] | undefined =>
  metadata.deletionTimestamp !== undefined || isHeldForDrain(metadata) ? undefined : [...(metadata.finalizers ?? []), drainFinalizer];

const withoutFinalizer = (metadata: ObjectMeta): readonly string[] | undefined =>
  isHeldForDrain(metadata) ? (metadata.finalizers ?? []).filter((name) => name !== drainFinalizer) : undefined;
