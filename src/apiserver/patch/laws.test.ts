/** Laws of field sets and of server-side apply, for any objects and any order of writers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Type } from 'typebox';
import { asMap, asSet, elementsOf, fieldTypeOf } from '../../api/fieldtype.ts';
import type { Kind, Resource } from '../../api/object.ts';
import type { JsonObject } from '../../kit/json.ts';
import { createScheme } from '../scheme.ts';
import { difference, intersection, isEmpty, noFields, parseFields, pathsOf, textOf, union, type Fields } from './fields.ts';
import { afterUpdate, managedFields, ownerOfAll, setsOf, typeOf, type Owner } from './owners.ts';
import { applyToLive } from './serverside.ts';
import { changedFields, fieldsOf, fieldsWithin, haveSameFields } from './sets.ts';

const port = Type.Object({ name: Type.String(), num: Type.Optional(Type.Integer()), note: Type.Optional(Type.String()) });
const spec = Type.Object({
  a: Type.Optional(Type.Integer()),
  nested: Type.Optional(Type.Object({ x: Type.Optional(Type.Integer()), y: Type.Optional(Type.Integer()) })),
  map: Type.Optional(Type.Record(Type.String(), Type.Object({ v: Type.Optional(Type.Integer()) }))),
  ports: Type.Optional(Type.Array(port, asMap('name'))),
  tags: Type.Optional(Type.Array(Type.String(), asSet)),
  list: Type.Optional(Type.Array(Type.Integer())),
});

const kind: Kind = {
  group: 'test', version: 'v1', kind: 'Thing', plural: 'things', singular: 'thing', shortNames: [], categories: [], scope: 'Cluster', description: 'Thing.',
  properties: { spec }, required: ['spec'], defaults: (object) => object, validate: () => [], columns: [], hasStatus: false,
};
const thing = createScheme([kind]).byKind('Thing');
const type = typeOf(thing);

const small = fc.integer({ min: 0, max: 2 });
const name = fc.constantFrom('p', 'q', 'r');
const byName = (items: readonly { readonly name: string }[]) => [...new Map(items.map((item) => [item.name, item])).values()];
const specs: fc.Arbitrary<JsonObject> = fc.record(
  {
    a: small,
    nested: fc.record({ x: small, y: small }, { requiredKeys: [] }),
    map: fc.dictionary(name, fc.record({ v: small }, { requiredKeys: [] })),
    ports: fc.array(fc.record({ name, num: small, note: fc.constantFrom('n', 'm') }, { requiredKeys: ['name'] }), { maxLength: 3 }).map(byName),
    tags: fc.uniqueArray(name),
    list: fc.array(small, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const objectOf = (content: JsonObject): Resource => ({ apiVersion: 'test/v1', kind: 'Thing', metadata: { name: 't' }, spec: content });
const sets: fc.Arbitrary<Fields> = fc.tuple(specs, specs, fc.boolean()).map(([one, two, isUpdate]) => (isUpdate ? changedFields(type, objectOf(one), objectOf(two)) : fieldsOf(type, objectOf(one))));

const same = (one: Fields, two: Fields): void => assert.equal(textOf(one), textOf(two));

interface State {
  readonly object: Resource;
  readonly owners: readonly Owner[];
}

const start: State = { object: objectOf({}), owners: [ownerOfAll('maker', undefined, '0')] };

const apply = ({ object, owners }: State, manager: string, content: JsonObject, force = true, time = '1'): State =>
  applyToLive(thing, object, owners, { config: objectOf(content), manager, half: undefined, force, time });

const update = ({ object, owners }: State, manager: string, content: JsonObject): State => {
  const after = objectOf(content);
  return { object: after, owners: afterUpdate(thing, owners, { before: object, after, manager, half: undefined, time: '2' }) };
};

type Step = { readonly manager: string; readonly content: JsonObject; readonly isApply: boolean };
const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({ manager: fc.constantFrom('m1', 'm2', 'm3'), content: specs, isApply: fc.boolean() }), { maxLength: 6 });
const play = (all: readonly Step[], from = start): State => all.reduce((state, { manager, content, isApply }) => (isApply ? apply(state, manager, content) : update(state, manager, content)), from);

/** Whatever the order of list items: what is left when nobody cares about it. */
const unordered = (value: unknown, at = type): unknown => {
  const elements = elementsOf(at, value);
  if (elements === undefined) return value;
  return Object.fromEntries(elements.map((element) => [element.key, unordered(element.value, element.type)]).toSorted());
};

