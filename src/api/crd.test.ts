/** Checks the definitions as an API server would: the demands on structural schemas, written down from the Kubernetes documentation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { crdOf, customResourceDefinitions, schemaOf } from './crd.ts';
import { schemaAt } from './crd/path.ts';
import { celRulesOf } from './crd/rules.ts';
import { structural } from './crd/structural.ts';
import { kindByName, kinds } from './kinds.ts';

const known = new Set([
  'type', 'description', 'format', 'enum', 'default', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength',
  'pattern', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'required', 'nullable', 'properties', 'items', 'additionalProperties',
  'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-validations',
]);

const types = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
/** Constructs of JavaScript's expressions that RE2 has not: looking around and referring back. */
const notRe2 = /\(\?[=!<]|\\[1-9kpPu]/;

const structureFaults = (schema: unknown, path: string): string[] => {
  if (!isJsonObject(schema)) return [`${path} is no schema`];
  const { type, properties, additionalProperties, items, pattern, required } = schema;
  const isAnything = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const faults = Object.keys(schema).flatMap((keyword) => (known.has(keyword) ? [] : [`${path}: ${keyword}`]));
  if (!types.includes(String(type)) && !isAnything) faults.push(`${path}: type ${JSON.stringify(type)}`);
  if (properties !== undefined && additionalProperties !== undefined) faults.push(`${path}: properties beside additionalProperties`);
  if (additionalProperties !== undefined && !isJsonObject(additionalProperties)) faults.push(`${path}: additionalProperties is no schema`);
  if (type === 'array' && items === undefined) faults.push(`${path}: a list without items`);
  if (typeof pattern === 'string' && notRe2.test(pattern)) faults.push(`${path}: pattern ${pattern}`);
  const missing = Array.isArray(required) ? required.filter((name) => !Object.hasOwn(objectOr(properties), String(name))) : [];
  if (missing.length > 0) faults.push(`${path}: requires ${missing.join()}, which it does not name`);
  return [...faults, ...listFaults(schema, path), ...childrenOf(schema, path).flatMap(([child, at]) => structureFaults(child, at))];
};

/** Keys of a list of a map are there in every entry; a set is of scalars. */
const listFaults = (schema: JsonObject, path: string): string[] => {
  const items = objectOr(schema['items']);
  const listType = schema['x-kubernetes-list-type'];
  if (listType === undefined || listType === 'atomic') return [];
  if (listType === 'set') return ['object', 'array'].includes(String(items['type'])) ? [`${path}: a set of ${String(items['type'])}`] : [];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType !== 'map' || !Array.isArray(keys) || keys.length === 0) return [`${path}: list type ${String(listType)}`];
  return keys.flatMap((key) => {
    const child = objectOr(objectOr(items['properties'])[String(key)]);
    const isThere = (Array.isArray(items['required']) && items['required'].includes(key)) || child['default'] !== undefined;
    return types.slice(2).includes(String(child['type'])) && isThere ? [] : [`${path}: key ${String(key)} may be missing`];
  });
};

const childrenOf = ({ properties, items, additionalProperties }: JsonObject, path: string): (readonly [unknown, string])[] => [
  ...Object.entries(objectOr(properties)).map(([name, child]) => [child, `${path}.${name}`] as const),
  ...(items === undefined ? [] : [[items, `${path}[]`] as const]),
  ...(isJsonObject(additionalProperties) ? [[additionalProperties, `${path}{}`] as const] : []),
];

/** So many entries may be in a map or list without a bound: those of the shortest kind that a request of 3 MiB has room for. */
const mostEntries = 450_000;
/** Of one rule, as the API server counts. */
const budget = 10_000_000;
/** More than any list that our rules go through has. */
const longestLoop = 64;

/** How often a rule is asked in one object: all lists and maps on the way to it, full. */
const timesAsked = (schema: JsonObject, place: string): number =>
  [...place.matchAll(/\[\]|\{\}/g)].reduce((times, { index }) => {
    const { maxItems, maxProperties } = objectOr(schemaAt(schema, place.slice(0, index)));
    return times * Number(maxItems ?? maxProperties ?? mostEntries);
  }, 1);

