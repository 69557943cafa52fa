/** Writes to objects that refer to others, as the store tells them, whoever wrote; and how far they have been told. */
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Change, Revision, Store } from '../../store/store.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import { decodeStored } from './stored.ts';

export interface FeedListener {
  readonly onChange: (served: ServedKind, before: Resource | undefined, after: Resource | undefined) => void;
  /** Nothing more is told. */
  readonly onEnd: () => void;
}

interface Waiter {
  readonly revision: Revision;
  readonly resolve: () => void;
  readonly reject: (error: HeddleError) => void;
}

export class ReferenceFeed {
  readonly #store: Store;
  /** By the part of a key before the first slash. */
  readonly #kinds: ReadonlyMap<string, ServedKind>;
  #reached: Revision = 0;
  #waiting: Waiter[] = [];
  #isRunning = false;

  constructor(store: Store, scheme: Scheme) {
    this.#store = store;
    this.#kinds = new Map(scheme.kinds.filter(({ kind }) => kind.references !== undefined).map((served) => [served.resource, served]));
  }

  /** Tells everything from now on, until the store closes or the watch is lost. */
  async start(listener: FeedListener): Promise<void> {
    // Asked, as another server may have written what this process has not heard of.
    const { revision } = await this.#store.list('/', { limit: 1 });
    this.#reached = revision;
    void this.#run(revision, listener);
  }

  /** Resolves when everything up to this revision, which must be of a key of this store, was told. */
  reached(revision: Revision): Promise<void> {
    if (revision <= this.#reached) return Promise.resolve();
    if (!this.#isRunning) return Promise.reject(lost('the watch ended'));
    return new Promise((resolve, reject) => this.#waiting.push({ revision, resolve, reject }));
  }

  async #run(after: Revision, listener: FeedListener): Promise<void> {
    let why = 'the store is closed';
    this.#isRunning = true;
    try {
      for await (const change of this.#store.watch({ prefix: '', after, signal: new AbortController().signal, buffer: 100_000 })) {
        this.#tell(change, listener);
        this.#advance(change.entry.revision);
      }
    } catch (thrown) {
      why = HeddleError.from(thrown).message;
    }
    this.#isRunning = false;
    listener.onEnd();
    for (const { reject } of this.#waiting.splice(0)) reject(lost(why));
  }

  #tell({ type, entry, previous }: Change, { onChange }: FeedListener): void {
    const served = this.#kinds.get(entry.key.slice(0, entry.key.indexOf('/')));
    if (served === undefined) return;
    const before = previous === undefined ? undefined : decodeStored(served, previous);
    onChange(served, before, type === 'put' ? decodeStored(served, entry) : undefined);
  }

  #advance(revision: Revision): void {
    this.#reached = revision;
    if (this.#waiting.length === 0) return;
    for (const waiter of this.#waiting) if (waiter.revision <= revision) waiter.resolve();
    this.#waiting = this.#waiting.filter((waiter) => waiter.revision > revision);
  }
}

const lost = (why: string): HeddleError => new HeddleError('Unavailable', `it is not known who refers to what: ${why}; try again`);
