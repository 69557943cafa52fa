/**
 * The latest state of every object the controller has heard of, by kind. A state older than the one held is ignored. Of
 * claims, which are as many as all other objects and are held by the allocator, only the revision is kept.
 */
import type { ObjectRef, Resource } from '../api/object.ts';
import type { ObjectChange } from './informer.ts';

export interface Replaced {
  readonly key: string;
  /** Undefined also when it was a claim. */
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

const countedKind = 'Claim';

export class Objects {
  /** By kind, then by what `refKey` adds to it: of cluster-scoped objects that is the name, the string that the object has. */
  readonly #objects = new Map<string, Map<string, Resource>>();
  /** Revisions of claims by name. */
  readonly #revisions = new Map<string, number>();

  /** @param key as `refKey` makes it, of anything but a claim */
  get(key: string): Resource | undefined {
    const slash = key.indexOf('/');
    return this.#objects.get(key.slice(0, slash))?.get(key.slice(slash + 1));
  }

  /** Undefined when the change is no news. */
  put({ ref, object, setBack }: ObjectChange): Replaced | undefined {
    const isSetBack = setBack === true;
    const place = placeOf(ref);
    const key = `${ref.kind}/${place}`;
    if (ref.kind === countedKind) return this.#count(place, object, isSetBack) ? { key, before: undefined, after: object } : undefined;
    const objects = this.#ofKind(ref.kind);
    const before = objects.get(place);
    if (!isSetBack && !isNews(before === undefined ? undefined : revision(before), object)) return undefined;
    if (object === undefined) objects.delete(place);
    else objects.set(place, withoutApplied(object));
    return { key, before, after: object };
  }

  /** Puts an object in the place of the one that is held, whatever their revisions, and answers that; not for claims. */
  exchange(ref: ObjectRef, object: Resource | undefined): Resource | undefined {
    const objects = this.#ofKind(ref.kind);
    const place = placeOf(ref);
    const before = objects.get(place);
    if (object === undefined) objects.delete(place);
    else objects.set(place, object);
    return before;
  }

  /** Kinds of which there were objects. */
  kinds(): readonly string[] {
    return [...this.#objects.keys()];
  }

  ofKind(kind: string): IterableIterator<Resource> {
    return this.#ofKind(kind).values();
  }

  #count(name: string, claim: Resource | undefined, isSetBack: boolean): boolean {
    if (!isSetBack && !isNews(this.#revisions.get(name), claim)) return false;
    if (claim === undefined) this.#revisions.delete(name);
    else this.#revisions.set(name, revision(claim));
    return true;
  }

  #ofKind(kind: string): Map<string, Resource> {
    let objects = this.#objects.get(kind);
    if (objects === undefined) this.#objects.set(kind, (objects = new Map()));
    return objects;
  }
}

/** What `kubectl apply` keeps for itself is a second copy of the whole object, and nothing to a controller. */
export const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

const withoutApplied = (object: Resource): Resource => {
  const { annotations } = object.metadata;
  if (annotations?.[appliedAnnotation] === undefined) return object;
  const { [appliedAnnotation]: _, ...others } = annotations;
  return { ...object, metadata: { ...object.metadata, annotations: others } };
};

/** Where an object is among those of its kind: `namespace/name`, or `name`. */
export const placeOf = ({ namespace, name }: ObjectRef): string => (namespace === '' ? name : `${namespace}/${name}`);

const isNews = (held: number | undefined, object: Resource | undefined): boolean =>
  object === undefined ? held !== undefined : held === undefined || revision(object) > held;

const revision = ({ metadata }: Resource): number => Number(metadata.resourceVersion ?? 0);
