/** What the one who asks may do beside what was asked: rules that depend on it ask here, and messages name only what it may read. */
import type { ObjectRef, Resource } from '../../api/object.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import { denied, type Authorize, type Target } from './attributes.ts';
import { refuseEscalation, type MayOnRole } from './rbac/escalation.ts';
import type { Roles } from './rbac/roles.ts';
import { rbacGroup } from '../../api/core/rbac.ts';
import type { User } from './user.ts';

export interface Rights {
  may(verb: string, target: Target): boolean;
  /** Whether it may read the object. */
  sees(ref: ObjectRef): boolean;
  /** Refuses a write of an admitted object by who asks, see WriteOptions.review. */
  review(served: ServedKind, next: Resource, before: Resource | undefined): void;
}

export const noRights: Rights = { may: () => false, sees: () => false, review: () => undefined };

export interface RightsOptions {
  readonly scheme: Scheme;
  readonly roles: Roles;
  readonly authorize: Authorize;
}

export const rightsOf = ({ scheme, roles, authorize }: RightsOptions, user: User, path: string): Rights => {
  const may: Rights['may'] = (verb, resource) => authorize({ user, verb, resource, path }).allowed;
  return {
    may,
    sees: ({ kind, namespace, name }) => {
      const { group, plural } = scheme.byKind(kind).kind;
      return may('get', { group, plural, subresource: '', namespace, name });
    },
    review(served, next, before) {
      const { group, plural } = served.kind;
      const { namespace = '', name } = next.metadata;
      // An apply that creates needs the right to create, which the request itself was not judged by.
      const created = { user, verb: 'create', resource: { group, plural, subresource: '', namespace, name }, path };
      if (before === undefined && !authorize(created).allowed) throw denied(created);
      if (group !== rbacGroup) return;
      const mayOnRole: MayOnRole = (roleVerb, plurals, inNamespace, roleName) =>
        may(roleVerb, { group: rbacGroup, plural: plurals, subresource: '', namespace: inNamespace, name: roleName });
      refuseEscalation({ roles, user, may: mayOnRole, byKind: scheme.byKind }, served, next, before);
    },
  };
};
