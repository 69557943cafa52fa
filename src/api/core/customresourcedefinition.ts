/**
 * CustomResourceDefinition (apiextensions.k8s.io/v1), to be read only: what tools look up of our kinds, and wait for, is there
 * as on a cluster that they were installed on.
 */
import { Type } from 'typebox';
import type { Kind } from '../object.ts';

export const customResourceDefinitionKind: Kind = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: [],
  scope: 'Cluster',
  description: 'A kind that this server serves; it can be read, not changed.',
  properties: {
    spec: Type.Object({}, { additionalProperties: true, description: 'Names, scope, schema and columns of the kind.' }),
    status: Type.Optional(Type.Object({}, { additionalProperties: true, description: 'Conditions Established and NamesAccepted: always True here.' })),
  },
  required: ['spec'],
  defaults: (object) => object,
  validate: () => [],
  columns: [{ name: 'Created At', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'When the server began to serve it', priority: 0 }],
  hasStatus: false,
  readOnly: true,
};
