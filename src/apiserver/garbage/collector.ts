/**
 * The garbage collector: what is owned goes when all its owners are gone (by uid, not by name), foreground deletion waits for
 * those that block it, orphans forget their owner. It keeps a graph of who owns whom, filled once and followed by watch, and
 * decides each time from what the store says. Every step may be repeated by another server without harm.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OwnerReference, Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Change, Entry, Revision, Store } from '../../store/store.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import { foregroundFinalizer, orphanFinalizer } from '../registry/propagation.ts';
import type { Registry } from '../registry/registry.ts';
import { decodeStored, type Stored } from '../registry/stored.ts';
import { OwnerGraph, ownerKey } from './graph.ts';
import { WorkQueue, type WorkQueueMetrics } from './workqueue.ts';

export interface GarbageCollection {
  /** Resolves when everything that was known when it was called has been dealt with. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface GarbageOptions {
  readonly store: Store;
  readonly registry: Registry;
  /** Hears of steps that failed; they are tried again. */
  readonly onError: (error: HeddleError) => void;
  readonly metrics?: WorkQueueMetrics;
}

/** Objects read at a time while the graph is filled. */
const page = 200;

/** Begins at once and works until it is closed; only one server of a store needs to. */
export const startGarbageCollection = (options: GarbageOptions): GarbageCollection => {
  const collector = new Collector(options);
  return { idle: () => collector.idle(), close: () => collector.close() };
};

class Collector {
  readonly #options: GarbageOptions;
  readonly #scheme: Scheme;
  readonly #byResource: ReadonlyMap<string, ServedKind>;
  readonly #queue: WorkQueue;
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;
  #graph: OwnerGraph;
  #filled = Promise.withResolvers<void>();

  constructor(options: GarbageOptions) {
    this.#options = options;
    this.#scheme = options.registry.scheme;
    this.#byResource = new Map(this.#scheme.kinds.map((served) => [served.resource, served]));
    this.#graph = new OwnerGraph(this.#scheme);
    this.#queue = new WorkQueue({ work: (key) => this.#work(key), onError: options.onError, ...(options.metrics === undefined ? {} : { metrics: options.metrics }) });
    this.#following = this.#follow();
  }

