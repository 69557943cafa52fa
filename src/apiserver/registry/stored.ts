/** Objects as the store holds them: JSON without resourceVersion, which is the revision of the entry and known only afterwards. */
import type { ObjectMeta, Resource } from '../../api/object.ts';
import type { Entry, Revision } from '../../store/store.ts';
import { Interner } from '../../kit/intern.ts';
import { isJsonObject, objectOr } from '../../kit/json.ts';
import { managedFields, type Owner } from '../patch/owners.ts';
import type { ServedKind } from '../scheme.ts';

export interface Stored {
  /** Without managedFields: nobody in this process looks at them. */
  readonly object: Resource;
  readonly owners: readonly Owner[];
}

export const encodeStored = ({ object, owners }: Stored): string => {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata: owners.length === 0 ? metadata : { ...metadata, managedFields: owners } });
};

/** The object as clients over the network see it. */
export const withManagedFields = (served: ServedKind, { object, owners }: Stored): Resource => {
  const entries = managedFields(served, object, owners);
  return entries.length === 0 ? object : { ...object, metadata: { ...object.metadata, managedFields: entries } };
};

const interner = new Interner();

/**
 * The object of an entry that a watcher was handed. When the writer gave its object along, all watchers share it: it must
 * not be changed.
 */
export const watchedObject = (served: ServedKind, entry: Entry): Stored => {
  if (entry.note === undefined) return readStored(served, entry);
  const { object, owners } = entry.note as Stored;
  return { object: withVersion(object, entry.revision), owners };
};

export const withVersion = (object: Resource, revision: Revision): Resource => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) },
});

/** The object of an entry, with today's defaults, so that one stored before a field existed looks as if it had it. */
export const decodeStored = (served: ServedKind, entry: Entry): Resource => readStored(served, entry).object;

export const readStored = (served: ServedKind, entry: Entry): Stored => {
  const { metadata: given, ...stored } = objectOr(JSON.parse(entry.value));
  const { managedFields: owners, ...rest } = objectOr(given);
  const object = served.kind.defaults(asResource({ ...stored, metadata: rest }));
  const { metadata } = object;
  metadata.resourceVersion = String(entry.revision);
  // What many objects have alike is one string in all of them.
  object.apiVersion = served.apiVersion;
  object.kind = served.kind.kind;
  if (metadata.creationTimestamp !== undefined) metadata.creationTimestamp = interner.share(metadata.creationTimestamp);
  return { object, owners: Array.isArray(owners) ? (owners as readonly Owner[]) : [] };
};

/**
 * Any JSON value as a Resource: absent parts become empty, so that checks can go on and find everything that is wrong.
 * The answer is a fresh object with a fresh `metadata`.
 */
export const asResource = (value: unknown): Resource => {
  const source = isJsonObject(value) ? value : {};
  const { apiVersion, kind, metadata, ...rest } = source;
  const given: object = isJsonObject(metadata) ? metadata : {};
  const meta: ObjectMeta = { name: '', ...given };
  return { apiVersion: String(apiVersion ?? ''), kind: String(kind ?? ''), metadata: meta, ...rest };
};
