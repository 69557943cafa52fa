/** Plain JSON values: the tests that every layer above needs, and the copy that makes a caller's object ours. */
export interface JsonObject {
  [member: string]: unknown;
}

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object itself, or an empty one for anything that is not an object. */
export const objectOr = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

/** `{[name]: value}`, or nothing when the value is undefined: for building objects under exactOptionalPropertyTypes. */
export const optional = <Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } => {
  const object: { [Key in Name]?: Value } = {};
  if (value !== undefined) object[name] = value;
  return object;
};