  async idle(): Promise<void> {
    await this.#filled.promise;
    await this.#queue.idle();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#filled.resolve();
    await Promise.all([this.#following, this.#queue.close()]);
  }

  /** Fills the graph and keeps it; again from the start when it fell too far behind. */
  async #follow(): Promise<void> {
    const { store, onError } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const after = store.revision;
        const changes = store.watch({ prefix: '', after, signal, buffer: 100_000 });
        await this.#fill();
        for await (const change of changes) this.#see(change);
        return;
      } catch (thrown) {
        const error = HeddleError.from(thrown);
        if (signal.aborted) return;
        if (error.code !== 'Expired') onError(error);
        await new Promise((resolve) => setTimeout(resolve, error.code === 'Expired' ? 0 : 1000).unref());
        this.#graph = new OwnerGraph(this.#scheme);
      }
    }
  }

  async #fill(): Promise<void> {
    for (const served of this.#scheme.stored) {
      for (let from: string | undefined = served.key('', ''); from !== undefined && !this.#stop.signal.aborted; ) {
        const { entries, next }: { entries: readonly Entry[]; next?: string } = await this.#options.store.list(served.key('', ''), { from, limit: page });
        for (const entry of entries) if (mayConcern(entry)) this.#add(served, entry);
        from = next;
        // Reading everything there is must not keep others waiting.
        await nextTurn();
      }
    }
    this.#filled.resolve();
  }

  #add(served: ServedKind, entry: Entry): void {
    this.#graph.put(entry.key, { served, object: decodeStored(served, entry) });
    this.#queue.add(entry.key);
  }

  #see({ type, entry, previous }: Change): void {
    const { key } = entry;
    const isOwned = type === 'put' && mayConcern(entry);
    const served = isOwned ? this.#servedOf(key) : undefined;
    if (served !== undefined) this.#add(served, entry);
    else if (this.#graph.has(key)) {
      // Owners that wait for the end of this one hear of it.
      for (const owner of this.#graph.ownersOf(key)) this.#queue.add(owner);
      this.#graph.drop(key);
    }
    // An owner that is gone, or another one in its place.
    if (type === 'delete' || previous === undefined) for (const dependent of this.#graph.dependentsOf(key)) this.#queue.add(dependent);
  }

  #servedOf(key: string): ServedKind | undefined {
    return this.#byResource.get(key.slice(0, key.indexOf('/')));
  }

  async #work(key: string): Promise<void> {
    const served = this.#servedOf(key);
    const entry = served === undefined ? undefined : await this.#options.store.get(key);
    if (served === undefined || entry === undefined || this.#stop.signal.aborted) return;
    const object = decodeStored(served, entry);
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined) return this.#judge(served, object);
    if (finalizers.includes(orphanFinalizer)) await this.#orphan(key, served, object);
    if (finalizers.includes(foregroundFinalizer)) await this.#waitForDependents(key, served, object);
  }

  /** Deletes an object whose owners are all gone; references to some that are gone are dropped. */
  async #judge(served: ServedKind, object: Resource): Promise<void> {
    const { ownerReferences = [], namespace = '', name, uid = '', finalizers = [] } = object.metadata;
    if (ownerReferences.length === 0) return;
    const states = await Promise.all(ownerReferences.map((reference) => this.#stateOf(served, object, reference)));
    if (states.includes('unknown')) return;
    const gone = ownerReferences.filter((_, index) => states[index] !== 'solid');
    if (gone.length < ownerReferences.length) {
      if (gone.length > 0) await this.#forget(served, object, new Set(gone.map((reference) => reference.uid)));
      return;
    }
    // An owner that waits wants what blocks it to wait for its own dependents too.
    const isLink = states.includes('waiting') && this.#graph.dependentsOf(served.key(namespace, name)).length > 0;
    const propagation = isLink || finalizers.includes(foregroundFinalizer) ? 'Foreground' : finalizers.includes(orphanFinalizer) ? 'Orphan' : 'Background';
    await ifThere(this.#options.registry.delete(served, namespace, name, { propagation, preconditions: { uid } }));
  }

  async #stateOf(served: ServedKind, object: Resource, reference: OwnerReference): Promise<'solid' | 'waiting' | 'gone' | 'unknown'> {
    const key = ownerKey(this.#scheme, served, object, reference);
    const owner = key === undefined ? undefined : this.#servedOf(key);
    if (key === undefined || owner === undefined) return 'unknown';
    const entry = await this.#options.store.get(key);
    if (entry === undefined) return 'gone';
    const { uid, deletionTimestamp, finalizers = [] } = decodeStored(owner, entry).metadata;
    if (uid !== reference.uid) return 'gone';
    return deletionTimestamp !== undefined && finalizers.includes(foregroundFinalizer) ? 'waiting' : 'solid';
  }

  async #orphan(key: string, served: ServedKind, owner: Resource): Promise<void> {
    const { uid = '' } = owner.metadata;
    for (const dependent of this.#graph.dependentsOf(key)) {
      const kind = this.#servedOf(dependent);
      const entry = kind === undefined ? undefined : await this.#options.store.get(dependent);
      if (kind !== undefined && entry !== undefined) await this.#forget(kind, decodeStored(kind, entry), new Set([uid]));
    }
    await this.#release(served, owner, orphanFinalizer);
  }

  async #waitForDependents(key: string, served: ServedKind, owner: Resource): Promise<void> {
    const dependents = this.#graph.dependentsOf(key);
    for (const dependent of dependents) this.#queue.add(dependent);
    if (!(await this.#blocks(key, owner, dependents))) await this.#release(served, owner, foregroundFinalizer);
  }

  /** Whether one of them is there, means this owner, and blocks it. */
  async #blocks(key: string, owner: Resource, dependents: readonly string[]): Promise<boolean> {
    for (const dependent of dependents) {
      const served = this.#graph.isBlocked(key, dependent) ? this.#servedOf(dependent) : undefined;
      const entry = served === undefined ? undefined : await this.#options.store.get(dependent);
      const references = served === undefined || entry === undefined ? [] : (decodeStored(served, entry).metadata.ownerReferences ?? []);
      if (references.some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion === true)) return true;
    }
    return false;
  }

  #release(served: ServedKind, object: Resource, finalizer: string): Promise<void> {
    return this.#change(served, object, ({ finalizers = [], ...metadata }) => ({ ...metadata, finalizers: finalizers.filter((held) => held !== finalizer) }));
  }

  #forget(served: ServedKind, object: Resource, uids: ReadonlySet<string>): Promise<void> {
    return this.#change(served, object, ({ ownerReferences = [], ...metadata }) => ({ ...metadata, ownerReferences: ownerReferences.filter(({ uid }) => !uids.has(uid)) }));
  }

  async #change(served: ServedKind, { metadata: { namespace = '', name, uid } }: Resource, change: (metadata: Resource['metadata']) => Resource['metadata']): Promise<void> {
    const next = (current: Resource): unknown => {
      // Another object may have taken the name.
      if (current.metadata.uid !== uid) return current;
      const { resourceVersion: _, ...metadata } = change(current.metadata);
      return { ...current, metadata };
    };
    await ifThere(this.#options.registry.modify(served, namespace, name, next));
  }
}

/** Whether an object has owners, or is to be deleted in a way that concerns its dependents; cheap, and sometimes wrong for yes. */
const mayConcern = ({ note, value }: { readonly note?: object; readonly value: string; readonly revision: Revision }): boolean => {
  if (note !== undefined) {
    const { ownerReferences, deletionTimestamp, finalizers } = (note as Stored).object.metadata;
    return ownerReferences !== undefined || (deletionTimestamp !== undefined && finalizers !== undefined);
  }
  return value.includes('"ownerReferences":[') || value.includes(`"${foregroundFinalizer}"`) || value.includes(`"${orphanFinalizer}"`);
};

const ifThere = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (thrown) {
    const { code } = HeddleError.from(thrown);
    // Gone, or another object by now: what is left to do for that one is another step.
    if (code !== 'NotFound' && code !== 'Conflict') throw thrown;
  }
};
