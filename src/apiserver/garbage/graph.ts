/** Who owns whom, by store keys. Only objects that have owners are in it: of most there is nothing to remember. */
import type { OwnerReference, Resource } from '../../api/object.ts';
import type { Scheme, ServedKind } from '../scheme.ts';

export interface Owned {
  readonly served: ServedKind;
  readonly object: Resource;
}

interface Node {
  /** Owners that are of a kind of this server, and could be the owner of this object. */
  readonly owners: readonly string[];
  /** Those of them whose foreground deletion waits for this object. */
  readonly blocked: readonly string[];
}

export class OwnerGraph {
  readonly #scheme: Scheme;
  readonly #nodes = new Map<string, Node>();
  readonly #dependents = new Map<string, Set<string>>();

  constructor(scheme: Scheme) {
    this.#scheme = scheme;
  }

  /** The state of an object as of now; owners that it had before are forgotten. */
  put(key: string, { served, object }: Owned): void {
    this.drop(key);
    const references = (object.metadata.ownerReferences ?? []).map((reference) => ({ reference, owner: ownerKey(this.#scheme, served, object, reference) }));
    const known = references.flatMap(({ reference, owner }) => (owner === undefined ? [] : [{ reference, owner }]));
    if (known.length === 0) return;
    const owners = known.map(({ owner }) => owner);
    this.#nodes.set(key, { owners, blocked: known.filter(({ reference }) => reference.blockOwnerDeletion === true).map(({ owner }) => owner) });
    for (const owner of owners) {
      const dependents = this.#dependents.get(owner) ?? new Set();
      this.#dependents.set(owner, dependents.add(key));
    }
  }

  drop(key: string): void {
    for (const owner of this.#nodes.get(key)?.owners ?? []) {
      const dependents = this.#dependents.get(owner);
      dependents?.delete(key);
      if (dependents?.size === 0) this.#dependents.delete(owner);
    }
    this.#nodes.delete(key);
  }

  has(key: string): boolean {
    return this.#nodes.has(key);
  }

  ownersOf(key: string): readonly string[] {
    return this.#nodes.get(key)?.owners ?? [];
  }

  dependentsOf(key: string): readonly string[] {
    return [...(this.#dependents.get(key) ?? [])];
  }

  isBlocked(owner: string, dependent: string): boolean {
    return this.#nodes.get(dependent)?.blocked.includes(owner) === true;
  }
}

/**
 * Store key of an owner: in the namespace of its dependent, or cluster-scoped. Undefined for a kind that this server does not
 * know, and for one with a namespace where the dependent has none: nobody can tell whether such an owner is there.
 */
export const ownerKey = (scheme: Scheme, served: ServedKind, object: Resource, reference: OwnerReference): string | undefined => {
  const owner = scheme.kinds.find(({ kind, apiVersion }) => kind.kind === reference.kind && groupOf(apiVersion) === groupOf(reference.apiVersion));
  if (owner === undefined || (owner.namespaced && !served.namespaced)) return undefined;
  return owner.key(object.metadata.namespace ?? '', reference.name);
};

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');