/** Roughly: a word is a step, and each macro goes through a whole list. */
const stepsOf = (rule: string): number => (rule.match(/\w+/g)?.length ?? 0) * longestLoop ** (rule.match(/\.(all|exists)\(/g)?.length ?? 0);

describe('our kinds as definitions for a Kubernetes API server', () => {
  for (const kind of kinds) {
    test(`${kind.kind} has a structural schema`, () => assert.deepEqual(structureFaults(schemaOf(kind), kind.kind), []));
  }

  test('the checker sees what is not structural', () => {
    const wrong = {
      type: 'object',
      properties: { a: { type: 'array' }, b: {}, c: { type: 'object', properties: {}, additionalProperties: {} }, d: { const: 1, type: ['string', 'null'] }, e: { type: 'string', pattern: '(?=x)' } },
      required: ['f'],
    };
    assert.deepEqual(structureFaults(wrong, '').map((fault) => fault.split(':')[0]), ['', '.a', '.b', '.c', '.c{}', '.d', '.d', '.e']);
    const keyed = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a'], items: { type: 'object', properties: { a: { type: 'string' } } } };
    assert.deepEqual(structureFaults(keyed, ''), [': key a may be missing']);
  });

  test('names, scope, columns and the status are those of the kind', () => {
    for (const kind of kinds) {
      const { metadata, spec } = crdOf(kind);
      assert.equal(metadata.name, `${kind.plural}.heddle.dev`);
      assert.equal(spec.scope, kind.scope);
      const [version] = spec.versions;
      const columns = version?.['additionalPrinterColumns'];
      assert.deepEqual(Array.isArray(columns) && columns.map((column) => objectOr(column)['name']), kind.columns.map(({ name }) => name));
      assert.equal(version?.['subresources'] !== undefined, kind.hasStatus);
      assert.deepEqual(Object.keys(objectOr(objectOr(schemaOf(kind))['properties'])).slice(3), ['spec', 'status']);
    }
    assert.equal(customResourceDefinitions().length, kinds.length);
  });

  test('what does not depend on anything is a default of the schema, and nothing else is', () => {
    const at = (kind: string, place: string): unknown => {
      const found = kindByName(kind);
      assert.ok(found);
      const schema = schemaAt(schemaOf(found), place);
      assert.ok(schema, place);
      return schema['default'];
    };
    assert.equal(at('VPC', 'spec.mode'), 'l2');
    assert.equal(at('VPC', 'spec.subnets{}.dhcp.leaseSeconds'), 3600);
    assert.deepEqual(objectOr(at('VPC', 'spec.subnets{}.dhcp'))['enabled'], true);
    assert.deepEqual(at('Fabric', 'spec.asns.leaves'), { from: 4_200_000_001, to: 4_200_099_999 });
    assert.equal(at('Claim', 'status.phase'), 'Bound');
    assert.equal(at('VPC', 'spec.subnets{}.gateway'), undefined);
    assert.equal(at('External', 'spec.inboundACL[].ports.to'), undefined);
    assert.equal(at('SecurityPolicy', 'spec.directions'), undefined);
  });

  test('a default fills in what Kind.defaults would', () => {
    for (const kind of kinds) {
      const empty = { apiVersion: '', kind: kind.kind, metadata: { name: 'a' }, spec: {} };
      const full = kind.defaults(empty);
      // Where {} lacks something required, nothing is filled in and there is nothing to compare.
      if (full === empty) continue;
      for (const [name, child] of Object.entries(objectOr(schemaAt(schemaOf(kind), 'spec')?.['properties']))) {
        assert.deepEqual(objectOr(child)['default'], objectOr(full.spec)[name], `${kind.kind} ${name}`);
      }
    }
  });

  test('every rule stays within the budget of an API server', () => {
    for (const kind of kinds) {
      for (const { place, rule } of celRulesOf(kind)) {
        const cost = timesAsked(schemaOf(kind), place) * stepsOf(rule);
        assert.ok(cost < budget, `${kind.kind} ${place} costs ${cost}: ${rule}`);
      }
    }
  });
});

test('a choice between forms has no structural schema, and nobody may write one unseen', () => {
  assert.throws(() => structural({ anyOf: [{ type: 'string' }, { type: 'object' }] }), /no structural form/);
  assert.deepEqual(structural({ anyOf: [{ const: 'a' }, { const: 'b' }], description: 'x' }), { type: 'string', enum: ['a', 'b'], description: 'x' });
  assert.deepEqual(structural({ type: 'number', exclusiveMinimum: 1 }), { type: 'number', minimum: 1, exclusiveMinimum: true });
  assert.deepEqual(structural({}), { 'x-kubernetes-preserve-unknown-fields': true });
});
