/** What the verbs of the registry share: where objects are, who refers to whom, clocks and ids, and the one way to commit. */
import { isBuiltIn, refOf, type Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import { orderedUuids } from '../../kit/uuid.ts';
import type { Entry, Store, Write } from '../../store/store.ts';
import type { Owner } from '../patch/owners.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import { alreadyExists, notFound, staleVersion } from '../status.ts';
import { listObjects } from './list.ts';
import { isNamespace } from './namespaces.ts';
import { nothingCounted, Quotas, type Count } from './quotas.ts';
import { ReferenceFeed } from './referencefeed.ts';
import { References } from './references.ts';
import { reserve, type Reservation } from './reservations.ts';
import { conditionsOf, fenceCondition, namespaceCondition, noConditions, referenceConditions, type Conditions, type Fence } from './shared.ts';
import { decodeStored, encodeStored, readStored, withVersion } from './stored.ts';
import { Welcome } from './welcome.ts';

export interface Context {
  readonly store: Store;
  readonly scheme: Scheme;
  readonly references: References;
  readonly welcome: Welcome;
  readonly quotas: Quotas;
  /** A UID, later ones greater. */
  newUid(): string;
  /** Now, as Kubernetes writes times. */
  timestamp(): string;
  /** Throws `NotFound`. */
  entryOf(served: ServedKind, namespace: string, name: string): Promise<Entry>;
  /**
   * Writes the new state of an entry, or removes it when a deletion was only waiting for this; without `entry` it creates.
   * `before` is what it replaces; without `owners` fields stay whose they are. Throws `AlreadyExists` or `Conflict` when
   * somebody else was faster.
   */
  commit(served: ServedKind, object: Resource, entry: Entry | undefined, before?: Resource, reservation?: Reservation, owners?: readonly Owner[]): Promise<Resource>;
  /**
   * Does the work while nobody begins to refer to the object, where that needs to be said: others write to the same store. The
   * work gets what it hands to `commit` or `refuseInUse`.
   */
  reserving<Result>(served: ServedKind, object: Resource, work: (reservation?: Reservation) => Promise<Result>): Promise<Result>;
  /** The same for a controller in office: what it writes is refused once somebody else has the fence. */
  fenced(fence: Fence): Context;
}

/** How often a write that somebody else overtook is tried again. */
export const conflictRetries = 8;
/** The same, where servers take from one quota: each time another one got through. */
const quotaRetries = 64;

/** @param isShared others write to the same store */
export const createContext = (store: Store, scheme: Scheme, now: () => Date, isShared = false): Context => {
  const references = new References({
    kinds: scheme.stored,
    ...(isShared ? { feed: new ReferenceFeed(store, scheme) } : {}),
    list: async (served) => (await listObjects(store, served, {})).items,
    get: async ({ kind, namespace, name }) => {
      const served = scheme.byKind(kind);
      const entry = await store.get(served.key(namespace, name));
      return entry && decodeStored(served, entry);
    },
  });
  const welcome = new Welcome(store, scheme);
  const entryOf: Context['entryOf'] = async (served, namespace, name) => {
    // Names that no object can have would form keys of other objects, or none.
    const entry = name === '' || name.includes('/') || namespace.includes('/') ? undefined : await store.get(served.key(namespace, name));
    if (entry === undefined) throw notFound(served, name);
    return entry;
  };
  const namespaces = isShared ? scheme.byKind('Namespace') : undefined;
  const conditions = async (served: ServedKind, object: Resource, before: Resource | undefined, fence: Fence | undefined): Promise<Conditions> => {
    if (namespaces === undefined && fence === undefined) return noConditions;
    const all = fence === undefined ? [] : [fenceCondition(fence)];
    if (namespaces === undefined) return conditionsOf(store, all);
    const { namespace = '' } = object.metadata;
    if (served.namespaced && before === undefined) all.push(await namespaceCondition(welcome, namespaces.key('', namespace), namespace));
    return conditionsOf(store, [...all, ...referenceConditions(store, served, object, before)]);
  };
  const quotas = new Quotas(store, scheme, (namespace) => welcome.gate.settled(namespace));
  const commitUnder = (fence?: Fence): Context['commit'] => async (served, object, entry, before, reservation, owners) => {
    const expected = entry?.revision ?? 0;
    const write = writeOf(served, object, entry, owners);
    const attempts = async (count: () => Count): Promise<Resource> => {
      for (let attempt = 1; ; attempt += 1) {
        const { writes, failed } = await conditions(served, object, before, fence);
        const counted = count();
        try {
          const changes = await store.commit([...writes, write, ...(reservation === undefined ? [] : [reservation.end]), ...counted.writes]);
          reservation?.ended();
          counted.done(changes);
          references.follow(served, before, write.type === 'delete' ? undefined : object);
          return withVersion(object, changes[0]?.entry.revision ?? expected);
        } catch (thrown) {
          const lost = thrown instanceof HeddleError && (thrown.code === 'Conflict' || thrown.code === 'NotFound');
          if (!lost) throw thrown;
          if ((await counted.failed()) && attempt < quotaRetries) continue;
          if ((await failed()) && attempt < conflictRetries) continue;
          throw entry === undefined ? alreadyExists(served, object.metadata.name) : staleVersion(served, object.metadata.name);
        } finally {
          if (isNamespace(served)) welcome.forget(object.metadata.name);
        }
      }
    };
    if (entry === undefined) return quotas.counting(served, object, 1, attempts);
    return write.type === 'delete' ? quotas.counting(served, object, -1, attempts) : attempts(() => nothingCounted);
  };
  const reserving: Context['reserving'] = async (served, object, work) => {
    // Nothing refers to core kinds.
    if (!isShared || isBuiltIn(served.kind)) return work();
    // Others wait for a reservation, which is no time to read everything.
    await references.fill();
    const reservation = await reserve(store, refOf(object));
    try {
      return await work(reservation);
    } finally {
      await reservation.release();
    }
  };
  const context = {
    store,
    scheme,
    references,
    welcome,
    quotas,
    newUid: orderedUuids(() => now().getTime()),
    timestamp: secondsOf(now),
    entryOf,
    commit: commitUnder(),
    reserving,
    fenced: (fence: Fence): Context => ({ ...context, commit: commitUnder(fence) }),
  };
  return context;
};

const writeOf = (served: ServedKind, object: Resource, entry: Entry | undefined, owners: readonly Owner[] | undefined): Write => {
  const expected = entry?.revision ?? 0;
  const key = served.key(object.metadata.namespace ?? '', object.metadata.name);
  const gone = object.metadata.deletionTimestamp !== undefined && holders(served, object).length === 0;
  if (gone) return { type: 'delete', key, expected };
  const stored = { object, owners: owners ?? (entry === undefined ? [] : readStored(served, entry).owners) };
  return { type: 'put', key, value: encodeStored(stored), expected, note: stored };
};

const finalizersIn = (spec: unknown): string[] => {
  const finalizers = objectOr(spec)['finalizers'];
  return Array.isArray(finalizers) ? finalizers.map(String) : [];
};

/** Who still holds an object that is to be deleted. */
export const holders = (served: ServedKind, object: Resource): readonly string[] => [
  ...(object.metadata.finalizers ?? []),
  ...(isNamespace(served) ? finalizersIn(object.spec) : []),
];

/** The time as Kubernetes writes it, whole seconds; the text of one second is made once, and is one string in all objects. */
const secondsOf = (now: () => Date): (() => string) => {
  let [second, text] = [Number.NaN, ''];
  return () => {
    const at = Math.floor(now().getTime() / 1000);
    if (at !== second) [second, text] = [at, new Date(at * 1000).toISOString().replace('.000Z', 'Z')];
    return text;
  };
};
