/** What the one who asks may do beside what was asked: rules that depend on it ask here, and messages name only what it may read. */
import type { ObjectRef, Resource } from '../../api/object.ts';
import type { Scheme, ServedKind } from '../scheme.ts';
import type { Authorize, Target } from './attributes.ts';
import { refuseEscalation } from './rbac/escalation.ts';
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
      if (served.kind.group !== rbacGroup) return;
      const mayOnRole = (verb: string, plural: string, namespace: string, name: string): boolean =>
        may(verb, { group: rbacGroup, plural, subresource: '', namespace, name });
      refuseEscalation({ roles, user, may: mayOnRole, byKind: scheme.byKind }, served, next, before);
    },
  };
};
