/**
 * The semantics of the resource API over a store: identity, generations, optimistic concurrency, the status subresource,
 * finalizers, watch. It knows neither HTTP nor any particular kind; controllers reach it in process through client.ts.
 */
import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ObjectMeta, Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { orderedUuids } from '../../kit/uuid.ts';
import type { Entry, Revision, Store, Write } from '../../store/store.ts';
import { admit, desired, pruneFields, type AdmitOptions } from './admit.ts';
import { objectOr, optional } from '../../kit/json.ts';
import { builtInNamespaces, isNamespace, markTerminating, NamespaceGate } from './namespaces.ts';
import { References } from './references.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import type { Predicate } from './selector.ts';
import { alreadyExists, ApiError, conflict, forbidden, invalidObject, notFound, staleVersion } from '../status.ts';
import { decodeStored, encodeStored, withVersion } from './stored.ts';
import { watchObjects, type ObjectWatch, type WatchObjectsOptions } from './watch.ts';

export interface WriteOptions extends AdmitOptions {
  /** Everything but the commit. */
  readonly dryRun?: boolean;
  /** Which half of the object the write may change. Default: all but status (kinds without the subresource: all). */
  readonly subresource?: 'status';
}

export interface ListObjectsOptions {
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
  /** Throws `Conflict` when other objects refer to it. */
  readonly refuseInUse?: boolean;
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
  get(served: ServedKind, namespace: string, name: string): Promise<Resource>;
  list(served: ServedKind, options?: ListObjectsOptions): Promise<ObjectList>;
  watch(served: ServedKind, options: WatchObjectsOptions): ObjectWatch;
  /** Throws AlreadyExists, BadRequest (unknown fields), Invalid, NotFound (namespace), Forbidden (namespace terminating). */
  create(served: ServedKind, body: unknown, options?: WriteOptions): Promise<Resource>;
  /** Whole-object update; the body's resourceVersion must be current. */
  update(served: ServedKind, body: unknown, options?: WriteOptions): Promise<Resource>;
  /** Changes the current object by a pure function, again when somebody else wrote in between. */
  modify(served: ServedKind, namespace: string, name: string, change: (current: Resource) => unknown, options?: WriteOptions): Promise<Resource>;
  delete(served: ServedKind, namespace: string, name: string, options?: DeleteOptions): Promise<Deleted>;
}

const conflictRetries = 8;

