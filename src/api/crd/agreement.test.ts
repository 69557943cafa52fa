/**
 * The definitions and `Kind.validate` say the same thing twice; here each is held against the other. What a definition refuses
 * (structure, bounds, CEL) the kind refuses too, over all objects that the tests of our rules know, and every rule of a definition
 * refuses at least one of them.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { celEnv, parse, plan, type CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { parseAllDocuments } from 'yaml';
import { isJsonObject, objectOr, type JsonObject } from '../../kit/json.ts';
import { checkObject } from '../check.ts';
import { schemaOf } from '../crd.ts';
import { kindByName, kinds } from '../kinds.ts';
import { apiVersion, type Kind, type Resource } from '../object.ts';
import { structureFindings } from '../structure.ts';
import { boundsOf, celRulesOf, type CelRule } from './rules.ts';
import { wrongObjects } from './testing.ts';

interface Case {
  readonly object: Resource;
  readonly old?: Resource;
}

const data = join(import.meta.dirname, '../../../testdata');
const documents = (pattern: string): JsonObject[] =>
  globSync(pattern, { cwd: data }).toSorted().flatMap((file) => parseAllDocuments(readFileSync(join(data, file), 'utf8')).map((each): unknown => each.toJS()))
    .flatMap((each) => (Array.isArray(each) ? each : [each])).filter(isJsonObject);

const resource = ({ kind, name = 'a', namespace = 'default', spec }: JsonObject): Resource =>
  ({ apiVersion, kind: String(kind), metadata: { name: String(name), namespace: String(namespace) }, spec });

const asResource = (document: unknown): Resource => document as Resource;

const ruleCases = documents('rules/*.yaml').flatMap(({ object, old, given }): Case[] => {
  if (!isJsonObject(object)) return [];
  const others = Array.isArray(given) ? given.filter(isJsonObject).map((each) => ({ object: resource(each) })) : [];
  return [{ object: resource(object), ...(old === undefined ? {} : { old: resource({ ...object, spec: old }) }) }, ...others];
});
const errorCases = documents('errors/*.yaml').filter((each) => each['kind'] !== undefined).map((object): Case => ({ object: asResource(object) }));
const ownCases = wrongObjects.map(([kind, spec, old]): Case => ({
  object: resource({ kind, spec }),
  ...(old === undefined ? {} : { old: resource({ kind, spec: old }) }),
}));
const cases: readonly Case[] = [...ruleCases, ...errorCases, ...ownCases];

const environment = celEnv({ funcs: strings });
const programs = new Map<string, ReturnType<typeof plan>>();

const evaluate = (rule: string, self: unknown, oldSelf: unknown): unknown => {
  let program = programs.get(rule);
  if (program === undefined) programs.set(rule, (program = plan(environment, parse(rule))));
  const result = program({ self: celValue(self), oldSelf: celValue(oldSelf) });
  if (result instanceof Error) throw result;
  return result;
};

/** As an API server hands values to CEL: whole numbers are ints, and members named like a word of CEL are escaped. */
const celValue = (value: unknown): CelInput => {
  if (Array.isArray(value)) return value.map(celValue);
  if (isJsonObject(value)) return new Map(Object.entries(value).map(([name, each]) => [name === 'namespace' ? '__namespace__' : name, celValue(each)]));
  if (typeof value === 'number') return BigInt(value);
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
};

/** The values at a place, with what was there before; `{}` and `[]` stand for each entry. */
const valuesAt = (value: unknown, old: unknown, steps: readonly string[]): (readonly [unknown, unknown])[] => {
  const [step, ...rest] = steps;
  if (value === undefined) return [];
  if (step === undefined) return [[value, old]];
  // Entries of lists are not matched with what they were: a rule about a change does not stand there.
  if (step === '[]') return Array.isArray(value) ? value.flatMap((each) => valuesAt(each, undefined, rest)) : [];
  const members = objectOr(value);
  const names = step === '{}' ? Object.keys(members) : [step];
  return names.flatMap((name) => valuesAt(members[name], objectOr(old)[name], rest));
};

