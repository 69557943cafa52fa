/**
 * The roles and bindings that every server has: those that users of Kubernetes expect, and ours for a fabric and its
 * tenants. Kinds of ours are found in the scheme, so that a new one is covered without a change here.
 */
import { controllerOwnRules, controllerRules } from '../../../api/controllerrules.ts';
import { rbacGroup, type AggregationRule, type PolicyRule, type RoleRef, type Subject } from '../../../api/core/rbac.ts';
import { planKind } from '../../../api/plankind.ts';
import type { Resource } from '../../../api/object.ts';
import { isBuiltIn } from '../../../api/object.ts';
import type { Scheme, ServedKind } from '../../scheme.ts';
import { authenticatedGroup, controllersGroup, mastersGroup, unauthenticatedGroup } from '../user.ts';

export interface RoleObject extends Resource {
  readonly rules: readonly PolicyRule[];
  readonly aggregationRule?: AggregationRule;
}

export interface BindingObject extends Resource {
  readonly subjects: readonly Subject[];
  readonly roleRef: RoleRef;
}

/** `"false"` as the value keeps the server's hands off at the next start. */
export const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

const apiVersion = `${rbacGroup}/v1`;
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const annotations = { [autoUpdate]: 'true' };

const aggregateTo = (name: string): string => `rbac.authorization.k8s.io/aggregate-to-${name}`;

const role = (name: string, rules: readonly PolicyRule[], more: { readonly [label: string]: string } = {}): RoleObject => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name, labels: { ...labels, ...more }, annotations },
  rules,
});

/** Made of all ClusterRoles with the label of its name. */
const aggregated = (name: string, more: { readonly [label: string]: string } = {}): RoleObject => ({
  ...role(name, [], more),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateTo(name)]: 'true' } }] },
});

const binding = (name: string, roleName: string, groups: readonly string[]): BindingObject => ({
  apiVersion,
  kind: 'ClusterRoleBinding',
  metadata: { name, labels, annotations },
  subjects: groups.map((group) => ({ kind: 'Group', apiGroup: rbacGroup, name: group })),
  roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: roleName },
});

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const all = [...write, ...read];

const rule = (verbs: readonly string[], apiGroup: string, ...resources: readonly string[]): PolicyRule => ({
  verbs: [...verbs],
  apiGroups: [apiGroup],
  resources: [...resources],
});

const paths = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs });

const publicPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

/** A rule for each group of the kinds, on what `resourcesOf` says of each; none for none. */
const rulesOn = (kinds: readonly ServedKind[], verbs: readonly string[], resourcesOf: (served: ServedKind) => readonly string[]): PolicyRule[] =>
  [...Map.groupBy(kinds, ({ kind }) => kind.group)].flatMap(([group, served]) => {
    const resources = served.flatMap(resourcesOf);
    return resources.length === 0 ? [] : [rule(verbs, group, ...resources)];
  });

const plain = ({ kind }: ServedKind): string[] => [kind.plural];
const withRead = ({ kind }: ServedKind): string[] => [
  kind.plural,
  ...(kind.hasStatus ? [`${kind.plural}/status`] : []),
  ...Object.keys(kind.views ?? {}).map((view) => `${kind.plural}/${view}`),
];

/** Kinds of ours by who writes them. */
const sorted = (scheme: Scheme) => {
  const ours = scheme.kinds.filter(({ kind }) => !isBuiltIn(kind));
  const namespaced = ours.filter((served) => served.namespaced);
  return {
    ours,
    namespaced,
    tenants: namespaced.filter(({ kind }) => kind.readOnly !== true),
    operators: ours.filter((served) => !served.namespaced && served.kind.readOnly !== true),
  };
};

