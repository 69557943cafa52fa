/**
 * What `metadata` may hold in an object that comes in: the members that OpenAPI shows, and nothing else. Generators write
 * `creationTimestamp: null`, which everybody's API servers let pass.
 */
import { Type } from 'typebox';
import { objectMetaSchema } from './core/meta.ts';

const orNull = Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()]));

export const metadataSchema = Type.Object(
  { ...objectMetaSchema.properties, creationTimestamp: orNull, deletionTimestamp: orNull },
  { additionalProperties: false },
);