/** `now` is the clock of creation and deletion times. */
export const createRegistry = (store: Store, scheme: Scheme, now: () => Date = () => new Date()): Registry => {
  const gate = new NamespaceGate();
  const references = new References({
    kinds: scheme.kinds,
    list: async (served) => (await listObjects(store, served, {})).items,
    get: async ({ kind, namespace, name }) => {
      const served = scheme.byKind(kind);
      const entry = await store.get(served.key(namespace, name));
      return entry && decodeStored(served, entry);
    },
  });
  const newUid = orderedUuids(() => now().getTime());
  const timestamp = secondsOf(now);

  const entryOf = async (served: ServedKind, namespace: string, name: string): Promise<Entry> => {
    // Names that no object can have would form keys of other objects, or none.
    const entry = name === '' || name.includes('/') || namespace.includes('/') ? undefined : await store.get(served.key(namespace, name));
    if (entry === undefined) throw notFound(served, name);
    return entry;
  };

  /**
   * Namespaces known to take new content. All writes go through this registry, and one of a namespace takes it out again, so
   * that it is looked at anew; what was let in just before a deletion is the gate's business.
   */
  const welcoming = new Set<string>();
  let namespaceWrites = 0;
  const forgetWelcome = (namespace: string): void => {
    namespaceWrites += 1;
    welcoming.delete(namespace);
  };

  /** Writes the new state of an entry, or removes it when a deletion was only waiting for this; `undefined` entry creates. */
  const commitObject = async (served: ServedKind, object: Resource, entry: Entry | undefined, before?: Resource): Promise<Resource> => {
    const key = served.key(object.metadata.namespace ?? '', object.metadata.name);
    const expected = entry?.revision ?? 0;
    const gone = object.metadata.deletionTimestamp !== undefined && holders(served, object).length === 0;
    const write: Write = gone ? { type: 'delete', key, expected } : { type: 'put', key, value: encodeStored(object), expected, note: object };
    try {
      const [change] = await store.commit([write]);
      references.follow(served, before, gone ? undefined : object);
      return withVersion(object, change?.entry.revision ?? expected);
    } catch (thrown) {
      const lost = thrown instanceof HeddleError && (thrown.code === 'Conflict' || thrown.code === 'NotFound');
      if (!lost) throw thrown;
      throw entry === undefined ? alreadyExists(served, object.metadata.name) : staleVersion(served, object.metadata.name);
    } finally {
      if (isNamespace(served)) forgetWelcome(object.metadata.name);
    }
  };

  const checkNamespace = async (namespace: string): Promise<void> => {
    if (welcoming.has(namespace)) return;
    const namespaces = scheme.byKind('Namespace');
    const writes = namespaceWrites;
    const entry = await store.get(namespaces.key('', namespace));
    if (entry === undefined) throw notFound(namespaces, namespace);
    const { deletionTimestamp } = decodeStored(namespaces, entry).metadata;
    if (deletionTimestamp === undefined) {
      if (writes === namespaceWrites) welcoming.add(namespace);
      return;
    }
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw new ApiError('Forbidden', why, { name: namespace, kind: 'namespaces' }, {
      findings: [{ path: 'metadata.namespace', code: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated` }],
    });
  };

  const newObject = (served: ServedKind, body: Resource): Resource => {
    const { generateName, name } = body.metadata;
    const metadata: ObjectMeta = {
      ...keptMetadata(body.metadata),
      name: name === '' && generateName !== undefined && generateName !== '' ? generateName + suffix() : name,
      uid: newUid(),
      generation: 1,
      creationTimestamp: timestamp(),
    };
    if (!served.namespaced) delete metadata.namespace;
    const { status: _, ...withoutStatus } = body;
    return { ...(served.kind.hasStatus ? withoutStatus : body), apiVersion: served.apiVersion, kind: served.kind.kind, metadata };
  };

  const create = async (served: ServedKind, body: unknown, options: WriteOptions = {}): Promise<Resource> => {
    const { given, isSound } = pruneFields(served, body, options);
    checkType(served, given);
    if ((given.metadata.resourceVersion ?? '') !== '') {
      throw new HeddleError('BadRequest', 'resourceVersion should not be set on objects to be created');
    }
    const namespace = given.metadata.namespace ?? '';
    if (served.namespaced && namespace === '') throw new HeddleError('BadRequest', `${served.kind.kind} "${given.metadata.name}" needs a namespace`);
    const leave = gate.enter(namespace);
    try {
      if (served.namespaced) await checkNamespace(namespace);
      const object = admit(served, newObject(served, given), undefined, { isSound });
      if (options.dryRun !== true) return await commitObject(served, object, undefined);
      if ((await store.get(served.key(namespace, object.metadata.name))) !== undefined) throw alreadyExists(served, object.metadata.name);
      return object;
    } finally {
      leave();
    }
  };

  /** One attempt to replace `entry` by what `body` says; returns the current object unchanged when nothing differs. */
  const replace = async (served: ServedKind, entry: Entry, current: Resource, body: unknown, options: WriteOptions): Promise<Resource> => {
    const { given } = pruneFields(served, body, options);
    checkType(served, given);
    checkIdentity(served, current, given);
    const isStatusOnly = options.subresource === 'status';
    const next = admit(served, merged(served, current, given, options.subresource), current, { isStatusOnly });
    const { resourceVersion: _, ...currentMetadata } = current.metadata;
    const isSameDesire = isStatusOnly || isDeepStrictEqual(desired(current), desired(next));
    const isSameMetadata = isStatusOnly || isDeepStrictEqual(currentMetadata, next.metadata);
    if (isSameDesire && isSameMetadata && isDeepStrictEqual(current.status, next.status)) return current;
    if (!isSameDesire) {
      const stranded = await references.strandedBy(served, current, next);
      if (stranded.length > 0) throw invalidObject(served, next.metadata.name, stranded);
      next.metadata.generation = (current.metadata.generation ?? 0) + 1;
    }
    if (options.dryRun === true) return withVersion(next, entry.revision);
    return commitObject(served, next, entry, current);
  };

  const update = async (served: ServedKind, body: unknown, options: WriteOptions = {}): Promise<Resource> => {
    const metadata = objectOr(objectOr(body)['metadata']);
    const namespace = served.namespaced ? String(metadata['namespace'] ?? '') : '';
    const entry = await entryOf(served, namespace, String(metadata['name'] ?? ''));
    const version = metadata['resourceVersion'];
    if ((version === undefined || version === '') && served.kind.group !== '') {
      throw invalidObject(served, String(metadata['name']), [
        { path: 'metadata.resourceVersion', code: 'FieldValueInvalid', message: 'must be specified for an update' },
      ]);
    }
    return replace(served, entry, decodeStored(served, entry), body, options);
  };

  const modify: Registry['modify'] = async (served, namespace, name, change, options = {}) => {
    for (let attempt = 1; ; attempt += 1) {
      const entry = await entryOf(served, namespace, name);
      const current = decodeStored(served, entry);
      const next = change(current);
      // A patch that names a version asks to fail when it is not the current one: trying again could only lose.
      const locked = objectOr(objectOr(next)['metadata'])['resourceVersion'] !== current.metadata.resourceVersion;
      try {
        return await replace(served, entry, current, next, options);
      } catch (thrown) {
        const retry = thrown instanceof HeddleError && thrown.code === 'Conflict' && !locked && attempt < conflictRetries;
        if (!retry) throw thrown;
      }
    }
  };

  const remove: Registry['delete'] = async (served, namespace, name, options = {}) => {
    for (let attempt = 1; ; attempt += 1) {
      const entry = await entryOf(served, namespace, name);
      const current = decodeStored(served, entry);
      checkPreconditions(served, current, options);
      if (isNamespace(served) && builtInNamespaces.includes(name)) throw forbidden(served, name, 'this namespace may not be deleted');
      const held = holders(served, current).length > 0;
      if (held && current.metadata.deletionTimestamp !== undefined) return { object: current, removed: false };
      if (options.refuseInUse === true) await references.refuseInUse(served, current);
      const dying = markDeleted(served, current, timestamp());
      if (options.dryRun === true) return { object: dying, removed: !held };
      try {
        return { object: await commitObject(served, dying, entry, current), removed: !held };
      } catch (thrown) {
        const retry = thrown instanceof HeddleError && thrown.code === 'Conflict' && attempt < conflictRetries;
        if (!retry) throw thrown;
      }
    }
  };

  return {
    scheme,
    get revision() {
      return store.revision;
    },
    get: async (served, namespace, name) => decodeStored(served, await entryOf(served, namespace, name)),
    list: (served, options = {}) => listObjects(store, served, options),
    watch: (served, options) => watchObjects(store, served, options),
    create,
    update,
    modify,
    async delete(served, namespace, name, options) {
      const deleted = await remove(served, namespace, name, options);
      // Creations that passed the namespace check before it was marked must land before anyone concludes it is empty.
      if (isNamespace(served)) await gate.settled(name);
      return deleted;
    },
  };
};

/** Pages of the store until `limit` objects were selected. */
const listObjects = async (store: Store, served: ServedKind, options: ListObjectsOptions): Promise<ObjectList> => {
  const items: Resource[] = [];
  let { from, revision } = options;
  for (;;) {
    const room = options.limit === undefined ? undefined : options.limit - items.length;
    const page = await store.list(served.key(options.namespace ?? '', ''), { ...optional('limit', room), ...optional('from', from), ...optional('revision', revision) });
    revision = page.revision;
    for (const entry of page.entries) {
      const object = decodeStored(served, entry);
      if (options.select?.(object) ?? true) items.push(object);
    }
    if (page.next === undefined) return { items, revision };
    if (items.length === options.limit) {
      return { items, revision, next: page.next, ...(options.select === undefined ? optional('remaining', page.remaining) : {}) };
    }
    from = page.next;
  }
};

/** The time as Kubernetes writes it, whole seconds; the text of one second is made once, and is one string in all objects. */
const secondsOf = (now: () => Date): (() => string) => {
  let [second, text] = [Number.NaN, ''];
  return () => {
    const at = Math.floor(now().getTime() / 1000);
    if (at !== second) [second, text] = [at, new Date(at * 1000).toISOString().replace('.000Z', 'Z')];
    return text;
  };
};

/** 5 characters without vowels and look-alikes, as Kubernetes does, so that no words appear. */
const suffix = (): string => {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
};

/** What a client may set; the rest is the server's. Ownership of fields is not kept, see the apply issue. */
const keptMetadata = ({ name, namespace, generateName, labels, annotations, ownerReferences, finalizers }: ObjectMeta): ObjectMeta => ({
  name,
  ...optional('namespace', namespace),
  ...optional('generateName', generateName),
  ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels }),
  ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
  ...(ownerReferences === undefined || ownerReferences.length === 0 ? {} : { ownerReferences }),
  ...(finalizers === undefined || finalizers.length === 0 ? {} : { finalizers }),
});

const checkType = (served: ServedKind, object: Resource): void => {
  if (object.kind === served.kind.kind && object.apiVersion === served.apiVersion) return;
  throw new HeddleError(
    'BadRequest',
    `the body is "${object.apiVersion}, Kind=${object.kind}", this path takes "${served.apiVersion}, Kind=${served.kind.kind}"`,
  );
};

const checkIdentity = (served: ServedKind, current: Resource, given: Resource): void => {
  const { name, uid, resourceVersion } = given.metadata;
  if (uid !== undefined && uid !== '' && uid !== current.metadata.uid) {
    throw conflict(served, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`);
  }
  const version = resourceVersion ?? '';
  if (version !== '' && version !== current.metadata.resourceVersion) throw staleVersion(served, name);
  if (current.metadata.deletionTimestamp === undefined) return;
  const added = (given.metadata.finalizers ?? []).filter((finalizer) => !(current.metadata.finalizers ?? []).includes(finalizer));
  if (added.length > 0) {
    const message = `no new finalizers can be added if the object is being deleted, found "${added.join('", "')}"`;
    throw invalidObject(served, name, [{ path: 'metadata.finalizers', code: 'FieldValueForbidden', message }]);
  }
};

/** The next state: the half that the write may change from `given`, everything else from `current`. */
const merged = (served: ServedKind, current: Resource, given: Resource, subresource: 'status' | undefined): Resource => {
  const { resourceVersion: _, ...currentMetadata } = current.metadata;
  if (subresource === 'status') {
    const { status: __, ...rest } = current;
    return { ...rest, metadata: currentMetadata, ...optional('status', given.status) };
  }
  const metadata: ObjectMeta = {
    ...keptMetadata(given.metadata),
    name: current.metadata.name,
    ...optional('namespace', current.metadata.namespace),
    ...optional('uid', current.metadata.uid),
    ...optional('generation', current.metadata.generation),
    ...optional('creationTimestamp', current.metadata.creationTimestamp),
    ...optional('generateName', current.metadata.generateName),
    ...optional('deletionTimestamp', current.metadata.deletionTimestamp),
  };
  if (!served.kind.hasStatus) return { ...given, metadata };
  const { status: ___, ...rest } = given;
  return { ...rest, metadata, ...optional('status', current.status) };
};

const finalizersIn = (spec: unknown): string[] => {
  const finalizers = objectOr(spec)['finalizers'];
  return Array.isArray(finalizers) ? finalizers.map(String) : [];
};

/** Who still holds an object that is to be deleted. */
const holders = (served: ServedKind, object: Resource): readonly string[] => [
  ...(object.metadata.finalizers ?? []),
  ...(isNamespace(served) ? finalizersIn(object.spec) : []),
];

const markDeleted = (served: ServedKind, object: Resource, time: string): Resource => {
  const { metadata } = object;
  const marked = { ...object, metadata: { ...metadata, deletionTimestamp: metadata.deletionTimestamp ?? time, generation: (metadata.generation ?? 0) + 1 } };
  return isNamespace(served) ? markTerminating(marked) : marked;
};

const checkPreconditions = (served: ServedKind, current: Resource, { preconditions }: DeleteOptions): void => {
  const { name, uid, resourceVersion } = current.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(served, name, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(served, name, `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`);
  }
};