const reviewsOfOthers = [rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews', 'localsubjectaccessreviews')];
const localReviews = rule(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews');
const rolesOfNamespace = rule(all, rbacGroup, 'roles', 'rolebindings');
const bindOurs: PolicyRule = {
  ...rule(['bind'], rbacGroup, 'clusterroles'),
  resourceNames: ['heddle-tenant', 'heddle-viewer', 'admin', 'edit', 'view'],
};

const expected = (scheme: Scheme): RoleObject[] => {
  const { namespaced, tenants } = sorted(scheme);
  return [
    role('cluster-admin', [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ]),
    aggregated('admin'),
    aggregated('edit', { [aggregateTo('admin')]: 'true' }),
    aggregated('view', { [aggregateTo('edit')]: 'true' }),
    role('system:aggregate-to-admin', [rolesOfNamespace, localReviews], { [aggregateTo('admin')]: 'true' }),
    role(
      'system:aggregate-to-edit',
      [
        rule(all, '', 'configmaps', 'events', 'secrets', 'serviceaccounts'),
        rule(['create'], '', 'serviceaccounts/token'),
        rule(['impersonate'], '', 'serviceaccounts'),
        ...rulesOn(tenants, write, plain),
      ],
      { [aggregateTo('edit')]: 'true' },
    ),
    role(
      'system:aggregate-to-view',
      [rule(read, '', 'configmaps', 'events', 'namespaces', 'resourcequotas', 'resourcequotas/status', 'serviceaccounts'), ...rulesOn(namespaced, read, withRead)],
      { [aggregateTo('view')]: 'true' },
    ),
    role('system:discovery', [paths('/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', ...publicPaths)]),
    role('system:public-info-viewer', [paths(...publicPaths)]),
    role('system:basic-user', [
      rule(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
      rule(['create'], 'authentication.k8s.io', 'selfsubjectreviews'),
      // What it shows is what the asker may read, of what he may write.
      rule(['create'], planKind.group, planKind.plural),
    ]),
    role('system:auth-delegator', [rule(['create'], 'authentication.k8s.io', 'tokenreviews'), rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews')]),
    role('system:monitoring', [paths('/metrics', '/livez', '/livez/*', '/readyz', '/readyz/*', '/healthz', '/healthz/*')]),
  ];
};

/** Of a fabric and its tenants. */
const heddle = (scheme: Scheme): RoleObject[] => {
  const { ours, namespaced, tenants, operators } = sorted(scheme);
  const groups = [...new Set(ours.map(({ kind }) => kind.group))];
  return [
    // Everything of ours and what tenants are made of; no more rights to give than he has himself.
    role('heddle-admin', [
      ...groups.map((group) => rule(all, group, '*')),
      rule(all, '', 'configmaps', 'events', 'namespaces', 'namespaces/finalize', 'namespaces/status', 'resourcequotas', 'resourcequotas/status', 'secrets', 'serviceaccounts'),
      rule(['create'], '', 'serviceaccounts/token'),
      rule(all, rbacGroup, '*'),
      { ...bindOurs, resourceNames: [...(bindOurs.resourceNames ?? []), 'heddle-admin', 'heddle-operator', 'heddle-controller', 'system:discovery', 'system:basic-user'] },
      rule(all, 'coordination.k8s.io', 'leases'),
      rule(read, 'apiextensions.k8s.io', '*'),
      rule(['create'], 'authentication.k8s.io', 'tokenreviews'),
      ...reviewsOfOthers,
      paths('/metrics'),
    ]),
    // The fabric's owner: all of the wiring, tenants come and go, but what they declare is theirs.
    role('heddle-operator', [
      ...rulesOn(operators, all, plain),
      ...rulesOn(ours, read, withRead),
      rule(all, '', 'namespaces', 'resourcequotas'),
      rule(read, '', 'events', 'serviceaccounts'),
      rule(read, 'coordination.k8s.io', 'leases'),
      rule(read, 'apiextensions.k8s.io', '*'),
      rule(all, rbacGroup, 'rolebindings'),
      rule(read, rbacGroup, '*'),
      bindOurs,
      ...reviewsOfOthers,
      paths('/metrics'),
    ]),
    // For a RoleBinding in the tenant's namespace: all that is in it, and nothing of anybody else's.
    role('heddle-tenant', [
      ...rulesOn(tenants, write, plain),
      ...rulesOn(namespaced, read, withRead),
      rule(read, '', 'events', 'namespaces', 'resourcequotas', 'resourcequotas/status'),
      rule(all, '', 'configmaps', 'secrets', 'serviceaccounts'),
      rule(['create'], '', 'serviceaccounts/token'),
      rolesOfNamespace,
      localReviews,
    ]),
    role('heddle-viewer', [
      ...rulesOn(ours, read, withRead),
      rule(read, '', 'events', 'namespaces', 'resourcequotas', 'resourcequotas/status'),
      rule(read, 'coordination.k8s.io', 'leases'),
      rule(read, 'apiextensions.k8s.io', '*'),
      paths('/metrics'),
    ]),
    // What `heddle controller --kubeconfig` needs, here and on a cluster.
    role('heddle-controller', [...controllerRules, ...controllerOwnRules('heddle-controller', 'heddle-southbound')]),
  ];
};

export const bootstrapRoles = (scheme: Scheme): readonly RoleObject[] => [...expected(scheme), ...heddle(scheme)];

export const bootstrapBindings: readonly BindingObject[] = [
  binding('cluster-admin', 'cluster-admin', [mastersGroup]),
  binding('system:discovery', 'system:discovery', [authenticatedGroup]),
  binding('system:basic-user', 'system:basic-user', [authenticatedGroup]),
  binding('system:public-info-viewer', 'system:public-info-viewer', [authenticatedGroup, unauthenticatedGroup]),
  binding('heddle-controller', 'heddle-controller', [controllersGroup]),
];
