/** Places in a schema, written as `spec.subnets{}.dhcp` or `spec.inboundACL[]`: `{}` are values by name, `[]` entries of a list. */
import { isJsonObject, type JsonObject } from '../../kit/json.ts';

/** The schema at a place below `root`; undefined when there is none. */
export const schemaAt = (root: JsonObject, place: string): JsonObject | undefined => {
  let at: unknown = root;
  for (const step of place.match(/\[\]|\{\}|[^.[\]{}]+/g) ?? []) {
    if (!isJsonObject(at)) return undefined;
    if (step === '[]') at = at['items'];
    else if (step === '{}') at = at['additionalProperties'];
    else at = isJsonObject(at['properties']) ? at['properties'][step] : undefined;
  }
  return isJsonObject(at) ? at : undefined;
};

/** Gives the schema at `place` more members. Throws when there is no such place. */
export const extendAt = (root: JsonObject, place: string, more: JsonObject): void => {
  const schema = schemaAt(root, place);
  if (schema === undefined) throw new Error(`the schema has no "${place}"`);
  Object.assign(schema, more);
};
