/**
 * What can be owned on its own in an object: the fields of an object, the items of a list that has keys (Kubernetes
 * `x-kubernetes-list-type` set and map). Everything else, lists without that marker among it, is one value.
 */
import type { Finding } from '../kit/error.ts';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { memberPath } from './findings.ts';

const listType = 'x-kubernetes-list-type';
const listMapKeys = 'x-kubernetes-list-map-keys';

/** Options of an array schema whose items are each there once and owned one by one. */
export const asSet = { [listType]: 'set' } as const;

/** Options of an array schema whose items, which are objects, are told apart by these required members. */
export const asMap = (...keys: readonly string[]) => ({ [listType]: 'map', [listMapKeys]: keys }) as const;

export interface Field {
  /** As FieldsV1 names it: `f:name`, `k:{"type":"Ready"}`, `v:"x"`. */
  readonly key: string;
  readonly type: FieldType;
  /** One of many, such as a label or a condition: it is owned itself and not only what is in it. */
  readonly isItem: boolean;
}

export interface Element extends Field {
  readonly value: unknown;
}

/** What the alternatives of a schema say together of one place in an object, worked out once. */
export class FieldType {
  /** Members by which items of a list are told apart; none: as a whole. Undefined: the list is one value. */
  readonly keys: readonly string[] | undefined;
  /** Objects here are one value. */
  readonly isAtomic: boolean;
  readonly default: unknown;
  readonly #branches: readonly JsonObject[];
  readonly #named = new Map<string, Field>();
  readonly #names: ReadonlySet<string>;
  #others: FieldType | undefined;
  #items: FieldType | undefined;
  #keyed: boolean | undefined;

  constructor(schemas: readonly JsonObject[]) {
    this.#branches = schemas.flatMap(withBranches);
    this.keys = this.#branches.map(keysOf).find((keys) => keys !== undefined);
    this.isAtomic = this.#branches.some((schema) => schema['x-kubernetes-map-type'] === 'atomic');
    this.default = this.#branches.map((schema) => schema['default']).find((value) => value !== undefined);
    this.#names = new Set(this.#branches.flatMap((schema) => Object.keys(objectOr(schema['properties']))));
  }

  member(name: string): FieldType {
    return this.field(name).type;
  }

  field(name: string): Field {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    if (!this.#names.has(name)) return { key: `f:${name}`, type: this.others, isItem: true };
    const type = new FieldType(this.#branches.map((schema) => objectOr(schema['properties'])[name]).filter(isJsonObject));
    const field: Field = { key: `f:${name}`, type, isItem: false };
    this.#named.set(name, field);
    return field;
  }

  /** Of members that are not named one by one. */
  get others(): FieldType {
    const schemas = (schema: JsonObject) => [...Object.values(objectOr(schema['patternProperties'])), schema['additionalProperties']];
    this.#others ??= new FieldType(this.#branches.flatMap(schemas).filter(isJsonObject));
    return this.#others;
  }

  get items(): FieldType {
    this.#items ??= new FieldType(this.#branches.map((schema) => schema['items']).filter(isJsonObject));
    return this.#items;
  }

  /** Whether lists with keys may be in it: most of what is written has none. */
  get hasKeyedLists(): boolean {
    this.#keyed ??= this.keys !== undefined || this.#parts().some((type) => type.hasKeyedLists);
    return this.#keyed;
  }

  #parts(): FieldType[] {
    if (this.#branches.length === 0) return [];
    return [...[...this.#names].map((name) => this.member(name)), this.others, this.items];
  }
}

/** The schema and all alternatives and parts of it. */
const withBranches = (schema: JsonObject): JsonObject[] => {
  const parts = [schema['anyOf'], schema['oneOf'], schema['allOf']].filter(Array.isArray).flat();
  return [schema, ...parts.filter(isJsonObject).flatMap(withBranches)];
};

const keysOf = (schema: JsonObject): readonly string[] | undefined => {
  const keys = schema[listMapKeys];
  if (schema[listType] === 'map' && Array.isArray(keys)) return keys.map(String).toSorted();
  return schema[listType] === 'set' ? [] : undefined;
};

const types = new WeakMap<object, FieldType>();

export const fieldTypeOf = (schema: object): FieldType => {
  let type = types.get(schema);
  if (type === undefined) types.set(schema, (type = new FieldType([objectOr(schema)])));
  return type;
};

/** The parts of a value that have owners of their own; undefined when it is owned as a whole. */
export const elementsOf = (type: FieldType, value: unknown): Element[] | undefined => {
  if (Array.isArray(value)) return type.keys === undefined ? undefined : itemsOf(type, type.keys, value);
  if (!isJsonObject(value) || type.isAtomic) return undefined;
  const elements: Element[] = [];
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (member === undefined) continue;
    const { key, type: of, isItem } = type.field(name);
    elements.push({ key, type: of, value: member, isItem });
  }
  return elements;
};

/** A list in which an item has no key, or two have the same, counts as one value: it must not get lost. */
const itemsOf = (type: FieldType, keys: readonly string[], list: readonly unknown[]): Element[] | undefined => {
  const seen = new Set<string>();
  const elements: Element[] = [];
  for (const value of list) {
    const key = itemKey(type.items, keys, value);
    if (key === undefined || seen.has(key)) return undefined;
    seen.add(key);
    elements.push({ key, type: type.items, value, isItem: true });
  }
  return elements;
};

const itemKey = (items: FieldType, keys: readonly string[], item: unknown): string | undefined => {
  if (keys.length === 0) return `v:${JSON.stringify(item)}`;
  if (!isJsonObject(item)) return undefined;
  const values: JsonObject = {};
  for (const key of keys) {
    const value = Object.hasOwn(item, key) ? item[key] : items.member(key).default;
    if (value === undefined || (typeof value === 'object' && value !== null)) return undefined;
    values[key] = value;
  }
  return `k:${JSON.stringify(values)}`;
};

/** Items that a set, or a list with keys, holds twice. Code: `FieldValueDuplicate`. */
export const duplicateItems = (type: FieldType, value: unknown): Finding[] => {
  const found: Finding[] = [];
  collectRepeated(type, value, () => '', found);
  return found;
};

/** Paths are put together only where something was found: this runs for everything that is written. */
const collectRepeated = (type: FieldType, value: unknown, path: () => string, found: Finding[]): void => {
  if (typeof value !== 'object' || value === null || !type.hasKeyedLists) return;
  if (Array.isArray(value)) {
    if (type.keys !== undefined && value.length > 1) reportRepeated(type, type.keys, value, path, found);
    if (type.items.hasKeyedLists) value.forEach((item, index) => collectRepeated(type.items, item, () => memberPath(path(), index), found));
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'object') collectRepeated(type.member(name), member, () => memberPath(path(), name), found);
  }
};

const reportRepeated = (type: FieldType, keys: readonly string[], list: readonly unknown[], path: () => string, found: Finding[]): void => {
  const seen = new Set<string>();
  list.forEach((item, index) => {
    const key = itemKey(type.items, keys, item);
    if (key === undefined) return;
    if (seen.has(key)) found.push({ path: memberPath(path(), index), code: 'FieldValueDuplicate', message: `${key.slice(2)} is in the list twice; name it once` });
    seen.add(key);
  });
};
