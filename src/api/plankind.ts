/** The kind of question that asks what would follow from a change. Nothing of it is kept, so it is none of `kinds`. */
import { Type } from 'typebox';
import { group, version, type Kind } from './object.ts';

const anything = Type.Object({}, { additionalProperties: true });

const reference = Type.Object({
  apiVersion: Type.Optional(Type.String({ description: 'API version of the object; does not matter.' })),
  kind: Type.String({ description: 'Kind of the object.' }),
  namespace: Type.Optional(Type.String({ description: 'Its namespace; left out for cluster-scoped kinds.' })),
  name: Type.String({ description: 'Its name.' }),
});

export const planKind: Kind = {
  group,
  version,
  kind: 'Plan',
  plural: 'plans',
  singular: 'plan',
  shortNames: [],
  categories: [],
  scope: 'Cluster',
  description: 'What would follow from writing and deleting objects: what is refused, rows and commands of each device, who reaches whom. It is answered and not kept, and nothing is changed by it.',
  properties: {
    spec: Type.Object(
      {
        apply: Type.Optional(Type.Array(anything, { description: 'Objects as they shall be, whole.', maxItems: 10_000 })),
        delete: Type.Optional(Type.Array(reference, { description: 'Objects that shall be gone.', maxItems: 10_000 })),
      },
      { description: 'What is to be done.' },
    ),
    status: Type.Optional(Type.Object({}, { description: 'The answer.', additionalProperties: true })),
  },
  required: ['spec'],
  defaults: (object) => object,
  validate: () => [],
  columns: [],
  hasStatus: false,
  createOnly: true,
};
