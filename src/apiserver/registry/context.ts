/** What the verbs of the registry share: where objects are, who refers to whom, clocks and ids, and the one way to commit. */
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import { orderedUuids } from '../../kit/uuid.ts';
import type { Entry, Store, Write } from '../../store/store.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import { alreadyExists, notFound, staleVersion } from '../status.ts';
import { listObjects } from './list.ts';
import { isNamespace } from './namespaces.ts';
import { References } from './references.ts';
import { decodeStored, encodeStored, withVersion } from './stored.ts';
import { Welcome } from './welcome.ts';

export interface Context {
  readonly store: Store;
  readonly scheme: Scheme;
  readonly references: References;
  readonly welcome: Welcome;
  /** A UID, later ones greater. */
  newUid(): string;
  /** Now, as Kubernetes writes times. */
  timestamp(): string;
  /** Throws `NotFound`. */
  entryOf(served: ServedKind, namespace: string, name: string): Promise<Entry>;
  /**
   * Writes the new state of an entry, or removes it when a deletion was only waiting for this; without `entry` it creates.
   * `before` is what it replaces. Throws `AlreadyExists` or `Conflict` when somebody else was faster.
   */
  commit(served: ServedKind, object: Resource, entry: Entry | undefined, before?: Resource): Promise<Resource>;
}

/** How often a write that somebody else overtook is tried again. */
export const conflictRetries = 8;

export const createContext = (store: Store, scheme: Scheme, now: () => Date): Context => {
  const references = new References({
    kinds: scheme.kinds,
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
  const commit: Context['commit'] = async (served, object, entry, before) => {
    const expected = entry?.revision ?? 0;
    const write = writeOf(served, object, expected);
    try {
      const [change] = await store.commit([write]);
      references.follow(served, before, write.type === 'delete' ? undefined : object);
      return withVersion(object, change?.entry.revision ?? expected);
    } catch (thrown) {
      const lost = thrown instanceof HeddleError && (thrown.code === 'Conflict' || thrown.code === 'NotFound');
      if (!lost) throw thrown;
      throw entry === undefined ? alreadyExists(served, object.metadata.name) : staleVersion(served, object.metadata.name);
    } finally {
      if (isNamespace(served)) welcome.forget(object.metadata.name);
    }
  };
  return { store, scheme, references, welcome, newUid: orderedUuids(() => now().getTime()), timestamp: secondsOf(now), entryOf, commit };
};

const writeOf = (served: ServedKind, object: Resource, expected: number): Write => {
  const key = served.key(object.metadata.namespace ?? '', object.metadata.name);
  const gone = object.metadata.deletionTimestamp !== undefined && holders(served, object).length === 0;
  return gone ? { type: 'delete', key, expected } : { type: 'put', key, value: encodeStored(object), expected, note: object };
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
