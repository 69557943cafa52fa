/**
 * Who refers to whom, so that nothing in use is deleted from under its users. Filled when something is deleted for the first
 * time, for a server that only serves has no need of it, and kept up to date by every write from then on: by its own registry,
 * or, where others write to the store too, by what the store tells.
 */
import { refKey, refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import { HeddleError, type Finding } from '../../kit/error.ts';
import type { ServedKind } from '../scheme.ts';
import { ApiError } from '../status.ts';
import type { Revision } from '../../store/store.ts';
import type { ReferenceFeed } from './referencefeed.ts';

/** Where the objects are. */
export interface Objects {
  readonly kinds: readonly ServedKind[];
  /** All objects of a kind. */
  list(served: ServedKind): Promise<readonly Resource[]>;
  /** Undefined when there is none. */
  get(ref: ObjectRef): Promise<Resource | undefined>;
  /** Where others write too: tells of their writes. */
  readonly feed?: ReferenceFeed;
}

/** As many referrers as a message names. */
const told = 5;

/** Whether who asks may read an object. */
export type Sees = (ref: ObjectRef) => boolean;

/** Not in another namespace: everybody's business, or this tenant's own. */
const isNear = ({ metadata: { namespace = '' } }: Resource, user: ObjectRef): boolean => namespace === '' || user.namespace === '' || user.namespace === namespace;

const concealed = (findings: readonly Finding[], isSeen: boolean): Finding[] =>
  findings.map((finding) => (isSeen ? finding : { ...finding, message: 'an object that you may not see would lose what it uses' }));

export class References {
  readonly #objects: Objects;
  /** By what is referred to; a single referrer, which is the rule, needs no set. */
  readonly #referrers = new Map<string, string | Set<string>>();
  #filled: Promise<void> | undefined;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** A write has been committed: `before` is what it replaced, `after` what there is now. */
  follow(served: ServedKind, before: Resource | undefined, after: Resource | undefined): void {
    if (this.#objects.feed === undefined) this.#follow(served, before, after);
  }

  #follow(served: ServedKind, before: Resource | undefined, after: Resource | undefined): void {
    if (this.#filled === undefined || served.kind.references === undefined) return;
    // What an object names is in its spec, and the generation counts changes of that.
    if (after !== undefined && before?.metadata.generation === after.metadata.generation) return;
    if (before !== undefined) this.#drop(served, before);
    if (after !== undefined) this.#add(served, after);
  }

  /**
   * Of the referrers only those are named that the one who asks may see. One in another namespace that it may not see does not
   * count: no tenant can keep another from deleting what is his.
   * @param since what anybody wrote before this revision counts; needed where others write too
   * @param goesToo referrers that do not count, for they are to be deleted with it
   * @throws ApiError `Conflict` that names who refers to the object.
   */
  async refuseInUse(served: ServedKind, object: Resource, since?: Revision, sees: Sees = () => true, goesToo: Sees = () => false): Promise<void> {
    const all = (await this.#usersOf(refOf(object), since)).filter((user) => !goesToo(user) && (isNear(object, user) || sees(user)));
    if (all.length === 0) return;
    const users = all.filter(sees);
    const names = users.slice(0, told).map(({ kind, namespace, name }) => `${kind} "${namespace === '' ? name : `${namespace}/${name}`}"`);
    const more = users.length > told ? ` and ${users.length - told} more` : '';
    const { name } = object.metadata;
    const by = users.length === 0 ? 'objects that you may not see' : `${names.join(', ')}${more}`;
    throw new ApiError(
      'Conflict',
      `${served.resource} "${name}" is in use by ${by}; delete or change what uses it first`,
      { name, group: served.kind.group, kind: served.kind.plural },
      { findings: users.slice(0, told).map((user) => ({ path: '', code: 'InUse', message: refKey(user) })) },
    );
  }

  /** Faults of an update that would take something from objects that refer to this one; those that may not be seen are not named. */
  async strandedBy(served: ServedKind, before: Resource, after: Resource, since?: Revision, sees: Sees = () => true): Promise<Finding[]> {
    const { strands } = served.kind;
    if (strands === undefined) return [];
    const users = await Promise.all((await this.#usersOf(refOf(after), since)).map((user) => this.#objects.get(user)));
    return users.flatMap((user) => (user === undefined ? [] : concealed(strands(before, after, user), sees(refOf(user)))));
  }

  /** Reads everything, the first time. */
  fill(): Promise<void> {
    this.#filled ??= this.#fill().catch((thrown: unknown) => {
      this.#filled = undefined;
      throw HeddleError.from(thrown);
    });
    return this.#filled;
  }

  async #usersOf(target: ObjectRef, since: Revision | undefined): Promise<ObjectRef[]> {
    await this.fill();
    if (since !== undefined) await this.#objects.feed?.reached(since);
    const known = this.#referrers.get(refKey(target));
    const keys = known === undefined ? [] : typeof known === 'string' ? [known] : [...known];
    const users: ObjectRef[] = [];
    for (const ref of keys.sort().map(refOfKey)) {
      // What was read while others wrote may be old; only what still refers to it counts.
      if (await this.#refersTo(ref, target)) users.push(ref);
    }
    return users;
  }

  async #refersTo(user: ObjectRef, target: ObjectRef): Promise<boolean> {
    const object = await this.#objects.get(user);
    const served = this.#objects.kinds.find(({ kind }) => kind.kind === user.kind);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return false;
    return (served?.kind.references?.(object) ?? []).some((ref) => refKey(ref) === refKey(target));
  }

  async #fill(): Promise<void> {
    this.#referrers.clear();
    await this.#objects.feed?.start({
      onChange: (served, before, after) => this.#follow(served, before, after),
      // What was missed is not known: everything is read again when it is needed.
      onEnd: () => (this.#filled = undefined),
    });
    for (const served of this.#objects.kinds) {
      if (served.kind.references === undefined) continue;
      for (const object of await this.#objects.list(served)) this.#add(served, object);
    }
  }

  #add(served: ServedKind, object: Resource): void {
    const user = refKey(refOf(object));
    for (const target of served.kind.references?.(object) ?? []) {
      const key = refKey(target);
      const known = this.#referrers.get(key);
      if (known === undefined) this.#referrers.set(key, user);
      else if (typeof known !== 'string') known.add(user);
      else if (known !== user) this.#referrers.set(key, new Set([known, user]));
    }
  }

  #drop(served: ServedKind, object: Resource): void {
    const user = refKey(refOf(object));
    for (const target of served.kind.references?.(object) ?? []) {
      const key = refKey(target);
      const known = this.#referrers.get(key);
      if (known === user) this.#referrers.delete(key);
      else if (known instanceof Set) known.delete(user);
    }
  }
}

/** What `refKey` made its key of; no name has a slash in it. */
const refOfKey = (key: string): ObjectRef => {
  const [kind = '', ...rest] = key.split('/');
  return { kind, namespace: rest.length === 2 ? (rest[0] ?? '') : '', name: rest.at(-1) ?? '' };
};
