/**
 * The semantics of the resource API over a store: identity, generations, optimistic concurrency, the status subresource,
 * finalizers, watch. It knows neither HTTP nor any particular kind; controllers reach it in process through client.ts.
 */
import type { ObjectRef, Resource } from '../../api/object.ts';
import type { HeddleError } from '../../kit/error.ts';
import type { Revision, Store } from '../../store/store.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import type { AdmitOptions } from './admit.ts';
import { createContext, type Context } from './context.ts';
import { applyObject } from './apply.ts';
import { createObject } from './create.ts';
import { listObjects } from './list.ts';
import type { Propagation } from './propagation.ts';
import { removeObject } from './remove.ts';
import { modifyObject, updateObject } from './replace.ts';
import type { Predicate } from './selector.ts';
import type { Fence } from './shared.ts';
import { readStored, withManagedFields } from './stored.ts';
import { watchObjects, type ObjectWatch, type WatchObjectsOptions } from './watch.ts';

/** `finalize` is of namespaces: who may let them go. */
export type Subresource = 'status' | 'finalize';

export interface WriteOptions extends AdmitOptions {
  /** Everything but the commit. */
  readonly dryRun?: boolean;
  /** Which half of the object the write may change. Default: all but status (kinds without the subresource: all). */
  readonly subresource?: Subresource;
  /** Who writes, as managedFields name him. Default: the server itself. */
  readonly fieldManager?: string;
  /** The answer, and what a change is made from, hold `metadata.managedFields`. */
  readonly managedFields?: boolean;
  /**
   * Looks at the admitted object before it is written, dry runs included, and throws to refuse: what depends on who asks
   * (escalation, quotas, consent). Runs again when the write is tried again.
   */
  readonly review?: (next: Resource, before: Resource | undefined) => void | Promise<void>;
  /** Whether an object may be named to who asks. Default: all may. */
  readonly sees?: (ref: ObjectRef) => boolean;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Take fields that others own and say otherwise. */
  readonly force?: boolean;
}

export interface Applied {
  readonly object: Resource;
  readonly created: boolean;
}

export interface ReadOptions {
  /** Objects hold `metadata.managedFields`. */
  readonly managedFields?: boolean;
}

export interface ListObjectsOptions extends ReadOptions {
  /** Empty or left out: all namespaces. */
  readonly namespace?: string;
  readonly limit?: number;
  /** Store key to go on from. */
  readonly from?: string;
  readonly revision?: Revision;
  readonly select?: Predicate;
}

export interface ObjectList {
  readonly items: readonly Resource[];
  readonly revision: Revision;
  /** Store key of the next page. */
  readonly next?: string;
  /** Objects after this page; unknown when a selector is used. */
  readonly remaining?: number;
}

export interface DeleteOptions {
  readonly dryRun?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  /** Left out: as its finalizers say, which is Background for most. */
  readonly propagation?: Propagation;
  /** Throws `Conflict` when other objects refer to it. */
  readonly refuseInUse?: boolean;
  /** Referrers that are to go too, and hold it no longer. */
  readonly goesToo?: (ref: ObjectRef) => boolean;
  /** Whether an object may be named to who asks. Default: all may. */
  readonly sees?: (ref: ObjectRef) => boolean;
}

export interface Deleted {
  /** Its last state; with a deletionTimestamp when finalizers still hold it. */
  readonly object: Resource;
  readonly removed: boolean;
}

export interface Registry {
  readonly scheme: Scheme;
  /** The latest resourceVersion of the whole server. */
  readonly revision: Revision;
  /** Enforces ResourceQuotas from when it resolves until the signal aborts. */
  followQuotas(signal: AbortSignal, onError: (error: HeddleError) => void): Promise<void>;
  get(served: ServedKind, namespace: string, name: string, options?: ReadOptions): Promise<Resource>;
  list(served: ServedKind, options?: ListObjectsOptions): Promise<ObjectList>;
  watch(served: ServedKind, options: WatchObjectsOptions): ObjectWatch;
  /** Throws AlreadyExists, BadRequest (unknown fields), Invalid, NotFound (namespace), Forbidden (namespace terminating). */
  create(served: ServedKind, body: unknown, options?: WriteOptions): Promise<Resource>;
  /** Whole-object update; the body's resourceVersion must be current. */
  update(served: ServedKind, body: unknown, options?: WriteOptions): Promise<Resource>;
  /** Changes the current object by a pure function, again when somebody else wrote in between. */
  modify(served: ServedKind, namespace: string, name: string, change: (current: Resource) => unknown, options?: WriteOptions): Promise<Resource>;
  /**
   * Server-side apply: makes the object say what the body says, and no longer what the same manager applied before; creates it
   * when it is not there. Throws `Conflict` with causes `FieldManagerConflict` when others own what would change.
   */
  apply(served: ServedKind, namespace: string, name: string, body: unknown, options: ApplyOptions): Promise<Applied>;
  delete(served: ServedKind, namespace: string, name: string, options?: DeleteOptions): Promise<Deleted>;
  /** The same objects for a controller in office: its writes are `Unavailable` once somebody else has the fence. */
  fenced(fence: Fence): Registry;
}

export interface RegistryOptions {
  /** Others write to the same store: what a write depends on is checked in its commit. Default: no. */
  readonly isShared?: boolean;
}

/** `now` is the clock of creation and deletion times. */
export const createRegistry = (store: Store, scheme: Scheme, now: () => Date = () => new Date(), options: RegistryOptions = {}): Registry =>
  registryOf(createContext(store, scheme, now, options.isShared));

const registryOf = (context: Context): Registry => {
  const { store, scheme } = context;
  return {
    scheme,
    get revision() {
      return store.revision;
    },
    followQuotas: (signal, onError) => context.quotas.follow(signal, onError),
    get: async (served, namespace, name, options = {}) => {
      const stored = readStored(served, await context.entryOf(served, namespace, name));
      return options.managedFields === true ? withManagedFields(served, stored) : stored.object;
    },
    list: (served, options = {}) => listObjects(store, served, options),
    watch: (served, options) => watchObjects(store, served, options),
    create: (served, body, options) => createObject(context, served, body, options),
    update: (served, body, options) => updateObject(context, served, body, options),
    modify: (served, namespace, name, change, options) => modifyObject(context, served, namespace, name, change, options),
    apply: (served, namespace, name, body, options) => applyObject(context, served, { namespace, name }, body, options),
    delete: (served, namespace, name, options) => removeObject(context, served, namespace, name, options),
    fenced: (fence) => registryOf(context.fenced(fence)),
  };
};
