/**
 * What a controller needs of the resource API: list, watch and the writes. One implementation sits in process on the API
 * server's registry, another speaks HTTPS; controllers cannot tell which they were given.
 */
import type { ObjectRef, Resource } from './object.ts';

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Resource }
  /** Everything up to this resourceVersion has been delivered. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface ResourceWatch extends AsyncIterable<WatchEvent> {
  /** Everything up to this revision was handled: the consumer asked for what comes after it. Known in process only. */
  readonly delivered?: number;
}

export interface ResourceList {
  readonly resourceVersion: string;
  readonly items: readonly Resource[];
}

export interface ResourceClient {
  /** All objects of one kind, all namespaces. */
  list(kind: string): Promise<ResourceList>;
  /** Events after `resourceVersion`, in order; ends with HeddleError `Expired` when that revision was compacted. */
  watch(kind: string, resourceVersion: string, signal: AbortSignal): ResourceWatch;
  get(ref: ObjectRef): Promise<Resource>;
  create(object: Resource): Promise<Resource>;
  /** Whole-object update; `Conflict` when metadata.resourceVersion is stale. */
  update(object: Resource): Promise<Resource>;
  /**
   * Merge patch (RFC 7386) on the object without its status. `Conflict` when it names a `metadata.resourceVersion` or
   * `metadata.uid` that is not the object's.
   */
  patch(ref: ObjectRef, patch: object): Promise<Resource>;
  /**
   * Merge patch (RFC 7386) on the status subresource; never touches spec. With `uid` it is `Conflict` when another object
   * has taken the name.
   */
  patchStatus(ref: ObjectRef, status: unknown, uid?: string): Promise<Resource>;
  delete(ref: ObjectRef): Promise<void>;
}
