/**
 * The check of one object, the same for the API server, for `heddle validate` offline and for tests: first its structure
 * against the schema, then the rules of its kind. What needs a look at other objects is judged later, by the compiler.
 */
import { type TObject, type TProperties, Type } from 'typebox';
import type { Finding } from '../kit/error.ts';
import { metadataSchema } from './metadata.ts';
import type { Kind, Resource } from './object.ts';
import { prune, unknownFinding } from './prune.ts';
import { isAbout, soundPart } from './soundpart.ts';
import { structureFindings } from './structure.ts';

/**
 * All faults of `object`, best after `kind.defaults(object)`; empty when it may be stored.
 *
 * Unknown fields are findings of code `UnknownField`, and the rest is judged as if they were not there. The rules see what has
 * the right structure, so one answer holds as many faults as can be told.
 *
 * @param old the object before an update, for the rules on what may change
 */
export function checkObject(kind: Kind, object: unknown, old?: Resource): Finding[] {
  const schema = objectSchema(kind);
  const { value, unknown } = prune(schema, object);
  const structural = structureFindings(schema, value);
  const unknownFields = unknown.map(unknownFinding);
  if (structural.length === 0) return [...unknownFields, ...kind.validate(value as Resource, old)];
  return [...structural, ...unknownFields, ...rulesOfRest(kind, schema, value, structural, old)];
}

/** What the rules say of the rest of an object whose structure is wrong in places. */
export function rulesOfRest(kind: Kind, schema: TObject, value: unknown, structural: readonly Finding[], old?: Resource): Finding[] {
  const part = soundPart(schema, value, structural);
  if (part === undefined) return [];
  const object = kind.defaults(part.value as Resource);
  if (structureFindings(schema, object).length > 0) return [];
  return kind.validate(object, old).filter(({ path }) => !isAbout(path, part));
}

const schemas = new WeakMap<Kind, TObject>();

/** Schema of the whole object of a kind: the envelope that all resources share with the kind's own members in it. */
export function objectSchema(kind: Kind): TObject {
  let schema = schemas.get(kind);
  if (schema === undefined) {
    schema = buildObjectSchema(kind);
    schemas.set(kind, schema);
  }
  return schema;
}

function buildObjectSchema(kind: Kind): TObject {
  const members: TProperties = {};
  for (const [member, schema] of Object.entries(kind.properties)) {
    members[member] = kind.required.includes(member) ? schema : Type.Optional(schema);
  }
  return Type.Object(
    {
      apiVersion: Type.Literal(kind.group === '' ? kind.version : `${kind.group}/${kind.version}`),
      kind: Type.Literal(kind.kind),
      metadata: metadataSchema,
      ...members,
    },
    { additionalProperties: false, description: kind.description },
  );
}