const stepsOf = (place: string): string[] => place.match(/\[\]|\{\}|[^.[\]{}]+/g) ?? [];

const holds = ({ place, rule }: CelRule, { object, old }: Case): boolean =>
  valuesAt(object, old, stepsOf(place)).every(([self, oldSelf]) => (rule.includes('oldSelf') && oldSelf === undefined) || evaluate(rule, self, oldSelf) === true);

const structureOf = new Map(kinds.map((kind) => [kind.kind, schemaOf(kind)]));

/** What an API server makes of an object before it judges it: what the schema does not name goes, defaults come. */
const received = (schema: unknown, value: unknown): unknown => {
  const { properties, items, additionalProperties } = objectOr(schema);
  if (Array.isArray(value)) return value.map((each) => received(items, each));
  if (!isJsonObject(value) || (properties === undefined && additionalProperties === undefined)) return value;
  const named = Object.entries(objectOr(properties)).flatMap(([name, child]): [string, unknown][] => {
    const given = value[name] === undefined ? objectOr(child)['default'] : value[name];
    return given === undefined ? [] : [[name, received(child, given)]];
  });
  const others = additionalProperties === undefined ? [] : Object.entries(value).map(([name, each]): [string, unknown] => [name, received(additionalProperties, each)]);
  return Object.fromEntries([...named, ...others]);
};

const receive = (kind: Kind, object: Resource): Resource =>
  ({ ...(received(structureOf.get(kind.kind), object) as Resource), metadata: object.metadata });

const receivedCase = (kind: Kind, { object, old }: Case): Case => ({ object: receive(kind, object), ...(old === undefined ? {} : { old: receive(kind, old) }) });

test('what a definition refuses, its kind refuses', () => {
  let refused = 0;
  for (const given of cases) {
    const kind = kindByName(given.object.kind);
    assert.ok(kind, given.object.kind);
    const each = receivedCase(kind, given);
    const findings = structureFindings(structureOf.get(kind.kind) ?? {}, each.object);
    const broken = findings.length > 0 ? findings.map(({ path, message }) => `${path} ${message}`) : celRulesOf(kind).filter((rule) => !holds(rule, each)).map(({ message }) => message);
    if (broken.length === 0) continue;
    refused += 1;
    assert.notDeepEqual(checkObject(kind, kind.defaults(given.object), given.old), [], `${kind.kind} ${JSON.stringify(given.object.spec)}: ${broken.join()}`);
  }
  assert.ok(refused > 50, `only ${refused} cases are refused`);
});

test('every rule of a definition refuses something', () => {
  const ofKind = (kind: Kind): Case[] => cases.filter(({ object }) => object.kind === kind.kind).map((each) => receivedCase(kind, each))
    .filter(({ object }) => structureFindings(structureOf.get(kind.kind) ?? {}, object).length === 0);
  const idle = kinds.flatMap((kind) => celRulesOf(kind).filter((rule) => ofKind(kind).every((each) => holds(rule, each))).map(({ place, rule }) => `${kind.kind} ${place}: ${rule}`));
  assert.deepEqual(idle, []);
});

test('every bound of a definition refuses something', () => {
  const idle = kinds.flatMap((kind) => {
    const objects = cases.filter(({ object }) => object.kind === kind.kind).map((each) => receive(kind, each.object));
    const schema = structureOf.get(kind.kind) ?? {};
    return boundsOf(kind).filter(([place]) => {
      const [first = ''] = stepsOf(place);
      const isAt = new RegExp(`^${stepsOf(place).map((step) => (step === '[]' ? '\\[\\d+\\]' : step === '{}' ? '(?:\\.[^.[]+|\\["[^"]+"\\])' : `\\.?${step}`)).join('')}`);
      return first === 'metadata' ? false : !objects.some((object) => structureFindings(schema, object).some(({ path }) => isAt.test(path)));
    }).map(([place]) => `${kind.kind} ${place}`);
  });
  assert.deepEqual(idle, []);
});
