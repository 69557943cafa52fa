import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../api/object.ts';
import { deviceScope, type Row } from '../goal/rows.ts';
import { createEngine, type Compiler } from './engine.ts';
import { object, put, remove } from './fixture.ts';
import { derivedIndex, index, query, type Query, type Translator, type View } from './view.ts';
import type { Layer } from './world.ts';

/**
 * A world of two kinds. A `Leaf` names the `Paint` it wants; a leaf's scope gets one row whose description is the paint's
 * colour, and one row that says how many leaves share the colour's first letter.
 */
const colourOf = (resource: Resource): string => (resource.spec as { colour: string }).colour;
const paintOf = (resource: Resource): string => (resource.spec as { paint: string }).paint;
const scopeOf = (resource: Resource): string => (resource.spec as { scope?: string }).scope ?? resource.metadata.name;

const initial = query('initial', (view, paint) => {
  const found = view.get('Paint', '', paint);
  return found === undefined ? '?' : colourOf(found).slice(0, 1);
});
const leavesByPaint = index('leavesByPaint', 'Leaf', (leaf) => [{ key: paintOf(leaf), value: leaf.metadata.name }]);
const initialOfLeaf = query('initialOfLeaf', (view, name) => {
  const found = view.get('Leaf', '', name);
  return found && { name, initial: view.query(initial, paintOf(found)) };
});
const leavesByInitial = derivedIndex('leavesByInitial', 'Leaf', initialOfLeaf, (found) =>
  found === undefined ? [] : [{ key: found.initial, value: found.name }],
);

const vrf = (key: string, description: string): Row => ({ table: 'vrf', key, value: { name: key, vni: 1, description } }) as Row;

const painter = (log: string[]): Translator => ({
  name: 'painter',
  kind: 'Leaf',
  translate: (leaf, view) => {
    log.push(leaf.metadata.name);
    const letter = view.query(initial, paintOf(leaf));
    const shared = view.list(leavesByInitial, letter).join(',');
    const rows = [vrf('colour', letter), vrf(leaf.metadata.name, shared)];
    const from = [{ kind: 'Paint', namespace: '', name: paintOf(leaf) }];
    return { rows: rows.map((row) => ({ scope: deviceScope(scopeOf(leaf)), row, from })), findings: [] };
  },
});

const world = (): { readonly compiler: Compiler; readonly log: string[] } => {
  const log: string[] = [];
  const layers = [leavesByPaint, initial, initialOfLeaf, leavesByInitial];
  return { compiler: engine(layers, [painter(log)]), log };
};

const engine = (layers: readonly Layer[], translators: readonly Translator[]): Compiler =>
  createEngine({ layers, translators, pairs: [], project: (each) => each });

const paint = (name: string, colour: string, more: object = {}): Resource => object('Paint', name, { colour, ...more });
const leaf = (name: string, wants: string, scope = name, born = 0): Resource => object('Leaf', name, { paint: wants, scope }, { born });

const started = (): { readonly compiler: Compiler; readonly log: string[] } => {
  const { compiler, log } = world();
  compiler.apply([paint('p', 'red'), paint('q', 'blue'), leaf('one', 'p'), leaf('two', 'p'), leaf('three', 'q')].map(put));
  log.length = 0;
  return { compiler, log };
};

test('a change runs exactly the translators that read what changed', () => {
  const { compiler, log } = started();
  compiler.apply([put(paint('q', 'green'))]);
  assert.deepEqual(log, ['three']);
});

test('a change of an object that nobody reads runs nothing', () => {
  const { compiler, log } = started();
  const before = compiler.counters();
  const result = compiler.apply([put(paint('unused', 'red')), put(object('Stone', 's', {}))]);
  assert.deepEqual(log, []);
  assert.deepEqual(compiler.counters(), before);
  assert.equal(result.scopes.length, 0);
});

test('a query that answers the same again stops the change there', () => {
  const { compiler, log } = started();
  const { queries } = compiler.counters();
  const result = compiler.apply([put(paint('p', 'rose'))]);
  assert.equal(compiler.counters().queries, queries + 1);
  assert.deepEqual([log, result.scopes], [[], []]);
});

test('applying what is there already does nothing, and status does not matter when it is left out', () => {
  const { compiler, log } = started();
  const before = compiler.counters();
  compiler.apply([put(structuredClone(leaf('one', 'p')))]);
  assert.deepEqual([log, compiler.counters()], [[], before]);
});

test('the appearance of an object that was missed wakes those who missed it', () => {
  const { compiler, log } = started();
  compiler.apply([put(leaf('four', 'later'))]);
  log.length = 0;
  compiler.apply([put(paint('later', 'white'))]);
  assert.deepEqual(log, ['four']);
});

test('a derived relation wakes the readers of its old key and of its new key only', () => {
  const { compiler, log } = started();
  const { scopes } = compiler.apply([put(leaf('two', 'q'))]);
  assert.deepEqual(log.toSorted(), ['one', 'three', 'two']);
  assert.deepEqual(
    scopes.map(({ scope, upserts }) => `${scope} ${upserts.map(({ key }) => key).join(' ')}`),
    ['device/one one', 'device/three three', 'device/two colour two'],
  );
});

test('a batch runs each translator once', () => {
  const { compiler, log } = started();
  compiler.apply([put(paint('p', 'blue')), put(paint('q', 'black')), put(leaf('one', 'q'))]);
  assert.deepEqual(log.toSorted(), ['one', 'three', 'two']);
});

