/** The latest state of every object the controller has heard of. A state older than the one held is ignored. */
import { refKey, type Resource } from '../api/object.ts';
import type { ObjectChange } from './informer.ts';

export interface Replaced {
  readonly key: string;
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

export class Objects {
  readonly #objects = new Map<string, Resource>();
  readonly #countOf = new Map<string, number>();

  get(key: string): Resource | undefined {
    return this.#objects.get(key);
  }

  /** Undefined when the change is no news. */
  put({ ref, object }: ObjectChange): Replaced | undefined {
    const key = refKey(ref);
    const before = this.#objects.get(key);
    if (object === undefined ? before === undefined : before !== undefined && revision(object) <= revision(before)) {
      return undefined;
    }
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    const step = (object === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    this.#countOf.set(ref.kind, this.count(ref.kind) + step);
    return { key, before, after: object };
  }

  count(kind: string): number {
    return this.#countOf.get(kind) ?? 0;
  }

  *ofKind(kind: string): Generator<Resource> {
    for (const object of this.#objects.values()) if (object.kind === kind) yield object;
  }
}

const revision = ({ metadata }: Resource): number => Number(metadata.resourceVersion ?? 0);
