/**
 * The controller's ears: lists every kind once, then watches from the revision of the list, so that nothing is missed and
 * nothing is heard twice. A watch that fell too far behind lists again and tells only what is different.
 */
import type { ResourceClient } from '../api/client.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../api/object.ts';
import type { Clock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';

export interface ObjectChange {
  readonly ref: ObjectRef;
  /** The object as it is now; undefined when it is gone. */
  readonly object: Resource | undefined;
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
  /** Ends all watches and waits for them. */
  stop(): Promise<void>;
}

const firstRetryMilliseconds = 50;
const longestRetryMilliseconds = 5000;

export const startInformers = (options: InformerOptions): Informers => {
  const abort = new AbortController();
  const informers = options.kinds.map((kind) => new Informer(kind, options, abort.signal));
  const running = informers.map((informer) => informer.run());
  return {
    synced: Promise.all(informers.map((informer) => informer.synced)).then(() => undefined),
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
  /** Revision of every object that was told, by key: what a new list is compared with. */
  readonly #known = new Map<string, { readonly ref: ObjectRef; readonly revision: string }>();
  #resolveSynced: () => void = () => undefined;
  /** Where the watch goes on; undefined: list first. */
  #revision: string | undefined;
  #failures = 0;

  constructor(kind: string, options: InformerOptions, signal: AbortSignal) {
    this.#kind = kind;
    this.#options = options;
    this.#signal = signal;
    this.synced = new Promise((resolve) => {
      this.#resolveSynced = resolve;
    });
  }

  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        if (this.#revision === undefined) await this.#list();
        else await this.#watch(this.#revision);
      } catch (thrown) {
        await this.#recover(HeddleError.from(thrown));
      }
    }
  }

  async #list(): Promise<void> {
    const { items, resourceVersion } = await this.#options.client.list(this.#kind);
    if (this.#signal.aborted) return;
    const listed = new Set(items.map((object) => refKey(refOf(object))));
    for (const [key, { ref }] of this.#known) if (!listed.has(key)) this.#tell(ref, undefined);
    for (const object of items) {
      const ref = refOf(object);
      if (this.#known.get(refKey(ref))?.revision !== object.metadata.resourceVersion) this.#tell(ref, object);
    }
    this.#revision = resourceVersion;
    this.#failures = 0;
    this.#resolveSynced();
  }

  async #watch(from: string): Promise<void> {
    for await (const event of this.#options.client.watch(this.#kind, from, this.#signal)) {
      this.#failures = 0;
      if (event.type === 'BOOKMARK') {
        this.#revision = event.resourceVersion;
        continue;
      }
      this.#revision = event.object.metadata.resourceVersion ?? this.#revision;
      this.#tell(refOf(event.object), event.type === 'DELETED' ? undefined : event.object);
    }
  }

  #tell(ref: ObjectRef, object: Resource | undefined): void {
    const key = refKey(ref);
    if (object === undefined) this.#known.delete(key);
    else this.#known.set(key, { ref, revision: object.metadata.resourceVersion ?? '' });
    this.#options.onChange({ ref, object });
  }

  async #recover(error: HeddleError): Promise<void> {
    if (this.#signal.aborted) return;
    if (error.code === 'Expired') {
      this.#revision = undefined;
      return;
    }
    this.#failures += 1;
    const delay = Math.min(longestRetryMilliseconds, firstRetryMilliseconds * 2 ** (this.#failures - 1));
    this.#options.log.warn({ kind: this.#kind, error: error.message, delay }, 'watch failed, trying again');
    try {
      await this.#options.clock.sleep(delay, this.#signal);
    } catch {
      // Aborted: `run` sees it.
    }
  }
}
