/**
 * JSON Schema as TypeBox writes it, lowered to the structural schemas that CustomResourceDefinitions take: every node has a
 * type, a constant is an enumeration, values by name are `additionalProperties`, and nothing is closed, for what a schema does
 * not name is pruned there.
 */
import { isJsonObject, objectOr, type JsonObject } from '../../kit/json.ts';

/** Keywords that mean the same in both. `uniqueItems` is forbidden there: list types say it. */
const kept = [
  'type', 'description', 'format', 'enum', 'default', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'minItems',
  'maxItems', 'minProperties', 'maxProperties', 'required', 'nullable',
] as const;

const bounds = [['exclusiveMinimum', 'minimum'], ['exclusiveMaximum', 'maximum']] as const;

/** A schema that takes anything is kept as it is written. */
const anything: JsonObject = { 'x-kubernetes-preserve-unknown-fields': true };

/** Throws on what has no structural form, such as a choice between an object and a text. */
export const structural = (schema: unknown): JsonObject => {
  const source = withoutChoice(objectOr(schema));
  if (source['type'] === undefined) return { ...descriptionOf(source), ...anything };
  const result: JsonObject = {};
  for (const keyword of kept) if (source[keyword] !== undefined) result[keyword] = source[keyword];
  for (const [keyword, bound] of bounds) {
    if (typeof source[keyword] === 'number') Object.assign(result, { [bound]: source[keyword], [keyword]: true });
  }
  for (const [keyword, value] of Object.entries(source)) if (keyword.startsWith('x-kubernetes-')) result[keyword] = value;
  if (isJsonObject(source['properties'])) result['properties'] = mapMembers(source['properties'], structural);
  if (source['items'] !== undefined) result['items'] = structural(source['items']);
  const values = Object.values(objectOr(source['patternProperties']))[0] ?? source['additionalProperties'];
  if (isJsonObject(values)) result['additionalProperties'] = structural(values);
  return result['type'] === 'object' && result['properties'] === undefined && values === undefined ? { ...result, ...anything } : result;
};

const descriptionOf = ({ description }: JsonObject): JsonObject => (description === undefined ? {} : { description });

/** Constants and choices of constants as an enumeration. */
const withoutChoice = ({ anyOf, const: constant, ...rest }: JsonObject): JsonObject => {
  if (constant !== undefined) return { ...rest, type: typeof constant, enum: [constant] };
  if (anyOf === undefined) return rest;
  const constants = Array.isArray(anyOf) ? anyOf.map((branch) => objectOr(branch)['const']) : [];
  const types = new Set(constants.map((each) => typeof each));
  if (types.size === 1 && !types.has('undefined')) return { ...rest, type: [...types][0], enum: constants };
  throw new Error(`a choice between schemas has no structural form: ${JSON.stringify(anyOf)}`);
};

const mapMembers = (members: JsonObject, change: (child: unknown) => unknown): JsonObject =>
  Object.fromEntries(Object.entries(members).map(([name, child]) => [name, change(child)]));
