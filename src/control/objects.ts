/** The latest state of every object the controller has heard of, by kind. A state older than the one held is ignored. */
import { refKey, type Resource } from '../api/object.ts';
import type { ObjectChange } from './informer.ts';

export interface Replaced {
  readonly key: string;
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

export class Objects {
  /** By kind and key. */
  readonly #objects = new Map<string, Map<string, Resource>>();

  /** @param key as `refKey` makes it */
  get(key: string): Resource | undefined {
    return this.#objects.get(key.slice(0, key.indexOf('/')))?.get(key);
  }

  /** Undefined when the change is no news. */
  put({ ref, object }: ObjectChange): Replaced | undefined {
    const key = refKey(ref);
    const before = this.get(key);
    if (object === undefined ? before === undefined : before !== undefined && revision(object) <= revision(before)) {
      return undefined;
    }
    if (object === undefined) this.#objects.get(ref.kind)?.delete(key);
    else this.#ofKind(ref.kind).set(key, object);
    return { key, before, after: object };
  }

  ofKind(kind: string): IterableIterator<Resource> {
    return this.#ofKind(kind).values();
  }

  #ofKind(kind: string): Map<string, Resource> {
    let objects = this.#objects.get(kind);
    if (objects === undefined) this.#objects.set(kind, (objects = new Map()));
    return objects;
  }
}

const revision = ({ metadata }: Resource): number => Number(metadata.resourceVersion ?? 0);
