/**
 * All roles and bindings, in memory, found by who asks: a decision reads a few maps and takes microseconds. Kept up to date
 * by watch.
 */
import { roleRefOf, rulesOf, subjectsOf, type PolicyRule, type Subject } from '../../../api/core/rbac.ts';
import type { Resource } from '../../../api/object.ts';
import type { Attributes, Decision } from '../attributes.ts';
import type { Follower } from '../follow.ts';
import { serviceAccountName, type User } from '../user.ts';
import { allowsPath, allowsResource } from './rules.ts';

/** One subject of a binding. */
interface Grant {
  /** `RoleBinding "x/ns"`, as reasons name it. */
  readonly binding: string;
  readonly role: string;
  /** `ClusterRole "admin" to User "alice"`. */
  readonly text: string;
}

interface Subjects {
  readonly users: Map<string, Map<string, Grant>>;
  readonly groups: Map<string, Map<string, Grant>>;
}

const emptySubjects = (): Subjects => ({ users: new Map(), groups: new Map() });

const none: Decision = { allowed: false, reason: '' };

export class Roles {
  /** By `namespace/name`; ClusterRoles have the namespace ''. */
  readonly #rules = new Map<string, readonly PolicyRule[]>();
  /** Grants by namespace; '' holds those of ClusterRoleBindings. */
  readonly #grants = new Map<string, Subjects>();
  readonly #bindings = new Map<string, Resource>();
  readonly #changed = new Set<() => void>();

  /** Calls `listener` after every change, until the answer is called. */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  decide({ user, verb, resource, path }: Attributes): Decision {
    const allows = (rule: PolicyRule): boolean => (resource === undefined ? allowsPath(rule, verb, path) : allowsResource(rule, verb, resource));
    const everywhere = this.#decideIn('', user, allows);
    if (everywhere.allowed || resource === undefined || resource.namespace === '') return everywhere;
    return this.#decideIn(resource.namespace, user, allows);
  }

  /** All rules that hold for the user in a namespace; with namespace '' those that hold everywhere. */
  rulesFor(user: User, namespace: string): PolicyRule[] {
    const everywhere = this.#grantsOf('', user);
    const here = namespace === '' ? [] : this.#grantsOf(namespace, user);
    const resourceRules = here.flatMap(({ role }) => (this.#rules.get(role) ?? []).filter(({ nonResourceURLs = [] }) => nonResourceURLs.length === 0));
    return [...everywhere.flatMap(({ role }) => this.#rules.get(role) ?? []), ...resourceRules];
  }

  /** Rules of the role that a binding in `namespace` refers to; undefined when there is none. */
  rulesOfRole(kind: string, name: string, namespace: string): readonly PolicyRule[] | undefined {
    return this.#rules.get(roleKey(kind, name, namespace));
  }

  /** Keeps what the watch of one of the four kinds tells. */
  follower(kind: 'Role' | 'ClusterRole' | 'RoleBinding' | 'ClusterRoleBinding'): Follower {
    const isBinding = kind.endsWith('Binding');
    const put = (object: Resource): void => (isBinding ? this.#putBinding(object) : void this.#rules.set(keyOf(object), rulesOf(object)));
    const remove = (object: Resource): void => (isBinding ? this.#removeBinding(object) : void this.#rules.delete(keyOf(object)));
    const known = new Map<string, Resource>();
    const isOther = (object: Resource): boolean => known.get(keyOf(object)) === undefined;
    return {
      reset: (items) => {
        const before = [...known.values()];
        known.clear();
        for (const object of items) {
          known.set(keyOf(object), object);
          put(object);
        }
        for (const object of before.filter(isOther)) remove(object);
        this.#tell();
      },
      put: (object) => {
        known.set(keyOf(object), object);
        put(object);
        this.#tell();
      },
      remove: (object) => {
        known.delete(keyOf(object));
        remove(object);
        this.#tell();
      },
    };
  }

  #tell(): void {
    for (const listener of this.#changed) listener();
  }

  #decideIn(namespace: string, user: User, allows: (rule: PolicyRule) => boolean): Decision {
    const subjects = this.#grants.get(namespace);
    if (subjects === undefined) return none;
    const ofUser = this.#firstOf(subjects.users.get(user.name), allows);
    if (ofUser !== undefined) return ofUser;
    for (const group of user.groups) {
      const ofGroup = this.#firstOf(subjects.groups.get(group), allows);
      if (ofGroup !== undefined) return ofGroup;
    }
    return none;
  }

  #firstOf(grants: ReadonlyMap<string, Grant> | undefined, allows: (rule: PolicyRule) => boolean): Decision | undefined {
    if (grants === undefined) return undefined;
    for (const { binding, role, text } of grants.values()) {
      if (this.#rules.get(role)?.some(allows) === true) return { allowed: true, reason: `RBAC: allowed by ${binding} of ${text}` };
    }
    return undefined;
  }

  #grantsOf(namespace: string, user: User): Grant[] {
    const subjects = this.#grants.get(namespace);
    const found = [subjects?.users.get(user.name), ...user.groups.map((group) => subjects?.groups.get(group))];
    return found.flatMap((grants) => [...(grants?.values() ?? [])]);
  }

  #putBinding(binding: Resource): void {
    this.#removeBinding(binding);
    const key = keyOf(binding);
    this.#bindings.set(key, binding);
    const { name, namespace = '' } = binding.metadata;
    const ref = roleRefOf(binding);
    const subjects = getOrMake(this.#grants, namespace, emptySubjects);
    for (const subject of subjectsOf(binding)) {
      const grant: Grant = {
        binding: namespace === '' ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`,
        role: roleKey(ref.kind, ref.name, namespace),
        text: `${ref.kind} "${ref.name}" to ${subjectText(subject)}`,
      };
      getOrMake(mapOf(subjects, subject), subjectName(subject), () => new Map<string, Grant>()).set(key, grant);
    }
  }

  #removeBinding(binding: Resource): void {
    const key = keyOf(binding);
    const before = this.#bindings.get(key);
    const subjects = this.#grants.get(binding.metadata.namespace ?? '');
    if (before === undefined || subjects === undefined) return;
    this.#bindings.delete(key);
    for (const subject of subjectsOf(before)) {
      const [map, name] = [mapOf(subjects, subject), subjectName(subject)];
      const grants = map.get(name);
      grants?.delete(key);
      if (grants?.size === 0) map.delete(name);
    }
  }
}

const getOrMake = <Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value => {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
};

const keyOf = ({ metadata }: Resource): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const roleKey = (kind: string, name: string, namespace: string): string => `${kind === 'ClusterRole' ? '' : namespace}/${name}`;

const mapOf = (subjects: Subjects, { kind }: Subject): Subjects['users'] => (kind === 'Group' ? subjects.groups : subjects.users);

const subjectName = ({ kind, name, namespace = '' }: Subject): string => (kind === 'ServiceAccount' ? serviceAccountName(namespace, name) : name);

const subjectText = ({ kind, name, namespace = '' }: Subject): string =>
  kind === 'ServiceAccount' ? `ServiceAccount "${name}/${namespace}"` : `${kind} "${name}"`;
