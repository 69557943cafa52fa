/** Selectors as Kubernetes has them, and by name. All that a selector says must hold; one that says nothing selects everything. */
import { type Static, Type } from 'typebox';
import { byName, name } from './common.ts';
import { asSet } from '../fieldtype.ts';

export const selector = (what: string) =>
  Type.Object(
    {
      matchLabels: Type.Optional(byName(Type.String({ maxLength: 63 }), 'Labels that it has with just these values.')),
      matchExpressions: Type.Optional(
        Type.Array(
          Type.Object(
            {
              key: Type.String({ minLength: 1, maxLength: 317, description: 'Label.' }),
              operator: Type.Union([Type.Literal('In'), Type.Literal('NotIn'), Type.Literal('Exists'), Type.Literal('DoesNotExist')], {
                description: 'In, NotIn: about its value; what has no such label is NotIn. Exists, DoesNotExist: whether there is one.',
              }),
              values: Type.Optional(Type.Array(Type.String({ maxLength: 63 }), { minItems: 1, maxItems: 64, description: 'For In and NotIn.' })),
            },
            { additionalProperties: false },
          ),
          { maxItems: 16 },
        ),
      ),
      names: Type.Optional(Type.Array(name('Name'), { ...asSet, minItems: 1, maxItems: 64, description: 'It has one of these names.' })),
    },
    { additionalProperties: false, description: what },
  );
export type Selector = Static<ReturnType<typeof selector>>;
