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

/**
 * A copy of `value` with only the members that `schema` (JSON Schema) names; a schema without any is free-form. Members
 * that are `undefined` are left out, as in JSON.
 */
export const prune = (schema: unknown, value: unknown): Pruned => {
  const unknown: UnknownField[] = [];
  return { value: walk(shapeOf(objectOr(schema)), value, '', unknown), unknown };
};

/** Code: `UnknownField`. */
export const unknownFinding = ({ path, hint }: UnknownField): Finding => ({
  path,
  code: 'UnknownField',
  message: hint === undefined ? 'unknown field' : `unknown field; ${hint}`,
});

const walk = (shape: Shape, value: unknown, path: string, unknown: UnknownField[]): unknown => {
  if (Array.isArray(value)) return value.map((item, index) => walk(shape.items, item, memberPath(path, index), unknown));
  return isJsonObject(value) ? walkObject(shape, value, path, unknown) : value;
};

const walkObject = (shape: Shape, value: JsonObject, path: string, unknown: UnknownField[]): JsonObject => {
  const result: JsonObject = {};
  for (const member in value) {
    if (!Object.hasOwn(value, member)) continue;
    // As a member name it would set the prototype of the copy.
    if (member === '__proto__') {
      unknown.push({ path: memberPath(path, member) });
      continue;
    }
    const child = value[member];
    const known = shape.member(member);
    // Go clients write null for what is not set, such as creationTimestamp: where no null is allowed that means absent.
    if (child === undefined || (child === null && known !== undefined && !known.allowsNull)) continue;
    // The path is put together only where it may be needed: this runs for every member of every object that is written.
    if (known !== undefined) result[member] = isLeaf(child) ? child : walk(known, child, memberPath(path, member), unknown);
    else if (shape.isClosed) unknown.push({ path: memberPath(path, member), ...(unknown.length < hinted ? hintFor(member, shape) : {}) });
    else result[member] = isLeaf(child) ? child : walk(freeForm, child, memberPath(path, member), unknown);
  }
  return result;
};

const isLeaf = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** Nobody reads more hints, and each costs as much as a small object. */
const hinted = 100;

const hintFor = (member: string, { names }: Shape): { readonly hint?: string } => {
  if (names.length === 0) return {};
  const meant = nearest(member, names);
  return { hint: meant === undefined ? `known here: ${names.join(', ')}` : `did you mean "${meant}"?` };
};

/** What alternatives of a schema know together of one place in an object, worked out once. */
class Shape {
  /** Whether members that no alternative names are unknown. */
  readonly isClosed: boolean;
  readonly allowsNull: boolean;
  /** Members named one by one. */
  readonly names: readonly string[];
  readonly #branches: readonly JsonObject[];
  readonly #named = new Map<string, Shape>();
  readonly #patterns: readonly { readonly expression: RegExp; readonly schema: JsonObject }[];
  /** Shapes of members that are not named one by one, by the patterns that their names match. */
  readonly #matched = new Map<string, Shape | undefined>();
  #items: Shape | undefined;

  constructor(schemas: readonly JsonObject[]) {
    const branches = schemas.flatMap(withBranches);
    this.#branches = branches;
    this.isClosed = branches.some(namesMembers) && !branches.some(isOpen);
    this.allowsNull = branches.some(allowsNull);
    this.names = [...new Set(branches.flatMap((schema) => Object.keys(objectOr(schema['properties']))))];
    this.#patterns = branches.flatMap((schema) =>
      Object.entries(objectOr(schema['patternProperties'])).flatMap(([pattern, child]) =>
        isJsonObject(child) ? [{ expression: new RegExp(pattern, 'u'), schema: child }] : [],
      ),
    );
  }

  get items(): Shape {
    this.#items ??= new Shape(this.#branches.flatMap((schema) => (isJsonObject(schema['items']) ? [schema['items']] : [])));
    return this.#items;
  }

  /** Undefined when nothing is known of it. */
  member(name: string): Shape | undefined {
    const found = this.#named.get(name);
    if (found !== undefined) return found;
    if (this.names.includes(name)) {
      const shape = new Shape(this.#branches.flatMap((schema) => memberSchemas(schema, name)));
      this.#named.set(name, shape);
      return shape;
    }
    return this.#unnamed(name);
  }

  #unnamed(name: string): Shape | undefined {
    let key = '';
    for (const { expression } of this.#patterns) key += expression.test(name) ? '1' : '0';
    if (!this.#matched.has(key)) {
      const schemas = this.#branches.flatMap((schema) => memberSchemas(schema, name));
      this.#matched.set(key, schemas.length === 0 ? undefined : new Shape(schemas));
    }
    return this.#matched.get(key);
  }
}

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

const memberSchemas = (schema: JsonObject, member: string): JsonObject[] => {
  const properties = objectOr(schema['properties']);
  const named = Object.hasOwn(properties, member) ? properties[member] : undefined;
  if (isJsonObject(named)) return [named];
  const patterns = Object.entries(objectOr(schema['patternProperties']));
  const matched = patterns.filter(([pattern]) => new RegExp(pattern, 'u').test(member)).map(([, child]) => child);
  const additional = schema['additionalProperties'];
  return [...matched, ...(isJsonObject(additional) ? [additional] : [])].filter(isJsonObject);
};

const freeForm = new Shape([]);
const shapes = new WeakMap<JsonObject, Shape>();

const shapeOf = (schema: JsonObject): Shape => {
  let shape = shapes.get(schema);
  if (shape === undefined) shapes.set(schema, (shape = new Shape([schema])));
  return shape;
};
