/** A watch in terms of objects: store changes of one kind, narrowed to a namespace and a selection. */
import type { Resource } from '../../api/object.ts';
import type { Change, Entry, Revision, Store } from '../../store/store.ts';
import type { ServedKind } from '../scheme.ts';
import type { Predicate } from './selector.ts';
import { decodeStored, watchedObject, withManagedFields, type Stored } from './stored.ts';

export interface ObjectEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** For DELETED the last state, with the resourceVersion of the deletion. */
  readonly object: Resource;
  /** The same with `metadata.managedFields`. */
  readonly managed: Resource;
}

export interface ObjectWatch extends AsyncIterable<ObjectEvent> {
  /** Everything up to this revision has been handled by the consumer. */
  readonly delivered: Revision;
}

export interface WatchObjectsOptions {
  /** Empty or left out: all namespaces. */
  readonly namespace?: string;
  /** Events after this revision; `Expired` on the first read when it was compacted. */
  readonly after: Revision;
  readonly signal: AbortSignal;
  readonly select?: Predicate;
  /** Undelivered events after which a slow consumer is cut off with `Expired`. */
  readonly buffer?: number;
  /** And their characters, as stored. */
  readonly bufferCharacters?: number;
}

/** Objects may have megabytes: what a watcher leaves is bounded by its size too. */
const mostCharacters = 64 * 1024 * 1024;

export const watchObjects = (store: Store, served: ServedKind, options: WatchObjectsOptions): ObjectWatch => {
  const { after, signal, select, buffer = 2000, bufferCharacters = mostCharacters } = options;
  const changes = store.watch({ prefix: served.key(options.namespace ?? '', ''), after, signal, buffer, bufferCharacters });
  return {
    get delivered() {
      return changes.delivered;
    },
    async *[Symbol.asyncIterator]() {
      for await (const change of changes) {
        const event = eventOf(served, change, select);
        if (event !== undefined) yield event;
      }
    },
  };
};

/** An update that leaves the selection is seen as DELETED, one that enters it as ADDED. */
const eventOf = (served: ServedKind, change: Change, select: Predicate | undefined): ObjectEvent | undefined => {
  if (select === undefined) return sharedEvent(served, change);
  const { type, entry, previous } = change;
  const before = previous !== undefined && select(decodeStored(served, previous));
  if (type === 'put') {
    const event = new Event(before ? 'MODIFIED' : 'ADDED', served, entry);
    if (select(event.object)) return event;
  }
  return before ? new Event('DELETED', served, { ...previous, revision: entry.revision }) : undefined;
};

const events = new WeakMap<Change, ObjectEvent>();

/** What everybody sees who selects nothing: made once for all watchers. */
const sharedEvent = (served: ServedKind, change: Change): ObjectEvent => {
  const known = events.get(change);
  if (known !== undefined) return known;
  const { type, entry, previous } = change;
  const event =
    type === 'put'
      ? new Event(previous === undefined ? 'ADDED' : 'MODIFIED', served, entry)
      : new Event('DELETED', served, { ...(previous ?? entry), revision: entry.revision });
  events.set(change, event);
  return event;
};

/** Decoded when somebody wants to see the object: who waits for deletions only does not pay for the rest. */
class Event implements ObjectEvent {
  readonly type: ObjectEvent['type'];
  readonly #served: ServedKind;
  readonly #entry: Entry;
  #stored: Stored | undefined;
  #managed: Resource | undefined;

  constructor(type: ObjectEvent['type'], served: ServedKind, entry: Entry) {
    this.type = type;
    this.#served = served;
    this.#entry = entry;
  }

  get object(): Resource {
    this.#stored ??= watchedObject(this.#served, this.#entry);
    return this.#stored.object;
  }

  get managed(): Resource {
    this.#stored ??= watchedObject(this.#served, this.#entry);
    this.#managed ??= withManagedFields(this.#served, this.#stored);
    return this.#managed;
  }
}
