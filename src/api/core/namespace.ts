/** Namespace: a tenant. Deleting one deletes what is in it. */
import { Type } from 'typebox';
import { objectOr } from '../../kit/json.ts';
import type { Kind, Resource } from '../object.ts';
import { asMap } from '../fieldtype.ts';

const spec = Type.Object({
  finalizers: Type.Optional(Type.Array(Type.String(), { description: 'Kept until everything in the namespace is gone.' })),
});

const condition = Type.Object({
  type: Type.String({ description: 'NamespaceContentRemaining or NamespaceFinalizersRemaining.' }),
  status: Type.Union([Type.Literal('True'), Type.Literal('False'), Type.Literal('Unknown')], { description: 'Whether it is so.' }),
  reason: Type.Optional(Type.String({ description: 'In one word.' })),
  message: Type.Optional(Type.String({ description: 'What there is, for people.' })),
  lastTransitionTime: Type.Optional(Type.Union([Type.String(), Type.Null()], { description: 'Since when.' })),
});

const status = Type.Object({
  phase: Type.Optional(
    Type.Union([Type.Literal('Active'), Type.Literal('Terminating')], { description: 'Active, or Terminating while its content goes.' }),
  ),
  conditions: Type.Optional(Type.Array(condition, { ...asMap('type'), description: 'What holds a deletion up.' })),
});

/** Label by which selectors of other objects can name a namespace. */
const nameLabel = 'kubernetes.io/metadata.name';

const defaults = (object: Resource): Resource => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, [nameLabel]: object.metadata.name } },
  spec: { finalizers: ['kubernetes'], ...objectOr(object.spec) },
  status: { phase: 'Active', ...objectOr(object.status) },
});

export const namespaceKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  scope: 'Cluster',
  description: 'A tenant: names are unique within it, and deleting it deletes everything in it.',
  properties: { spec, status },
  required: [],
  defaults,
  validate: () => [],
  columns: [
    { name: 'Status', type: 'string', jsonPath: '.status.phase', description: 'Active or Terminating', priority: 0 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 },
  ],
  hasStatus: true,
  finalizes: true,
};
