/**
 * Role, ClusterRole and their bindings (rbac.authorization.k8s.io/v1): who may do what. They have the shape and the rules
 * that Kubernetes gives them, so that what people know of RBAC holds here.
 */
import { type Static, Type } from 'typebox';
import type { Finding } from '../../kit/error.ts';
import { isJsonObject } from '../../kit/json.ts';
import { Findings } from '../findings.ts';
import type { Column, Kind, Resource } from '../object.ts';

export const rbacGroup = 'rbac.authorization.k8s.io';

const texts = (description: string) => Type.Optional(Type.Array(Type.String(), { description }));

export const policyRule = Type.Object(
  {
    verbs: Type.Array(Type.String(), { description: 'get, list, watch, create, update, patch, delete, deletecollection, others, or *.' }),
    apiGroups: texts('Groups of the resources; "" is the core group, * all.'),
    resources: texts('Plurals, `plural/subresource`, `*/subresource`, or *.'),
    resourceNames: texts('Names that the rule is limited to; none: all.'),
    nonResourceURLs: texts('Paths that are no resources; a trailing * stands for the rest. Only in a ClusterRole.'),
  },
  { description: 'What is allowed.' },
);
export type PolicyRule = Static<typeof policyRule>;

const subject = Type.Object({
  kind: Type.Union([Type.Literal('User'), Type.Literal('Group'), Type.Literal('ServiceAccount')], { description: 'User, Group or ServiceAccount.' }),
  apiGroup: Type.Optional(Type.String({ description: 'Group of the kind; the server fills it in.' })),
  name: Type.String({ minLength: 1, description: 'Name of the user, group or ServiceAccount.' }),
  namespace: Type.Optional(Type.String({ description: 'Namespace of a ServiceAccount.' })),
});
export type Subject = Static<typeof subject>;

const roleRef = Type.Object(
  {
    apiGroup: Type.Optional(Type.String({ description: rbacGroup })),
    kind: Type.Union([Type.Literal('Role'), Type.Literal('ClusterRole')], { description: 'Role or ClusterRole.' }),
    name: Type.String({ minLength: 1, description: 'Name of the role.' }),
  },
  { description: 'The role that is given; cannot be changed.' },
);
export type RoleRef = Static<typeof roleRef>;

const labelSelector = Type.Object({
  matchLabels: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Labels that must have these values.' })),
  matchExpressions: Type.Optional(
    Type.Array(
      Type.Object({
        key: Type.String({ description: 'Label.' }),
        operator: Type.Union([Type.Literal('In'), Type.Literal('NotIn'), Type.Literal('Exists'), Type.Literal('DoesNotExist')]),
        values: texts('Values for In and NotIn.'),
      }),
    ),
  ),
});
export type LabelSelector = Static<typeof labelSelector>;

const aggregationRule = Type.Object(
  { clusterRoleSelectors: Type.Optional(Type.Array(labelSelector, { description: 'ClusterRoles whose rules are taken over: any may select.' })) },
  { description: 'The rules are those of other ClusterRoles; the server writes them.' },
);
export type AggregationRule = Static<typeof aggregationRule>;

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 };
const roleColumn: Column = { name: 'Role', type: 'string', jsonPath: '.roleRef.name', description: 'The role that is given', priority: 0 };
const subjectColumns: readonly Column[] = [
  ['Users', 'User'],
  ['Groups', 'Group'],
  ['ServiceAccounts', 'ServiceAccount'],
].map(([name = '', kind = '']) => ({
  name,
  type: 'string',
  jsonPath: `.subjects[?(@.kind=="${kind}")].name`,
  description: `${name} that have it`,
  priority: 1,
}));

const common = { group: rbacGroup, version: 'v1', shortNames: [], categories: [], hasStatus: false, names: 'path' } as const;

/** The rules of a role as stored; nothing where there are none. */
export const rulesOf = (role: Resource): readonly PolicyRule[] => {
  const rules: unknown = Reflect.get(role, 'rules');
  return Array.isArray(rules) ? (rules as PolicyRule[]) : [];
};

export const subjectsOf = (binding: Resource): readonly Subject[] => {
  const subjects: unknown = Reflect.get(binding, 'subjects');
  return Array.isArray(subjects) ? (subjects as Subject[]) : [];
};

export const roleRefOf = (binding: Resource): RoleRef => Reflect.get(binding, 'roleRef') as RoleRef;

export const aggregationOf = (role: Resource): AggregationRule | undefined => Reflect.get(role, 'aggregationRule') as AggregationRule | undefined;

const required = (path: string, message: string): Finding => ({ path, code: 'FieldValueRequired', message });

