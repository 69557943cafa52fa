/** Who may do what on a cluster: the controller, and roles for the people of a fabric. */
import { controllerOwnRules, controllerRules } from '../../api/controllerrules.ts';
import { rbacGroup, type PolicyRule } from '../../api/core/rbac.ts';
import { kinds } from '../../api/kinds.ts';
import { group, type Kind } from '../../api/object.ts';
import { appLabels, controllerName, leaseName, secretName, type ManifestOptions } from './names.ts';

const apiVersion = `${rbacGroup}/v1`;

const rule = (some: readonly Kind[], verbs: readonly string[], subresource = ''): PolicyRule => ({
  apiGroups: [group],
  resources: some.map(({ plural }) => `${plural}${subresource}`),
  verbs: [...verbs],
});

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];

/** What the controller alone writes is nobody else's to write. */
const isWritten = ({ readOnly, kind }: Kind): boolean => readOnly !== true && kind !== 'Claim';
const namespaced = kinds.filter(({ scope }) => scope === 'Namespaced');
const tenants = namespaced.filter(isWritten);
const operators = kinds.filter((kind) => kind.scope === 'Cluster' && isWritten(kind));

const role = (name: string, rules: readonly PolicyRule[], labels: Readonly<Record<string, string>> = {}) => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name, labels: { ...appLabels, ...labels } },
  rules,
});

const aggregated = (...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [`rbac.authorization.k8s.io/aggregate-to-${name}`, 'true']));

/** `heddle-tenant` and `heddle-viewer` are also part of the cluster's own roles: whoever may edit a namespace has a tenant's rights. */
const roles = [
  role('heddle-admin', [{ apiGroups: [group], resources: ['*'], verbs: [...write, ...read] }]),
  role('heddle-operator', [rule(operators, write), rule(kinds, read)]),
  role('heddle-tenant', [rule(tenants, write), rule(namespaced, read)], aggregated('admin', 'edit')),
  role('heddle-viewer', [rule(namespaced, read)], aggregated('view')),
];

const binding = (kind: 'ClusterRoleBinding' | 'RoleBinding', roleKind: string, { namespace }: ManifestOptions) => ({
  apiVersion,
  kind,
  metadata: { name: controllerName, ...(kind === 'RoleBinding' ? { namespace } : {}), labels: appLabels },
  roleRef: { apiGroup: rbacGroup, kind: roleKind, name: controllerName },
  subjects: [{ kind: 'ServiceAccount', name: controllerName, namespace }],
});

/** ServiceAccount of the controller, roles and bindings. */
export const rbacManifests = (options: ManifestOptions): readonly object[] => [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: controllerName, namespace: options.namespace, labels: appLabels } },
  role(controllerName, controllerRules),
  binding('ClusterRoleBinding', 'ClusterRole', options),
  {
    apiVersion,
    kind: 'Role',
    metadata: { name: controllerName, namespace: options.namespace, labels: appLabels },
    rules: controllerOwnRules(leaseName, secretName),
  },
  binding('RoleBinding', 'Role', options),
  ...roles,
];
