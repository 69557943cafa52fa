/**
 * The controller's ears: lists every kind once, then watches from the revision of the list, so that nothing is missed and
 * nothing is heard twice. A watch that fell too far behind lists again and tells only what is different; one that ends or breaks
 * goes on where it was. A server that is away, busy or was set back to an older state is asked again with growing patience.
 */
import type { ResourceClient, ResourceWatch } from '../api/client.ts';
import { refOf, type ObjectRef, type Resource } from '../api/object.ts';
import type { Clock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { placeOf } from './objects.ts';

export interface ObjectChange {
  readonly ref: ObjectRef;
  /** The object as it is now; undefined when it is gone. */
  readonly object: Resource | undefined;
  /** The server was set back: the state counts although later ones were told before. */
  readonly setBack?: true;
}

export interface InformerOptions {
  readonly client: ResourceClient;
  readonly kinds: readonly string[];
  /** Called in revision order of each kind; what is said before `synced` resolves is the initial list. */
  readonly onChange: (change: ObjectChange) => void;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface Informers {
  /** Resolves when the first list of every kind was told; never when stopped before that. */
  readonly synced: Promise<void>;
  /** Everything of the kind up to this revision was told; -1 when that is not known, as over a network. */
  delivered(kind: string): number;
  /** Ends all watches and waits for them. */
  stop(): Promise<void>;
}

const firstRetryMilliseconds = 50;
const longestRetryMilliseconds = 5000;
/** A server that ends watches sooner than this, or has compacted what it listed, is not asked again at once. */
const shortMilliseconds = 1000;

export const startInformers = (options: InformerOptions): Informers => {
  const abort = new AbortController();
  const byKind = new Map(options.kinds.map((kind) => [kind, new Informer(kind, options, abort.signal)]));
  const informers = [...byKind.values()];
  const running = informers.map((informer) => informer.run());
  return {
    synced: Promise.all(informers.map((informer) => informer.synced)).then(() => undefined),
    delivered: (kind) => byKind.get(kind)?.delivered ?? -1,
    async stop() {
      abort.abort();
      await Promise.all(running);
    },
  };
};

class Informer {
  readonly synced: Promise<void>;
  readonly #kind: string;
  readonly #options: InformerOptions;
  readonly #signal: AbortSignal;
  /** Revision of every object that was told, by its place among those of the kind: what a new list is compared with. */
  readonly #known = new Map<string, number>();
  #resolveSynced: () => void = () => undefined;
  /** Where the watch goes on; undefined: list first. */
  #revision: string | undefined;
  #watching: ResourceWatch | undefined;
  #failures = 0;
  /** When the last list was asked for, monotonic milliseconds. */
  #listed = Number.NEGATIVE_INFINITY;

  constructor(kind: string, options: InformerOptions, signal: AbortSignal) {
    this.#kind = kind;
    this.#options = options;
    this.#signal = signal;
    this.synced = new Promise((resolve) => {
      this.#resolveSynced = resolve;
    });
  }

  get delivered(): number {
    if (this.#revision === undefined) return -1;
    return this.#watching === undefined ? Number(this.#revision) : (this.#watching.delivered ?? -1);
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        if (this.#revision === undefined) await this.#list();
        else await this.#watchOnce(this.#revision);
      } catch (thrown) {
        await this.#recover(HeddleError.from(thrown));
      }
    }
  }

  async #list(): Promise<void> {
    this.#listed = this.#options.clock.monotonic();
    const { items, resourceVersion } = await this.#options.client.list(this.#kind);
    if (this.#signal.aborted) return;
    if (this.#known.size > 0) this.#tellDeletions(items);
    for (const object of items) {
      const ref = refOf(object);
      const known = this.#known.get(placeOf(ref));
      if (known === revision(object)) continue;
      this.#tell(ref, object, known !== undefined && known > revision(object));
    }
    this.#revision = resourceVersion;
    this.#failures = 0;
    this.#resolveSynced();
  }

  #tellDeletions(items: readonly Resource[]): void {
    const listed = new Set(items.map((object) => placeOf(refOf(object))));
    for (const place of this.#known.keys()) if (!listed.has(place)) this.#tell(refAt(this.#kind, place), undefined);
  }

  /** A stream that the server ends is no fault, unless it does so again and again. */
  async #watchOnce(from: string): Promise<void> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    await this.#watch(from).finally(() => (this.#watching = undefined));
    if (!this.#signal.aborted && clock.monotonic() - began < shortMilliseconds) throw new HeddleError('Unavailable', 'the server ended the watch at once');
  }

  async #watch(from: string): Promise<void> {
    this.#watching = this.#options.client.watch(this.#kind, from, this.#signal);
    for await (const event of this.#watching) {
      this.#failures = 0;
      if (event.type === 'BOOKMARK') {
        if (Number(event.resourceVersion) < Number(this.#revision)) throw new HeddleError('Expired', 'the server was set back to an older state');
        this.#revision = event.resourceVersion;
        continue;
      }
      this.#revision = event.object.metadata.resourceVersion ?? this.#revision;
      this.#tell(refOf(event.object), event.type === 'DELETED' ? undefined : event.object);
    }
  }

  #tell(ref: ObjectRef, object: Resource | undefined, isSetBack = false): void {
    const place = placeOf(ref);
    if (object === undefined) this.#known.delete(place);
    else this.#known.set(place, revision(object));
    this.#options.onChange(isSetBack ? { ref, object, setBack: true } : { ref, object });
  }

  async #recover(error: HeddleError): Promise<void> {
    if (this.#signal.aborted) return;
    if (error.code === 'Expired') {
      this.#revision = undefined;
      if (this.#options.clock.monotonic() - this.#listed > shortMilliseconds) return;
    }
    this.#failures += 1;
    // As many informers as there are kinds lose one server at the same moment.
    const delay = Math.min(longestRetryMilliseconds, firstRetryMilliseconds * 2 ** (this.#failures - 1)) * (0.8 + Math.random() / 5);
    this.#options.log.warn({ kind: this.#kind, error: error.message, delay }, 'watch failed, trying again');
    try {
      await this.#options.clock.sleep(delay, this.#signal);
    } catch {
      // Aborted: `run` sees it.
    }
  }
}

const revision = ({ metadata }: Resource): number => Number(metadata.resourceVersion ?? 0);

/** The inverse of `placeOf`. */
const refAt = (kind: string, place: string): ObjectRef => {
  const slash = place.indexOf('/');
  return { kind, namespace: place.slice(0, Math.max(0, slash)), name: place.slice(slash + 1) };
};