const setOf = (state: State, manager: string): Fields =>
  setsOf(thing, state.object, state.owners, undefined).filter((each) => each.manager === manager).reduce((all, each) => union(all, each.set), noFields);

const options = { numRuns: 300 };

describe('sets of fields', () => {
  it('union is idempotent, commutative and associative, and nothing adds nothing', () => {
    fc.assert(fc.property(sets, sets, sets, (a, b, c) => {
      same(union(a, a), a);
      same(union(a, b), union(b, a));
      same(union(union(a, b), c), union(a, union(b, c)));
      same(union(a, noFields), a);
    }), options);
  });

  it('difference and intersection part a set in two', () => {
    fc.assert(fc.property(sets, sets, (a, b) => {
      same(union(difference(a, b), intersection(a, b)), a);
      assert.ok(isEmpty(intersection(difference(a, b), b)));
      same(intersection(a, b), intersection(b, a));
      same(difference(a, a), noFields);
      assert.equal(pathsOf(a).length, pathsOf(difference(a, b)).length + pathsOf(intersection(a, b)).length);
    }), options);
  });

  it('are read back as they were written', () => {
    fc.assert(fc.property(sets, (a) => {
      same(parseFields(JSON.parse(textOf(a))) ?? noFields, a);
    }), options);
  });

  it('of a value are all within it, and nothing of it changes towards itself', () => {
    fc.assert(fc.property(specs, specs, (one, two) => {
      const fields = fieldsOf(type, objectOf(one));
      same(fieldsWithin(type, objectOf(one), fields), fields);
      same(changedFields(type, objectOf(one), objectOf(one)), noFields);
      assert.ok(haveSameFields(type, objectOf(one), objectOf(structuredClone(one))));
      const both = textOf(changedFields(type, {}, objectOf(one))) === textOf(changedFields(type, {}, objectOf(two)));
      assert.equal(haveSameFields(type, objectOf(one), objectOf(two)), both);
    }), options);
  });
});

describe('server-side apply', () => {
  it('twice is once: the object, the owners and their times', () => {
    fc.assert(fc.property(steps, specs, (before, content) => {
      const once = apply(play(before), 'm1', content);
      assert.deepEqual(apply(once, 'm1', content, true, '9'), once);
    }), options);
  });

  it('makes the object say what was applied, and the applier owns that', () => {
    fc.assert(fc.property(steps, specs, (before, content) => {
      const { object, owners } = apply(play(before), 'm1', content);
      const wanted = fieldsOf(type, objectOf(content));
      same(fieldsWithin(type, object, wanted), wanted);
      same(setsOf(thing, object, owners, undefined).find((each) => each.manager === 'm1' && each.isApply === true)?.set ?? noFields, fieldsOf(type, { spec: content }));
    }), options);
  });

  it('of disjoint sets commutes', () => {
    fc.assert(fc.property(specs, specs, (one, two) => {
      const [first, second] = [part(one, (key) => ['a', 'x', 'p', 'tags'].includes(key)), part(two, (key) => ['list', 'y', 'q', 'r'].includes(key))];
      const there = apply(apply(start, 'm1', first, false), 'm2', second, false);
      const back = apply(apply(start, 'm2', second, false), 'm1', first, false);
      assert.deepEqual(unordered(there.object), unordered(back.object));
      assert.deepEqual(there.owners, back.owners);
    }), options);
  });

  it('of nothing leaves what the others applied, as if one had never been', () => {
    fc.assert(fc.property(specs, specs, (mine, theirs) => {
      const alone = apply(start, 'm2', theirs);
      const left = apply(apply(apply(start, 'm1', mine), 'm2', theirs), 'm1', {});
      assert.deepEqual(unordered(left.object), unordered(alone.object));
      same(setOf(left, 'm2'), setOf(alone, 'm2'));
      same(setOf(left, 'm1'), fieldsOf(type, { spec: {} }));
    }), options);
  });

  it('conflicts exactly when others own what would change, and who says the same shares it', () => {
    fc.assert(fc.property(specs, specs, (theirs, mine) => {
      const before = apply(start, 'm2', theirs);
      const after = apply(before, 'm1', mine).object;
      const changes = changedFields(type, { metadata: {}, spec: before.object.spec }, { metadata: {}, spec: after.spec });
      const contested = intersection(setOf(before, 'm2'), changes);
      if (isEmpty(contested)) assert.deepEqual(apply(before, 'm1', mine, false).object, after);
      else assert.throws(() => apply(before, 'm1', mine, false), { code: 'Conflict' });
      assert.doesNotThrow(() => apply(before, 'm1', theirs, false));
    }), options);
  });
});

