/** Kinds' JSON Schemas lowered to what OpenAPI and CRDs allow: no const, no patternProperties, boolean exclusive bounds. */
import { ownerReferenceSchema, objectMetaSchema } from '../../api/core/meta.ts';
import { isBuiltIn } from '../../api/object.ts';
import { isJsonObject, objectOr, optional, type JsonObject } from '../../kit/json.ts';
import type { Scheme, ServedKind } from '../scheme.ts';

const kept = [
  'type', 'description', 'format', 'enum', 'default', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'minItems',
  'maxItems', 'uniqueItems', 'required', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type',
];

/** `unions` false drops alternatives that are not enumerations: OpenAPI v2 has none. */
export const lower = (schema: unknown, unions: boolean): JsonObject => {
  const source = objectOr(schema);
  const result: JsonObject = {};
  for (const keyword of kept) if (source[keyword] !== undefined) result[keyword] = source[keyword];
  if (source['const'] !== undefined) Object.assign(result, { enum: [source['const']], type: source['type'] ?? typeof source['const'] });
  if (Array.isArray(result['enum']) && result['type'] === undefined) result['type'] = typeof result['enum'][0];
  lowerBounds(source, result);
  lowerUnion(source, result, unions);
  if (isJsonObject(source['properties'])) result['properties'] = mapMembers(source['properties'], (child) => lower(child, unions));
  if (isJsonObject(source['items'])) result['items'] = lower(source['items'], unions);
  const values = Object.values(objectOr(source['patternProperties']))[0] ?? source['additionalProperties'];
  if (isJsonObject(values)) result['additionalProperties'] = lower(values, unions);
  return result;
};

const mapMembers = (members: JsonObject, change: (child: unknown) => unknown): JsonObject =>
  Object.fromEntries(Object.entries(members).map(([name, child]) => [name, change(child)]));

const lowerBounds = (source: JsonObject, result: JsonObject): void => {
  for (const [keyword, bound] of [['exclusiveMinimum', 'minimum'], ['exclusiveMaximum', 'maximum']] as const) {
    if (typeof source[keyword] === 'number') Object.assign(result, { [bound]: source[keyword], [keyword]: true });
  }
};

const lowerUnion = (source: JsonObject, result: JsonObject, unions: boolean): void => {
  const branches = [source['anyOf'], source['oneOf']].find(Array.isArray)?.filter(isJsonObject) ?? [];
  const present = branches.filter((branch) => branch['type'] !== 'null');
  if (present.length === 0) return;
  if (present.length < branches.length && unions) result['nullable'] = true;
  const constants = present.map((branch) => branch['const']);
  if (constants.every((constant) => constant !== undefined)) Object.assign(result, { enum: constants, type: typeof constants[0] });
  else if (present.length === 1) Object.assign(result, lower(present[0], unions), result);
  else if (unions) result['anyOf'] = present.map((branch) => lower(branch, unions));
};

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Definition name of a kind: the group reversed, as the stock server names CRDs. */
export const definitionName = ({ kind }: ServedKind): string =>
  kind.group === '' ? `io.k8s.api.core.${kind.version}.${kind.kind}` : [...kind.group.split('.').toReversed(), kind.version, kind.kind].join('.');

export const groupVersionKind = ({ kind }: ServedKind): JsonObject => ({ group: kind.group, kind: kind.kind, version: kind.version });

/** All definitions that the kinds need; `reference` makes the `$ref` of a name. */
export const definitions = (kinds: Scheme['kinds'], unions: boolean, reference: (name: string) => JsonObject): JsonObject => {
  const result: JsonObject = {
    [`${meta}.ObjectMeta`]: withOwners(lower(objectMetaSchema, unions), reference),
    [`${meta}.OwnerReference`]: lower(ownerReferenceSchema, unions),
    [`${meta}.ListMeta`]: {
      type: 'object',
      description: 'Metadata of a list.',
      properties: { resourceVersion: { type: 'string' }, continue: { type: 'string' }, remainingItemCount: { type: 'integer', format: 'int64' } },
    },
    [`${meta}.DeleteOptions`]: { type: 'object', description: 'How to delete.', properties: { propagationPolicy: { type: 'string' } } },
    [`${meta}.Patch`]: { type: 'object', description: 'A patch.' },
  };
  for (const served of kinds) {
    result[definitionName(served)] = kindDefinition(served, unions, reference);
    result[`${definitionName(served)}List`] = listDefinition(served, reference);
  }
  return result;
};

const withOwners = (schema: JsonObject, reference: (name: string) => JsonObject): JsonObject => ({
  ...schema,
  properties: {
    ...objectOr(schema['properties']),
    ownerReferences: {
      type: 'array',
      description: 'Objects that this one depends on.',
      items: reference(`${meta}.OwnerReference`),
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      'x-kubernetes-patch-merge-key': 'uid',
      'x-kubernetes-patch-strategy': 'merge',
    },
    finalizers: {
      type: 'array',
      description: 'Who must clean up before the object goes.',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
  },
});

const typeMembers: JsonObject = {
  apiVersion: { type: 'string', description: 'Group and version of the kind.' },
  kind: { type: 'string', description: 'The kind, in CamelCase.' },
};

const kindDefinition = (served: ServedKind, unions: boolean, reference: (name: string) => JsonObject): JsonObject => ({
  type: 'object',
  description: served.kind.description,
  ...(served.kind.required.length === 0 ? {} : { required: [...served.kind.required] }),
  properties: {
    ...typeMembers,
    metadata: { ...reference(`${meta}.ObjectMeta`), description: 'Standard object metadata.' },
    ...mapMembers(served.kind.properties, (schema) => (isBuiltIn(served.kind) ? strategic(lower(schema, unions)) : lower(schema, unions))),
  },
  'x-kubernetes-group-version-kind': [groupVersionKind(served)],
});

/** How a strategic merge patch treats lists with keys; only core kinds take one. */
const strategic = (schema: JsonObject): JsonObject => {
  const { properties, items, 'x-kubernetes-list-type': list, 'x-kubernetes-list-map-keys': keys } = schema;
  const [key] = Array.isArray(keys) && keys.length === 1 ? keys : [];
  return {
    ...schema,
    ...(list === 'set' || key !== undefined ? { 'x-kubernetes-patch-strategy': 'merge' } : {}),
    ...optional('x-kubernetes-patch-merge-key', key),
    ...(isJsonObject(properties) ? { properties: mapMembers(properties, (child) => strategic(objectOr(child))) } : {}),
    ...(isJsonObject(items) ? { items: strategic(items) } : {}),
  };
};

const listDefinition = (served: ServedKind, reference: (name: string) => JsonObject): JsonObject => ({
  type: 'object',
  description: `A list of ${served.kind.kind}.`,
  required: ['items'],
  properties: {
    ...typeMembers,
    metadata: reference(`${meta}.ListMeta`),
    items: { type: 'array', items: reference(definitionName(served)) },
  },
  'x-kubernetes-group-version-kind': [{ ...groupVersionKind(served), kind: `${served.kind.kind}List` }],
});
