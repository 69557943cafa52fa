/** ServiceAccount (core/v1): a program as a user. Tokens are asked for at its `token` subresource and die with it. */
import { Type } from 'typebox';
import type { Kind } from '../object.ts';

const text = (description: string) => Type.Optional(Type.String({ description }));

const reference = Type.Object({
  kind: text('Kind.'),
  namespace: text('Namespace.'),
  name: text('Name.'),
  uid: text('UID.'),
  apiVersion: text('API version.'),
  resourceVersion: text('Version.'),
  fieldPath: text('Part of the object.'),
});

export const serviceAccountKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  categories: [],
  scope: 'Namespaced',
  description: 'A program as a user: system:serviceaccount:NAMESPACE:NAME. Deleting it ends all its tokens.',
  properties: {
    secrets: Type.Optional(Type.Array(reference, { description: 'Kept, without meaning here.' })),
    imagePullSecrets: Type.Optional(Type.Array(Type.Object({ name: text('Name.') }), { description: 'Kept, without meaning here.' })),
    automountServiceAccountToken: Type.Optional(Type.Boolean({ description: 'Kept, without meaning here.' })),
  },
  required: [],
  defaults: (object) => object,
  validate: () => [],
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 }],
  hasStatus: false,
  actions: { token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } },
};
