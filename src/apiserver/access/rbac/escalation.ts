/**
 * Nobody gives more than he has: a role may be written by who holds everything in it or has the verb `escalate`, a binding
 * by who holds everything in its role or has the verb `bind` on it.
 */
import { isDeepStrictEqual } from 'node:util';
import { aggregationOf, rbacGroup, roleRefOf, rulesOf, subjectsOf, type PolicyRule } from '../../../api/core/rbac.ts';
import type { Resource } from '../../../api/object.ts';
import type { ServedKind } from '../../scheme.ts';
import { forbidden, notFound } from '../../status.ts';
import type { User } from '../user.ts';
import type { Roles } from './roles.ts';
import { formatRule, missingRules } from './rules.ts';

/** Whether the user may use a verb on a role. */
export type MayOnRole = (verb: 'escalate' | 'bind', plural: string, namespace: string, name: string) => boolean;

export interface EscalationOptions {
  readonly roles: Roles;
  readonly user: User;
  readonly may: MayOnRole;
  /** The kind called so, for messages. */
  readonly byKind: (kind: string) => ServedKind;
}

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Throws `Forbidden` that lists what the user lacks; nothing for kinds other than roles and bindings. */
export const refuseEscalation = (options: EscalationOptions, served: ServedKind, next: Resource, before: Resource | undefined): void => {
  if (served.kind.group !== rbacGroup) return;
  if (served.kind.kind.endsWith('Binding')) refuseBinding(options, served, next, before);
  else refuseRole(options, served, next, before);
};

/** Labels of a ClusterRole decide which others are made of it, and so who else gets its rules. */
const grantedBy = (served: ServedKind, role: Resource): readonly unknown[] => [
  rulesOf(role),
  aggregationOf(role),
  ...(served.namespaced ? [] : [role.metadata.labels ?? {}]),
];

const refuseRole = (options: EscalationOptions, served: ServedKind, next: Resource, before: Resource | undefined): void => {
  const isSame = before !== undefined && isDeepStrictEqual(grantedBy(served, before), grantedBy(served, next));
  const { name, namespace = '' } = next.metadata;
  if (isSame || options.may('escalate', served.kind.plural, namespace, name)) return;
  refuseMissing(options, served, next, aggregationOf(next) === undefined ? rulesOf(next) : everything);
};

const refuseBinding = (options: EscalationOptions, served: ServedKind, next: Resource, before: Resource | undefined): void => {
  const isSame = before !== undefined && isDeepStrictEqual([roleRefOf(before), subjectsOf(before)], [roleRefOf(next), subjectsOf(next)]);
  const { kind, name } = roleRefOf(next);
  const { namespace = '' } = next.metadata;
  const role = options.byKind(kind);
  if (isSame || options.may('bind', role.kind.plural, namespace, name)) return;
  const rules = options.roles.rulesOfRole(kind, name, namespace);
  if (rules === undefined) throw notFound(role, name);
  refuseMissing(options, served, next, rules);
};

const refuseMissing = ({ roles, user }: EscalationOptions, served: ServedKind, next: Resource, wanted: readonly PolicyRule[]): void => {
  const { name, namespace = '' } = next.metadata;
  const missing = missingRules(roles.rulesFor(user, namespace), wanted);
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  const list = missing.map(formatRule).join('\n');
  const why = `user "${user.name}" (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${list}`;
  throw forbidden(served, name, why);
};
