/**
 * The store that several servers share: a cluster of etcd. etcd's revisions are the store's (see Layout for the offset), its
 * transactions the commits, and one watch of it feeds all watchers here. Reads are linearizable, whichever member answers.
 */
import { randomBytes } from 'node:crypto';
import { checkWrites } from '../commit.ts';
import { HeddleError } from '../../kit/error.ts';
import { type Change, type Entry, expired, type Listing, type ListOptions, type Revision, type Store, type Write } from '../store.ts';
import { compact, put, range, transact } from './calls.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { errorOf, GrpcFault } from './fault.ts';
import { Follower } from './follower.ts';
import type { RangeResponse } from './gen/etcd/etcd_pb.ts';
import { checkPrefix, commonRoot, defaultPrefix, Layout, offsetKey, rangeEnd } from './layout.ts';
import { Notes } from './notes.ts';
import { settleLost } from './outcome.ts';
import { changesOf, refusalOf, transactionOf } from './transaction.ts';

export interface EtcdOptions extends ClusterOptions {
  /** Where in etcd it is, such as `/heddle/fra1/`: several stores may be in one etcd. Default `/heddle/default/`. */
  readonly prefix?: string;
}

/** Keys of a list that are asked for at once, so that no answer is larger than some megabytes. */
const pageKeys = 1_000;

/**
 * Opens the store.
 * @throws HeddleError `Unavailable` when no member answers, or none that lets us in, or a restore of it was not finished;
 * `BadRequest` for options that are none
 */
export const openEtcdStore = (options: EtcdOptions): Promise<Store> => withCluster(options, (cluster) => openWith(cluster, options, readOffset));

/**
 * Makes a store where there is none, with what `fill` writes. Its revisions are greater than `startAfter`. Until that is done nobody
 * can open it.
 * @throws HeddleError `Conflict` when something is there already
 */
export const fillEtcdStore = (options: EtcdOptions, startAfter: Revision, fill: (store: Store) => Promise<void>): Promise<void> =>
  withCluster(options, async (cluster) => {
    const { prefix = defaultPrefix } = options;
    const offset = await claim(cluster, prefix, startAfter);
    const store = await openWith(cluster, options, async () => offset);
    await fill(store);
    await put(cluster, offsetKey(prefix), Buffer.from(String(offset), 'latin1'));
    await store.close();
  });

const withCluster = async <Result>(options: EtcdOptions, body: (cluster: Cluster) => Promise<Result>): Promise<Result> => {
  checkPrefix(options.prefix ?? defaultPrefix);
  const cluster = new Cluster(options);
  try {
    return await body(cluster);
  } catch (thrown) {
    cluster.close();
    throw errorOf(thrown);
  }
};

type FindOffset = (cluster: Cluster, prefix: string) => Promise<Revision>;

const openWith = async (cluster: Cluster, { prefix = defaultPrefix, onTrouble }: EtcdOptions, offset: FindOffset): Promise<EtcdStore> => {
  const layout = new Layout(prefix, await offset(cluster, prefix));
  const { header } = await range(cluster, { key: layout.beacon, countOnly: true });
  const store = new EtcdStore(cluster, layout, layout.revisionOf(header?.revision), onTrouble);
  await store.begun();
  return store;
};

const unfinished = ' (being restored)';

const readOffset: FindOffset = async (cluster, prefix) => {
  const { kvs } = await range(cluster, { key: offsetKey(prefix) });
  const text = Buffer.from(kvs[0]?.value ?? []).toString('latin1');
  if (!text.endsWith(unfinished)) return Number(text);
  const says = `the store at "${prefix}" in etcd is being restored; if that was cut off, remove every key below "${prefix}" and restore again`;
  throw new HeddleError('Unavailable', says);
};

/** Takes an empty prefix, and answers its offset. */
const claim = async (cluster: Cluster, prefix: string, startAfter: Revision): Promise<Revision> => {
  const { count, header } = await range(cluster, { key: Buffer.from(prefix, 'latin1'), rangeEnd: rangeEnd(prefix), countOnly: true });
  if (count > 0n) throw new HeddleError('Conflict', `etcd has ${count} keys below "${prefix}": choose another prefix, or remove them first`);
  const offset = Math.max(0, startAfter - Number(header?.revision ?? 0n));
  await put(cluster, offsetKey(prefix), Buffer.from(`${offset}${unfinished}`, 'latin1'));
  return offset;
};

class EtcdStore implements Store {
  readonly #cluster: Cluster;
  readonly #layout: Layout;
  readonly #follower: Follower;
  readonly #notes = new Notes();
  readonly #onTrouble: (message: string) => void;
  /** Tells commits of this process from all others. */
  readonly #instance = randomBytes(9).toString('base64url');
  #commits = 0;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Highest revision of any answer. */
  #seen: Revision;
  #closed = false;
  #isShared = false;

  constructor(cluster: Cluster, layout: Layout, revision: Revision, onTrouble: (message: string) => void = () => undefined) {
    this.#cluster = cluster;
    this.#layout = layout;
    this.#seen = revision;
    this.#onTrouble = onTrouble;
    this.#follower = new Follower({ cluster, layout, revision, onTrouble, noteOf: (stamp, key) => this.#notes.take(stamp, key) });
  }

