/**
 * Waits to lead, with everything at hand: follows all kinds while another one leads, and compiles along. It writes nothing, decides
 * nothing and serves nobody. Who wins the Lease takes over what it knows once it has heard of everything up to the moment in which
 * the term was taken: what the former leader wrote is then in it, and a fenced one can write no more.
 */
import type { ResourceClient, ResourceList } from '../../api/client.ts';
import { kinds } from '../../api/kinds.ts';
import { refKey, type Resource } from '../../api/object.ts';
import { createCompiler } from '../../compile/compiler.ts';
import type { Compiler } from '../../compile/engine.ts';
import type { Clock } from '../../kit/clock.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Logger } from '../../kit/log.ts';
import { getOrMake } from '../../kit/maps.ts';
import { startInformers, type Informers, type ObjectChange } from '../informer.ts';
import { placeOf } from '../objects.ts';
import { listingFirst, tellingAll } from './prepared.ts';

export interface StandbyOptions {
  /** In process: its watches must tell how far they have come. */
  readonly client: ResourceClient;
  readonly log: Logger;
  readonly clock: Clock;
  /** How long a handover waits for what was written last. Default 1,000. */
  readonly patienceMilliseconds?: number;
}

export interface Prepared {
  readonly compiler: Compiler;
  /** The client to start a controller with: its first lists are at hand. */
  over(client: ResourceClient): ResourceClient;
}

export interface Standby {
  /** Whether everything there is was compiled, but for what has just come. */
  readonly isReady: boolean;
  /**
   * Ends the following. Undefined when it was not ready, or does not hear in time of everything up to `revision`: then the leader
   * starts from nothing.
   */
  handOver(revision: number): Promise<Prepared | undefined>;
  stop(): Promise<void>;
}

export const startStandby = (options: StandbyOptions): Standby => new Following(options);

/** So that requests are answered in between. */
const changesAtOnce = 1000;
const lookMilliseconds = 5;

class Following implements Standby {
  readonly #options: StandbyOptions;
  readonly #informers: Informers;
  readonly #compiler = createCompiler();
  /** By kind, then by place. */
  readonly #objects = new Map<string, Map<string, Resource>>();
  /** Not compiled yet, the latest state of each. */
  readonly #waiting = new Map<string, ObjectChange>();
  #isSynced = false;
  #isReady = false;
  #isOver = false;
  #isCompiling = false;

  constructor(options: StandbyOptions) {
    this.#options = options;
    const { client, log, clock } = options;
    this.#informers = startInformers({ client, kinds: kinds.map(({ kind }) => kind), onChange: (change) => this.#hear(change), log, clock });
    void this.#whenSynced();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async handOver(revision: number): Promise<Prepared | undefined> {
    if (this.#isReady) await this.#reach(revision);
    // What is listed is as of the revisions that are told with it: nothing may be heard in between.
    const isHeard = this.#isReady && this.#hasReached(revision);
    const lists = this.#lists();
    await this.stop();
    if (!isHeard || !this.#compile(Infinity)) return undefined;
    const objects = [...lists.values()].flatMap(({ items }) => items);
    return { compiler: tellingAll(this.#compiler, objects), over: (client) => listingFirst(client, lists) };
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#informers.stop();
  }

  #lists(): ReadonlyMap<string, ResourceList> {
    return new Map(kinds.map(({ kind }) => [kind, { items: [...(this.#objects.get(kind)?.values() ?? [])], resourceVersion: String(this.#informers.delivered(kind)) }]));
  }

  async #reach(revision: number): Promise<void> {
    const { clock, patienceMilliseconds = 1000 } = this.#options;
    const deadline = clock.monotonic() + patienceMilliseconds;
    const never = new AbortController().signal;
    while (!this.#hasReached(revision) && clock.monotonic() < deadline) await clock.sleep(lookMilliseconds, never);
  }

  #hasReached(revision: number): boolean {
    return kinds.every(({ kind }) => this.#informers.delivered(kind) >= revision);
  }

  async #whenSynced(): Promise<void> {
    await this.#informers.synced;
    this.#isSynced = true;
    this.#begin();
  }

  #hear(change: ObjectChange): void {
    if (this.#isOver) return;
    const { ref, object } = change;
    const objects = getOrMake(this.#objects, ref.kind, () => new Map<string, Resource>());
    if (object === undefined) objects.delete(placeOf(ref));
    else objects.set(placeOf(ref), object);
    this.#waiting.set(refKey(ref), change);
    this.#begin();
  }

  #begin(): void {
    if (!this.#isSynced || this.#isCompiling) return;
    this.#isCompiling = true;
    setImmediate(() => this.#step());
  }

  #step(): void {
    this.#isCompiling = false;
    if (this.#isOver || !this.#compile(changesAtOnce)) return;
    if (this.#waiting.size > 0) this.#begin();
    else this.#isReady = true;
  }

  /** False when that failed: then nothing here is worth anything any more, and a leader starts from nothing. */
  #compile(most: number): boolean {
    const changes: ObjectChange[] = [];
    for (const [key, change] of this.#waiting) {
      if (changes.length >= most) break;
      this.#waiting.delete(key);
      changes.push(change);
    }
    try {
      this.#compiler.apply(changes);
      return true;
    } catch (thrown) {
      this.#options.log.error({ error: HeddleError.from(thrown).message }, 'compiling along failed: should this server lead, it starts from nothing');
      this.#isReady = false;
      void this.stop();
      return false;
    }
  }
}
