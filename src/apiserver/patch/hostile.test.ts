/** Bodies and patches that nobody sane would send: refused with a 4xx, or taken, and nothing outside the object changes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { coreKinds } from '../../api/core/index.ts';
import type { Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import type { JsonObject } from '../../kit/json.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { decodeBody, decodeJson, decodeJsonOrYaml } from '../body/decode.ts';
import { createRegistry, type Registry } from '../registry/registry.ts';
import { createScheme } from '../scheme.ts';
import { robot, robotKind } from '../testing.ts';
import { typeOf } from './owners.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import { strategicPatch } from './strategic.ts';

/** Failing seeds go here, with what they found. */
const seeds: readonly (readonly [property: string, seed: number, found: string])[] = [
  ['YAML of odd pieces is refused, or is what JSON can say', 1214475112, '!!binary became a Buffer'],
];

const seedsOf = (property: string): (number | undefined)[] => [undefined, ...seeds.filter(([name]) => name === property).map(([, seed]) => seed)];

const check = <Given>(name: string, arbitrary: fc.Arbitrary<Given>, law: (given: Given) => void | Promise<void>, numRuns = 200): Promise<void> =>
  it(name, async () => {
    for (const seed of seedsOf(name)) {
      await fc.assert(fc.asyncProperty(arbitrary, async (given) => law(given)), { numRuns, ...(seed === undefined ? {} : { seed }) });
      assert.deepEqual(Object.keys(Object.prototype), [], 'nothing was added to all objects');
      assert.equal(Reflect.get({}, 'polluted'), undefined);
    }
  });

/** The result, or undefined for a refusal that the client is to blame for; anything else is a bug. */
const refusable = async <Result>(work: () => Result | Promise<Result>): Promise<Result | undefined> => {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.status >= 400 && thrown.status < 500) return undefined;
    throw thrown;
  }
};

const dangerous = fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '.', 'f:x', '$patch', '$retainKeys', '$setElementOrder/finalizers', '$deleteFromPrimitiveList/finalizers');
const known = fc.constantFrom('spec', 'metadata', 'status', 'model', 'speed', 'ports', 'skills', 'arms', 'tags', 'name', 'num', 'labels', 'annotations', 'finalizers', 'ownerReferences', 'managedFields', 'conditions', 'type', 'uid');
const keys = fc.oneof(known, dangerous, fc.string({ maxLength: 5 }));
const leaves = fc.oneof(fc.string({ maxLength: 6 }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constantFrom('r', 'r2', 'default', 'delete', 'replace', 'merge', '{}', '[{}]'));

/** An object that has members of all names as its own, as `JSON.parse` makes them. */
const owned = (members: readonly (readonly [string, unknown])[]): JsonObject => Object.fromEntries(members);

const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 5, withCrossShrink: true }, leaves, fc.array(tie('value'), { maxLength: 4 }), fc.array(fc.tuple(keys, tie('value')), { maxLength: 5 }).map(owned)),
}));

const pointers = fc.array(fc.oneof(keys, fc.constantFrom('0', '-', '01', '-1', '99999999999', '1e3', '~', '~2')), { maxLength: 4 }).map((steps) => steps.map((step) => `/${step}`).join(''));
const operations = fc.array(fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'), path: pointers, from: pointers, value: values }, { requiredKeys: ['op', 'path'] }), { maxLength: 6 });

/** JSON with something wrong in it: cut off, doubled, or with a byte changed. */
const broken = fc.tuple(values, fc.nat(), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3 })).map(([value, at, kind, bytes]) => {
  const text = Buffer.from(JSON.stringify(value) ?? 'null');
  const place = at % (text.length + 1);
  if (kind % 3 === 0) return text.subarray(0, place);
  if (kind % 3 === 1) return Buffer.concat([text.subarray(0, place), Buffer.from(bytes), text.subarray(place)]);
  return Buffer.concat([text, text]);
});

const yamlPieces = fc.array(
  fc.oneof(fc.constantFrom('a: ', '- ', '&x ', '*x', '<<: *x', '{', '}', '[', ']', '? ', ': ', '\n', '  ', '|', '>', '!!binary ', '!!js/function ', '%YAML 1.1\n---\n', '---\n', '...', '"', "'", '#', '~', '.inf', '.nan', '0x1f', '0o17', '2020-01-01', '!!set {a}', '!!omap [a: 1]', '__proto__: ', 'null', '\t'), fc.string({ maxLength: 4 })),
  { maxLength: 25 },
).map((pieces) => pieces.join(''));

