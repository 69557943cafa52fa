/** Schema pieces that several kinds share. */
import { type TSchema, Type } from 'typebox';
import { asMap } from '../fieldtype.ts';

export const name = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' });

export const text = (description: string) => Type.String({ description, maxLength: 256 });

/** CIDR text; whether it parses is checked by `validate`, which says better than a pattern what is wrong. */
export const cidr = (description: string) => Type.String({ description, minLength: 1, maxLength: 64 });
export const address = (description: string) => Type.String({ description, minLength: 1, maxLength: 64 });
export const mac = (description: string) => Type.String({ description, minLength: 1, maxLength: 17 });

export const condition = Type.Object({
  type: Type.String(),
  status: Type.Union([Type.Literal('True'), Type.Literal('False'), Type.Literal('Unknown')]),
  reason: Type.String(),
  message: Type.String(),
  lastTransitionTime: Type.String({ format: 'date-time' }),
  observedGeneration: Type.Optional(Type.Integer()),
});

/** Members that the status of every kind has. */
export const statusBase = {
  observedGeneration: Type.Optional(Type.Integer({ description: 'Generation of spec that the conditions speak of.' })),
  conditions: Type.Optional(Type.Array(condition, { ...asMap('type'), description: 'Accepted, Verified and Programmed.' })),
  kept: Type.Optional(
    Type.Array(
      Type.Object({
        scope: Type.String({ description: 'Scope of goal state.' }),
        id: Type.String({ description: 'Table and key of a row that is withheld.' }),
        row: Type.Optional(Type.String({ description: 'What devices have of it, as JSON.' })),
      }),
      { description: 'Rows that are withheld, and what devices have instead: so that they have it after a restart of the controller too.' },
    ),
  ),
  /** `n/m` devices that run this generation: what tables print. */
  ready: Type.Optional(Type.String({ description: 'Devices that run this generation, of all that must: n/m.' })),
};

export const percent = (description: string) => Type.Integer({ minimum: 0, maximum: 100, description });

export const range = (what: string, minimum: number, maximum: number) =>
  Type.Object(
    {
      from: Type.Integer({ minimum, maximum, description: `First ${what}.` }),
      to: Type.Integer({ minimum, maximum, description: `Last ${what}.` }),
    },
    { additionalProperties: false },
  );

/**
 * Values by name. TypeBox writes a record as `patternProperties` with `^.*$`, and a dot does not match a line break: the
 * schema is given a second time for such names, or their values would pass unchecked.
 */
export const byName = <Value extends TSchema>(value: Value, description: string) =>
  Type.Record(Type.String(), value, { description, additionalProperties: value });
