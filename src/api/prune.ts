/** Removes what a schema does not know, and says what it was: a typo in a manifest must not be stored, nor pass silently. */
import type { Finding } from '../kit/error.ts';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { memberPath } from './findings.ts';
import { nearest } from './spelling.ts';

export interface UnknownField {
  /** Such as `spec.subnets.front.vlna`. */
  readonly path: string;
  /** What was probably meant, or what is known there; absent where nothing is. */
  readonly hint?: string;
}

export interface Pruned {
  readonly value: unknown;
  /** What was removed. */
  readonly unknown: readonly UnknownField[];
}

/** A copy of `value` with only the members that `schema` (JSON Schema) names; a schema without any is free-form. */
export const prune = (schema: unknown, value: unknown): Pruned => {
  const unknown: UnknownField[] = [];
  return { value: walk([objectOr(schema)], value, '', unknown), unknown };
};

/** Code: `UnknownField`. */
export const unknownFinding = ({ path, hint }: UnknownField): Finding => ({
  path,
  code: 'UnknownField',
  message: hint === undefined ? 'unknown field' : `unknown field; ${hint}`,
});

const walk = (schemas: readonly JsonObject[], value: unknown, path: string, unknown: UnknownField[]): unknown => {
  const branches = schemas.flatMap(withBranches);
  if (Array.isArray(value)) {
    const items = branches.flatMap((schema) => (isJsonObject(schema['items']) ? [schema['items']] : []));
    return value.map((item, index) => walk(items, item, memberPath(path, index), unknown));
  }
  return isJsonObject(value) ? walkObject(branches, value, path, unknown) : value;
};

const walkObject = (branches: readonly JsonObject[], value: JsonObject, path: string, unknown: UnknownField[]): JsonObject => {
  const closed = branches.some(namesMembers) && !branches.some(isOpen);
  const result: JsonObject = {};
  for (const [member, child] of Object.entries(value)) {
    const at = memberPath(path, member);
    // As a member name it would set the prototype of the copy.
    if (member === '__proto__') {
      unknown.push({ path: at });
      continue;
    }
    const known = branches.flatMap((schema) => memberSchemas(schema, member));
    // Go clients write null for what is not set, such as creationTimestamp: where no null is allowed that means absent.
    if (child === null && known.length > 0 && !known.flatMap(withBranches).some(allowsNull)) continue;
    if (known.length > 0) result[member] = walk(known, child, at, unknown);
    else if (closed) unknown.push({ path: at, ...hintFor(member, branches) });
    else result[member] = child;
  }
  return result;
};

const hintFor = (member: string, branches: readonly JsonObject[]): { readonly hint?: string } => {
  const known = [...new Set(branches.flatMap((schema) => Object.keys(objectOr(schema['properties']))))];
  if (known.length === 0) return {};
  const meant = nearest(member, known);
  return { hint: meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?` };
};

/** The schema and all alternatives and parts of it: what any of them knows is known. */
const withBranches = (schema: JsonObject): JsonObject[] => {
  const parts = [schema['anyOf'], schema['oneOf'], schema['allOf']].filter(Array.isArray).flat();
  return [schema, ...parts.filter(isJsonObject).flatMap(withBranches)];
};

const namesMembers = (schema: JsonObject): boolean =>
  isJsonObject(schema['properties']) || isJsonObject(schema['patternProperties']);

/** A schema without a type takes anything. */
const allowsNull = (schema: JsonObject): boolean =>
  schema['type'] === 'null' || (schema['type'] === undefined && ['anyOf', 'oneOf', 'allOf', 'enum', 'const'].every((keyword) => schema[keyword] === undefined));

const isOpen = (schema: JsonObject): boolean => schema['additionalProperties'] === true;

const expressions = new Map<string, RegExp>();

const expression = (pattern: string): RegExp => {
  const found = expressions.get(pattern) ?? new RegExp(pattern, 'u');
  expressions.set(pattern, found);
  return found;
};

const memberSchemas = (schema: JsonObject, member: string): JsonObject[] => {
  const properties = objectOr(schema['properties']);
  const named = Object.hasOwn(properties, member) ? properties[member] : undefined;
  if (isJsonObject(named)) return [named];
  const patterns = Object.entries(objectOr(schema['patternProperties']));
  const matched = patterns.filter(([pattern]) => expression(pattern).test(member)).map(([, child]) => child);
  const additional = schema['additionalProperties'];
  return [...matched, ...(isJsonObject(additional) ? [additional] : [])].filter(isJsonObject);
};