test('when two objects disagree the older one is published and both are told', () => {
  const { compiler } = world();
  compiler.apply([put(leaf('old', 'p', 'shared', 1)), put(paint('p', 'red')), put(paint('q', 'blue'))]);
  const { findings, scopes } = compiler.apply([put(leaf('young', 'q', 'shared', 2))]);
  assert.deepEqual(scopes.map(({ upserts }) => upserts.map(({ key }) => key)), [['young']]);
  assert.deepEqual([...findings.keys()].toSorted(), ['Leaf/old', 'Leaf/young']);
  const [finding] = findings.get('Leaf/young') ?? [];
  assert.equal(finding?.code, 'Conflict');
  assert.match(finding.message, /row "vrf\/colour" of scope "device\/shared" is wanted differently by Leaf\/old; that of the older Leaf\/old stays/);
});

test('the end of a conflict lets the younger in and takes the findings away', () => {
  const { compiler } = world();
  const old = leaf('old', 'p', 'shared', 1);
  compiler.apply([old, leaf('young', 'q', 'shared', 2), paint('p', 'red'), paint('q', 'blue')].map(put));
  const { findings, scopes } = compiler.apply([remove(old)]);
  assert.deepEqual([...findings], [['Leaf/old', []], ['Leaf/young', []]]);
  assert.deepEqual(scopes, [{ scope: 'device/shared', upserts: [vrf('colour', 'b')], deletes: ['vrf/old'] }]);
});

test('a row that several hand in alike stays until the last of them is gone', () => {
  const { compiler } = world();
  const [one, two] = [leaf('one', 'p', 'shared'), leaf('two', 'p', 'shared')];
  compiler.apply([one, two, paint('p', 'red')].map(put));
  assert.deepEqual(compiler.apply([remove(one)]).scopes[0]?.deletes, ['vrf/one']);
  assert.deepEqual(compiler.apply([remove(two)]).scopes[0]?.deletes, ['vrf/colour', 'vrf/two']);
  assert.deepEqual(compiler.scopes(), []);
});

test('explain names every object that a row comes from', () => {
  const { compiler } = started();
  const names = compiler.explain('device/one', 'vrf/colour').map(({ kind, name }) => `${kind}/${name}`);
  assert.deepEqual(names, ['Leaf/one', 'Paint/p']);
  assert.deepEqual(compiler.explain('device/one', 'vrf/none'), []);
});

test('contributions tell in which scopes an object is concerned by a change, also as a source of rows of others', () => {
  const { compiler } = started();
  const { contributions } = compiler.apply([put(paint('p', 'green'))]);
  assert.deepEqual([...(contributions.get('Paint/p') ?? [])].toSorted(), ['device/one', 'device/two']);
  assert.deepEqual(compiler.scopesOf({ kind: 'Paint', namespace: '', name: 'p' }), ['device/one', 'device/two']);
  assert.equal(contributions.has('Paint/q'), false);
});

test('contributions of a deleted object name the scopes that must let go of it', () => {
  const { compiler } = started();
  const { contributions } = compiler.apply([remove(leaf('three', 'q'))]);
  assert.deepEqual([...(contributions.get('Leaf/three') ?? [])], ['device/three']);
});

test('a translator that throws takes out its own object only', () => {
  const broken: Translator = {
    name: 'broken',
    kind: 'Paint',
    translate: (resource, view: View) => {
      view.get('Switch', '', 'any');
      if (colourOf(resource) === 'black') throw new Error('no light');
      return { rows: [{ scope: 'device/x', row: vrf(resource.metadata.name, colourOf(resource)), from: [] }], findings: [] };
    },
  };
  const compiler = engine([], [broken]);
  compiler.apply([put(paint('a', 'black')), put(paint('b', 'white'))]);
  assert.deepEqual(compiler.rows('device/x').map(({ key }) => key), ['b']);
  const [finding] = compiler.findingsOf({ kind: 'Paint', namespace: '', name: 'a' });
  assert.equal(finding?.code, 'Internal');
  assert.match(finding.message, /broken failed, which is a fault of Heddle: no light/);
  compiler.apply([put(paint('a', 'grey'))]);
  assert.deepEqual(compiler.rows('device/x').map(({ key }) => key), ['a', 'b']);
});

test('a query that depends on one declared after it, so also on itself, is named instead of running for ever', () => {
  const first: Query<number> = query('first', (view, key) => view.query(second, key));
  const second: Query<number> = query('second', (view, key) => view.query(first, key));
  const translators: Translator[] = [
    { name: 'circle', kind: 'Leaf', translate: (each, view) => ({ rows: [], findings: [], facts: { n: view.query(first, each.metadata.name) } }) },
  ];
  const compiler = engine([first, second], translators);
  compiler.apply([put(leaf('one', 'p'))]);
  const [finding] = compiler.findingsOf({ kind: 'Leaf', namespace: '', name: 'one' });
  assert.match(finding?.message ?? '', /first of one reads second of one, which does not stand below it/);
});

test('a batch that runs most of all there is only to hear what was known counts as a full recompute', () => {
  const everything = index('everything', 'Leaf', (each) => [{ key: 'all', value: each.metadata.name }]);
  const nosy: Translator = {
    name: 'nosy',
    kind: 'Leaf',
    translate: (_, view) => (view.list(everything, 'all').length < 0 ? { rows: [], findings: [] } : { rows: [], findings: [], facts: { n: 1 } }),
  };
  const leaves = Array.from({ length: 150 }, (_, number) => leaf(`l${number}`, 'p'));
  const compiler = engine([everything], [nosy]);
  compiler.apply(leaves.map(put));
  assert.equal(compiler.counters().fullRecomputes, 0, 'the first run of each is no recompute');
  compiler.apply([put(leaf('more', 'p'))]);
  assert.equal(compiler.counters().fullRecomputes, 1);
});
