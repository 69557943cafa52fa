/**
 * What all watchers of a store share: one watch of etcd, whose changes go to the feed of the live ones and into the history for
 * those who come later. A lost connection is taken up again where it ended. Only when etcd has forgotten that place must everybody
 * list again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '../../kit/error.ts';
import { type Change, type Entry, expired, type Revision } from '../store.ts';
import { Feed, type LogPage } from '../subscription.ts';
import { range } from './calls.ts';
import type { Cluster } from './cluster.ts';
import { errorOf } from './fault.ts';
import { History } from './history.ts';
import { type Layout } from './layout.ts';
import { light, readPast } from './past.ts';
import { type Watching, watchEtcd } from './watching.ts';

const shortestPause = 20;
const longestPause = 2_000;
const reachMilliseconds = 5_000;
const reachPause = 5;

export interface FollowerOptions {
  readonly cluster: Cluster;
  readonly layout: Layout;
  /** Where it begins. */
  readonly revision: Revision;
  readonly noteOf: NonNullable<Watching['noteOf']>;
  readonly onTrouble: (message: string) => void;
}

export class Follower {
  readonly feed: Feed;
  readonly #options: FollowerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Settles with the first watch: it stands, or what is in its way. */
  readonly #begun = Promise.withResolvers<void>();
  #history: History;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#history = new History(options.revision);
    this.feed = new Feed(options.revision, (prefix, after, limit, signal) => this.#read(prefix, after, limit, signal));
    // Who opened the store may have given up.
    this.#begun.promise.catch(() => undefined);
    this.#running = this.#run();
  }

  /** Resolves when the watch stands. @throws HeddleError when it could not be made */
  begun(): Promise<void> {
    return this.#begun.promise;
  }

  /**
   * Resolves when all watchers here have been given what there is up to a revision: where the watch of etcd was before that may
   * then be forgotten. A beacon comes by in any case, also where nobody else writes. @throws HeddleError `Unavailable`
   */
  async reach(revision: Revision): Promise<void> {
    if (this.feed.revision >= revision) return;
    const { cluster, layout } = this.#options;
    await light(cluster, layout);
    const deadline = performance.now() + reachMilliseconds;
    while (this.feed.revision < revision) {
      if (this.#stop.signal.aborted || performance.now() > deadline) throw new HeddleError('Unavailable', 'the watch of etcd does not come up to the present');
      await delay(reachPause);
    }
  }

  /** Nothing up to this revision is answered any more. */
  forget(until: Revision): void {
    this.#history.forget(Math.min(until, this.feed.revision));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.feed.close();
    await this.#running;
  }

  #read(prefix: string, after: Revision, limit: number, signal: AbortSignal): LogPage | Promise<LogPage> {
    const { cluster, layout } = this.#options;
    return this.#history.read(prefix, after, limit) ?? readPast(cluster, layout, { prefix, after, limit, signal: AbortSignal.any([signal, this.#stop.signal]) });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let pause = shortestPause; !signal.aborted; pause = Math.min(longestPause, 2 * pause)) {
      const began = this.feed.revision;
      try {
        await this.#follow();
      } catch (thrown) {
        this.#begun.reject(thrown);
        // What cannot be found out now is found out in the next round.
        await this.#recover(HeddleError.from(thrown)).catch(() => undefined);
      }
      if (this.feed.revision > began) pause = shortestPause;
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #follow(): Promise<void> {
    const { cluster, layout, noteOf } = this.#options;
    const { signal } = this.#stop;
    const after = this.feed.revision;
    const now = await this.#now();
    if (now < after) throw new HeddleError('Expired', `etcd is at revision ${now} and was at ${after}: it was set back, or is another one`);
    await watchEtcd(cluster, layout, { after, isPresent: now === after, noteOf, signal, onCreated: this.#begun.resolve, onChanges: (changes, until) => this.#publish(changes, until) });
  }

  #publish(changes: readonly Change[], until: Revision): void {
    this.#history.add(changes.map(({ type, entry, previous }) => ({ type, entry: kept(entry), ...(previous === undefined ? {} : { previous }) })));
    this.feed.publish(changes);
    this.feed.advance(until);
  }

  async #recover(error: HeddleError): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    this.#options.onTrouble(`the watch of etcd is taken up again: ${error.message}`);
    if (error.code !== 'Expired') return;
    const now = await this.#now();
    this.#history = new History(now);
    this.feed.fail(expired(this.feed.revision, now));
    this.feed.restart(now);
  }

  async #now(): Promise<Revision> {
    const { cluster, layout } = this.#options;
    try {
      const { header } = await range(cluster, { key: layout.beacon, countOnly: true });
      return layout.revisionOf(header?.revision);
    } catch (thrown) {
      throw errorOf(thrown);
    }
  }
}

const kept = ({ key, value, revision, createRevision }: Entry): Entry => ({ key, value, revision, createRevision });