  /** @throws HeddleError when etcd could not be watched; the store is closed then */
  async begun(): Promise<void> {
    try {
      await this.#follower.begun();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  get revision(): Revision {
    return Math.max(this.#seen, this.#follower.feed.revision);
  }

  async get(key: string): Promise<Entry | undefined> {
    const answer = await this.#ask(() => range(this.#cluster, { key: this.#layout.keyOf(key) }));
    this.#sees(answer);
    const [kv] = answer.kvs;
    return kv === undefined ? undefined : this.#layout.entryOf(kv);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Listing> {
    const { limit, revision } = options;
    const from = options.from !== undefined && options.from > prefix ? options.from : prefix;
    if (limit !== undefined) return this.#page(prefix, from, limit, revision);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#everything(prefix, from, revision);
      } catch (thrown) {
        // A list that takes so long that its revision is compacted meanwhile begins again.
        const again = revision === undefined && attempt < 3 && HeddleError.from(thrown).code === 'Expired';
        if (!again) throw thrown;
      }
    }
  }

  async commit(writes: readonly Write[]): Promise<readonly Change[]> {
    checkWrites(writes);
    const committing = this.#ask(() => this.#commit(writes));
    this.#underWay.add(committing);
    try {
      return await committing;
    } finally {
      this.#underWay.delete(committing);
    }
  }

  watch(options: Parameters<Store['watch']>[0]): ReturnType<Store['watch']> {
    this.#checkOpen();
    return this.#follower.feed.watch(options);
  }

  /** Leaves etcd alone when others than Heddle keep something in it: compaction forgets everybody's history. */
  async compact(revision: Revision): Promise<void> {
    this.#checkOpen();
    if (revision > this.revision) throw new HeddleError('BadRequest', `revision ${revision} does not exist yet`);
    await this.#follower.reach(revision);
    if (revision <= this.#layout.offset || (await this.#ask(() => this.#belongsToOthers()))) return;
    try {
      await this.#ask(() => compact(this.#cluster, this.#layout.etcdRevision(revision)));
    } catch (thrown) {
      // Another server was faster.
      if (HeddleError.from(thrown).code !== 'Expired') throw thrown;
    }
    this.#follower.forget(revision);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    const closing = this.#follower.close();
    this.#cluster.close();
    await closing;
  }

  #checkOpen(): void {
    if (this.#closed) throw new HeddleError('Unavailable', 'the store is closed');
  }

  /** Faults of calls as errors of the store. */
  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    this.#checkOpen();
    try {
      return await question();
    } catch (thrown) {
      throw errorOf(thrown);
    }
  }

  #sees({ header }: { readonly header?: RangeResponse['header'] }): Revision {
    const revision = this.#layout.revisionOf(header?.revision);
    this.#seen = Math.max(this.#seen, revision);
    return revision;
  }

  async #commit(writes: readonly Write[]): Promise<readonly Change[]> {
    this.#commits += 1;
    const stamp = `${this.#instance}.${this.#commits.toString(36)}`;
    this.#notes.give(stamp, writes);
    try {
      const changes = await this.#transact(writes, stamp);
      this.#seen = Math.max(this.#seen, ...changes.map(({ entry }) => entry.revision));
      return changes;
    } catch (thrown) {
      this.#notes.forget(stamp, writes);
      throw thrown;
    }
  }

  async #transact(writes: readonly Write[], stamp: string): Promise<readonly Change[]> {
    const [cluster, layout] = [this.#cluster, this.#layout];
    try {
      const answer = await transact(cluster, transactionOf(layout, writes, stamp), false);
      if (!answer.succeeded) throw refusalOf(layout, writes, answer);
      return changesOf(layout, writes, answer);
    } catch (thrown) {
      if (!(thrown instanceof GrpcFault) || thrown.isUnapplied) throw thrown;
      return settleLost(cluster, layout, writes, stamp, thrown);
    }
  }

  async #everything(prefix: string, from: string, wanted: Revision | undefined): Promise<Listing> {
    const entries: Entry[] = [];
    let [next, revision]: [string | undefined, Revision | undefined] = [from, wanted];
    while (next !== undefined) {
      const page: Listing = await this.#page(prefix, next, pageKeys, revision);
      entries.push(...page.entries);
      ({ next, revision } = { next: page.next, revision: page.revision });
    }
    return { entries, revision: revision ?? this.revision };
  }

  /** One entry more is read than is wanted: its key is where the next page begins. */
  async #page(prefix: string, from: string, limit: number, wanted: Revision | undefined): Promise<Listing> {
    const layout = this.#layout;
    const at = wanted === undefined ? 0n : this.#pastRevision(wanted);
    const question = { key: layout.keyOf(from), rangeEnd: layout.endOf(prefix), limit: BigInt(limit + 1), revision: at };
    const answer = await this.#ask(() => range(this.#cluster, question));
    const read = answer.kvs.map((kv) => layout.entryOf(kv));
    const entries = read.slice(0, limit);
    const next = read[limit]?.key;
    const now = this.#sees(answer);
    const exact = { entries, revision: wanted ?? now };
    return next === undefined ? exact : { ...exact, next, remaining: Number(answer.count) - entries.length };
  }

  /** etcd means the present by 0. */
  #pastRevision(wanted: Revision): bigint {
    const revision = this.#layout.etcdRevision(wanted);
    if (revision === 0n) throw expired(wanted, this.#layout.offset + 1);
    return revision;
  }

  async #belongsToOthers(): Promise<boolean> {
    const count = async (key: string, end: Uint8Array): Promise<bigint> =>
      (await range(this.#cluster, { key: Buffer.from(key, 'latin1'), rangeEnd: end, countOnly: true })).count;
    const { prefix } = this.#layout;
    const own = prefix.startsWith(commonRoot) ? 0n : await count(prefix, rangeEnd(prefix));
    const heddles = await count(commonRoot, rangeEnd(commonRoot));
    // From the first key to the end of all; who is not allowed to see that shares it.
    const all = await count('\0', Buffer.from([0])).catch(() => heddles + own + 1n);
    if (all > heddles + own && !this.#isShared) this.#onTrouble('etcd is shared with other programs: compacting its history is left to them');
    this.#isShared = all > heddles + own;
    return this.#isShared;
  }
}