const checkRule = (found: Findings, path: string, rule: PolicyRule, isCluster: boolean): void => {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  if (verbs.length === 0) found.list.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    if (!isCluster) found.add(`${path}.nonResourceURLs`, 'FieldValueInvalid', 'namespaced rules cannot apply to non-resource URLs');
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      found.add(`${path}.nonResourceURLs`, 'FieldValueInvalid', 'rules cannot apply to both regular resources and non-resource URLs');
    }
    return;
  }
  if (apiGroups.length === 0) found.list.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0) found.list.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
};

const validateRole = (isCluster: boolean) => (object: Resource): Finding[] => {
  const found = new Findings();
  rulesOf(object).forEach((rule, index) => checkRule(found, `rules[${index}]`, rule, isCluster));
  return found.list;
};

const groupOf = (kind: Subject['kind']): string => (kind === 'ServiceAccount' ? '' : rbacGroup);

/** What people leave out because there is only one right value. */
const defaultBinding = (object: Resource): Resource => {
  const ref: unknown = Reflect.get(object, 'roleRef');
  const subjects: unknown = Reflect.get(object, 'subjects');
  return {
    ...object,
    ...(isJsonObject(ref) ? { roleRef: { apiGroup: rbacGroup, ...ref } } : {}),
    ...(Array.isArray(subjects) ? { subjects: subjects.map(defaultSubject) } : {}),
  };
};

const defaultSubject = (value: unknown): unknown => {
  if (!isJsonObject(value)) return value;
  return value['kind'] === 'ServiceAccount' ? value : { apiGroup: rbacGroup, ...value };
};

const checkSubject = (found: Findings, path: string, { kind, apiGroup, namespace = '' }: Subject): void => {
  const wanted = groupOf(kind);
  if ((apiGroup ?? wanted) !== wanted) found.add(`${path}.apiGroup`, 'FieldValueNotSupported', `"${apiGroup}" is not the group of ${kind}; use "${wanted}"`);
  if (kind === 'ServiceAccount' && namespace === '') found.list.push(required(`${path}.namespace`, 'is required for a ServiceAccount'));
  if (kind !== 'ServiceAccount' && namespace !== '') found.add(`${path}.namespace`, 'FieldValueForbidden', `a ${kind} has no namespace`);
};

const validateBinding = (isCluster: boolean) => (object: Resource, old?: Resource): Finding[] => {
  const found = new Findings();
  const { apiGroup, kind, name } = roleRefOf(object);
  if (apiGroup !== rbacGroup) found.add('roleRef.apiGroup', 'FieldValueNotSupported', `"${apiGroup}" is not supported; use "${rbacGroup}"`);
  if (isCluster && kind !== 'ClusterRole') found.add('roleRef.kind', 'FieldValueNotSupported', `"${kind}" is not supported; use "ClusterRole"`);
  subjectsOf(object).forEach((entry, index) => checkSubject(found, `subjects[${index}]`, entry));
  const before = old === undefined ? undefined : roleRefOf(old);
  if (before !== undefined && (before.kind !== kind || before.name !== name)) {
    found.add('roleRef', 'FieldValueInvalid', 'cannot change roleRef; delete the binding and create another');
  }
  return found.list;
};

const rules = Type.Optional(Type.Array(policyRule, { description: 'What is allowed: whatever one of them allows.' }));

export const roleKind: Kind = {
  ...common,
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  scope: 'Namespaced',
  description: 'What somebody may do in one namespace. A RoleBinding says who.',
  properties: { rules },
  required: [],
  defaults: (object) => object,
  validate: validateRole(false),
  columns: [age],
};

export const clusterRoleKind: Kind = {
  ...common,
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  scope: 'Cluster',
  description: 'What somebody may do everywhere (ClusterRoleBinding) or in one namespace (RoleBinding).',
  properties: { rules, aggregationRule: Type.Optional(aggregationRule) },
  required: [],
  defaults: (object) => object,
  validate: validateRole(true),
  columns: [age],
};

const bindingProperties = { subjects: Type.Optional(Type.Array(subject, { description: 'Who.' })), roleRef };

export const roleBindingKind: Kind = {
  ...common,
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  scope: 'Namespaced',
  description: 'Gives a Role, or a ClusterRole for this namespace only, to users, groups and ServiceAccounts.',
  properties: bindingProperties,
  required: ['roleRef'],
  defaults: defaultBinding,
  validate: validateBinding(false),
  columns: [{ ...roleColumn }, age, ...subjectColumns],
};

export const clusterRoleBindingKind: Kind = {
  ...common,
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  scope: 'Cluster',
  description: 'Gives a ClusterRole everywhere to users, groups and ServiceAccounts.',
  properties: bindingProperties,
  required: ['roleRef'],
  defaults: defaultBinding,
  validate: validateBinding(true),
  columns: [{ ...roleColumn }, age, ...subjectColumns],
};
