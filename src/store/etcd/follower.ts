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
import { readPast } from './past.ts';
import { type Watching, watchEtcd } from './watching.ts';

const shortestPause = 20;
const longestPause = 2_000;

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
  #history: History;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#history = new History(options.revision);
    this.feed = new Feed(options.revision, (prefix, after, limit, signal) => this.#read(prefix, after, limit, signal));
    this.#running = this.#run();
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
    await watchEtcd(cluster, layout, { after, noteOf, signal, onChanges: (changes, until) => this.#publish(changes, until) });
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
