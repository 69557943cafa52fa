/** Objects as the store holds them: JSON without resourceVersion, which is the revision of the entry and known only afterwards. */
import type { ObjectMeta, Resource } from '../../api/object.ts';
import type { Entry, Revision } from '../../store/store.ts';
import { Interner } from '../../kit/intern.ts';
import { isJsonObject } from '../../kit/json.ts';
import type { ServedKind } from '../scheme.ts';

export const encodeStored = (object: Resource): string => {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata });
};

const interner = new Interner();

/**
 * The object of an entry that a watcher was handed. When the writer gave its object along, all watchers share it: it must
 * not be changed.
 */
export const watchedObject = (served: ServedKind, entry: Entry): Resource => {
  const { note } = entry;
  return note === undefined ? decodeStored(served, entry) : withVersion(note as Resource, entry.revision);
};

export const withVersion = (object: Resource, revision: Revision): Resource => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) },
});

/** The object of an entry, with today's defaults, so that one stored before a field existed looks as if it had it. */
export const decodeStored = (served: ServedKind, entry: Entry): Resource => {
  const stored: unknown = JSON.parse(entry.value);
  const object = served.kind.defaults(asResource(stored));
  const { metadata } = object;
  metadata.resourceVersion = String(entry.revision);
  // What many objects have alike is one string in all of them.
  object.apiVersion = served.apiVersion;
  object.kind = served.kind.kind;
  if (metadata.creationTimestamp !== undefined) metadata.creationTimestamp = interner.share(metadata.creationTimestamp);
  return object;
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