/** The members, entries and items whose names are taken; what is left empty is left out. */
const part = ({ a, nested, map, ports, tags, list }: JsonObject, taken: (key: string) => boolean): JsonObject => {
  const some = (value: unknown): JsonObject => Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => taken(key)));
  const items = (Array.isArray(ports) ? (ports as readonly { readonly name: string }[]) : []).filter((item) => taken(item.name));
  const all: JsonObject = { a: taken('a') ? a : undefined, tags: taken('tags') ? tags : undefined, list: taken('list') ? list : undefined, nested: some(nested), map: some(map), ports: items };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && Object.keys(Object(value)).length + Number(typeof value === 'number') > 0));
};

describe('owners after any writes', () => {
  it('own nothing that is not there, one entry each, and what was changed last is the last writer\'s', () => {
    fc.assert(fc.property(steps, specs, (before, content) => {
      const state = play(before);
      const next = update(state, 'm1', content);
      const changes = changedFields(type, { metadata: {}, spec: state.object.spec }, { metadata: {}, spec: content });
      same(intersection(setOf(next, 'm1'), changes), changes);
      for (const { manager, isApply, set } of setsOf(thing, next.object, next.owners, undefined)) {
        same(fieldsWithin(type, next.object, set), set);
        if (manager !== 'm1' || isApply === true) assert.ok(isEmpty(intersection(set, changes)));
      }
      const told = managedFields(thing, next.object, next.owners).map((entry) => `${entry['manager']} ${entry['operation']}`);
      assert.equal(new Set(told).size, told.length);
    }), options);
  });

  it('are the same whether a lone writer\'s set was written down or not', () => {
    fc.assert(fc.property(specs, specs, specs, (one, two, three) => {
      const lazy = [one, two].reduce((state, content) => update(state, 'maker', content), start);
      const written: State = { ...start, owners: setsOf(thing, start.object, start.owners, undefined).map((owner) => ({ ...owner, set: undefined })) };
      const eager = [one, two].reduce((state, content) => update(state, 'maker', content), written);
      const shown = ({ object, owners }: State) => managedFields(thing, object, owners).map((entry) => ({ ...entry, time: '' }));
      assert.deepEqual(shown(lazy), shown(eager));
      assert.deepEqual(shown(apply(lazy, 'm1', three)), shown(apply(eager, 'm1', three)));
      assert.deepEqual(apply(lazy, 'm1', three).object, apply(eager, 'm1', three).object);
    }), options);
  });

  it('are eleven updaters at most: the oldest are told as one', () => {
    const many = Array.from({ length: 20 }, (_, index) => index).reduce<State>((state, index) => {
      const after = objectOf({ map: { ...(state.object.spec as { map?: JsonObject }).map, [`k${index}`]: { v: index } } });
      return { object: after, owners: afterUpdate(thing, state.owners, { before: state.object, after, manager: `m${index}`, half: undefined, time: `t${10 + index}` }) };
    }, start);
    assert.equal(many.owners.length, 10);
    assert.ok(many.owners.some(({ manager }) => manager === 'ancient-changes'));
    assert.equal(fieldTypeOf(thing.schema), type);
  });
});