const isJson = (value: unknown): void => {
  if (typeof value === 'object' && value !== null) {
    assert.ok(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype, `${String(value)} is no JSON object`);
    Object.values(value).forEach(isJson);
  } else assert.ok(value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value), `${String(value)} is not JSON`);
};

describe('hostile bodies', () => {
  void check('JSON that is broken anywhere is refused or read', broken, async (body) => {
    await refusable(() => decodeBody(body, 'application/json'));
    await refusable(() => decodeJson(body.toString('utf8')));
    await refusable(() => decodeBody(body, 'application/vnd.kubernetes.protobuf'));
  });

  void check('YAML of odd pieces is refused, or is what JSON can say', yamlPieces, async (text) => {
    const decoded = await refusable(() => decodeJsonOrYaml(text));
    if (decoded !== undefined) isJson(decoded.value);
    await refusable(() => decodeBody(Buffer.from(text), 'application/yaml'));
  });

  void check('protobuf of any bytes is refused or read', fc.uint8Array({ maxLength: 60 }), async (bytes) => {
    await refusable(() => decodeBody(Buffer.concat([Buffer.from('k8s\0'), bytes]), 'application/vnd.kubernetes.protobuf'));
  });
});

const robots = createScheme([robotKind]).byKind('Robot');

describe('hostile patches', () => {
  void check('a merge patch of anything', fc.tuple(values, values), async ([target, patch]) => {
    await refusable(() => mergePatch(target, patch));
  });

  void check('a JSON patch of anything leaves its target as it was', fc.tuple(values, fc.oneof(operations, values)), async ([target, patch]) => {
    const before = JSON.stringify(target);
    await refusable(() => jsonPatch(target, patch));
    assert.equal(JSON.stringify(target), before);
  });

  void check('a strategic patch of anything leaves its target as it was', fc.tuple(values, values), async ([target, patch]) => {
    const before = JSON.stringify(target);
    await refusable(() => strategicPatch(typeOf(robots), target, patch));
    assert.equal(JSON.stringify(target), before);
  });
});

/** A robot with members of it replaced or added. */
const almostRobots = fc.tuple(fc.array(fc.tuple(keys, values), { maxLength: 3 }), fc.array(fc.tuple(keys, values), { maxLength: 4 }), fc.array(fc.tuple(keys, values), { maxLength: 2 })).map(
  ([spec, metadata, rest]) => ({ ...robot('r', owned(spec), { ...owned(metadata), name: 'r', namespace: 'default' }), ...owned(rest.filter(([key]) => key !== '__proto__')), apiVersion: 'test.heddle.dev/v1', kind: 'Robot' }),
);

const withRegistry = async (): Promise<Registry> => {
  const scheme = createScheme([...coreKinds, robotKind]);
  const registry = createRegistry(createMemoryStore(), scheme);
  await registry.create(scheme.byKind('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  return registry;
};

type Write = readonly [verb: 'apply' | 'force' | 'merge' | 'json' | 'status', body: JsonObject, patch: unknown];
const writes: fc.Arbitrary<Write[]> = fc.array(fc.tuple(fc.constantFrom('apply', 'force', 'merge', 'json', 'status'), almostRobots, fc.oneof(operations, values)), { minLength: 1, maxLength: 6 });

describe('hostile writes to a registry', () => {
  void check('are refused with a 4xx or leave an object that the kind takes, whose owners own what is there', writes, async (all) => {
    const registry = await withRegistry();
    const served = registry.scheme.byKind('Robot');
    const options = { fieldManager: 'fuzz', fieldValidation: 'Warn', managedFields: true } as const;
    for (const [verb, body, patch] of all) {
      const modify = (change: (current: Resource) => unknown, more = {}) => refusable(() => registry.modify(served, 'default', 'r', change, { ...options, ...more }));
      if (verb === 'apply' || verb === 'force') await refusable(() => registry.apply(served, 'default', 'r', body, { ...options, fieldManager: verb, force: verb === 'force' }));
      else if (verb === 'json') await modify((current) => jsonPatch(current, patch));
      else await modify((current) => mergePatch(current, body), verb === 'status' ? { subresource: 'status' } : {});
      const found = await refusable(() => registry.get(served, 'default', 'r', { managedFields: true }));
      if (found === undefined) continue;
      const { managedFields: _, ...metadata } = found.metadata;
      assert.deepEqual(served.check({ ...found, metadata }), []);
      isJson(found);
    }
  }, 150);
});
