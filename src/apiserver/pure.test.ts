/** The pure parts, as tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { shortDuration } from './age.ts';
import { scanJson } from './body/scan.ts';
import { jsonPatch, mergePatch } from './patch/patch.ts';
import { MessageWriter, readMessage, readText } from './body/protobuf.ts';
import { strategicPatch } from './patch/strategic.ts';

/** RFC 7386, appendix A: every case there. */
const mergeCases: [target: unknown, patch: unknown, result: unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [['a', 'b'], ['c', 'd'], ['c', 'd']],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

/** From RFC 6902, appendix A; an Error stands for a patch that must fail. */
const patchCases: [name: string, target: unknown, patch: unknown[], result: unknown][] = [
  ['A.1 add a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
  ['A.2 add an element', { foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
  ['A.3 remove a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
  ['A.4 remove an element', { foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
  ['A.5 replace', { baz: 'qux', foo: 'bar' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo', foo: 'bar' }],
  ['A.6 move a value', { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } }, [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }], { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } }],
  ['A.7 move an element', { foo: ['all', 'grass', 'cows', 'eat'] }, [{ op: 'move', from: '/foo/1', path: '/foo/3' }], { foo: ['all', 'cows', 'eat', 'grass'] }],
  ['A.8 test: success', { baz: 'qux', foo: ['a', 2, 'c'] }, [{ op: 'test', path: '/baz', value: 'qux' }, { op: 'test', path: '/foo/1', value: 2 }], { baz: 'qux', foo: ['a', 2, 'c'] }],
  ['A.9 test: error', { baz: 'qux' }, [{ op: 'test', path: '/baz', value: 'bar' }], Error],
  ['A.10 add a nested member', { foo: 'bar' }, [{ op: 'add', path: '/child', value: { grandchild: {} } }], { foo: 'bar', child: { grandchild: {} } }],
  ['A.12 add to a target that is not there', { foo: 'bar' }, [{ op: 'add', path: '/baz/bat', value: 'qux' }], Error],
  ['A.14 escapes', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
  ['A.15 strings are not numbers', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: '10' }], Error],
  ['A.16 add an array', { foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }], { foo: ['bar', ['abc', 'def']] }],
  ['an index past the end', { foo: [1] }, [{ op: 'add', path: '/foo/2', value: 2 }], Error],
  ['an index with a leading zero', { foo: [1, 2] }, [{ op: 'remove', path: '/foo/01' }], Error],
  ['an operation that does not exist', {}, [{ op: 'merge', path: '/a', value: 1 }], Error],
  ['copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }, { op: 'replace', path: '/c/b', value: 2 }], { a: { b: 1 }, c: { b: 2 } }],
];

describe('patches', () => {
  for (const [target, patch, result] of mergeCases) {
    it(`merges ${JSON.stringify(patch)} into ${JSON.stringify(target)}`, () => assert.deepEqual(mergePatch(target, patch), result));
  }

  for (const [name, target, patch, result] of patchCases) {
    it(`applies JSON Patch ${name}`, () => {
      const before = structuredClone(target);
      if (result === Error) assert.throws(() => jsonPatch(target, patch));
      else assert.deepEqual(jsonPatch(target, patch), result);
      assert.deepEqual(target, before, 'the target is not touched');
    });
  }

  it('a merge patch applied twice changes nothing more', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
      fc.pre(!JSON.stringify([target, patch]).includes('__proto__'));
      const once = mergePatch(target, patch);
      assert.deepEqual(mergePatch(once, patch), once);
    }));
  });

  it('strategic patches merge owner references by uid, and honour directives', () => {
    const owners = { metadata: { ownerReferences: [{ uid: '1', name: 'a' }, { uid: '2', name: 'b' }] } };
    const patch = { metadata: { ownerReferences: [{ uid: '2', name: 'c' }, { $patch: 'delete', uid: '1' }] } };
    assert.deepEqual(strategicPatch(owners, patch), { metadata: { ownerReferences: [{ uid: '2', name: 'c' }] } });
    assert.deepEqual(strategicPatch({ a: { b: 1, c: 2 } }, { a: { $patch: 'replace', d: 3 } }), { a: { d: 3 } });
    assert.deepEqual(strategicPatch({ a: { b: 1, c: 2 } }, { a: { $retainKeys: ['b'], b: 5 } }), { a: { b: 5 } });
  });
});

describe('duplicate members', () => {
  const cases: [text: string, paths: string[]][] = [
    ['{"a":1,"b":{"a":2}}', []],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{"l":[{"x":1},{"x":1,"y":{"z":1,"z":2}}]}', ['l[1].y.z']],
    ['{"a\\u0062":1,"ab":2}', ['ab']],
    ['{"a":"{\\"b\\":1,\\"b\\":2}","c":["a","a"]}', []],
  ];
  for (const [text, paths] of cases) it(`of ${text} are ${JSON.stringify(paths)}`, () => assert.deepEqual(scanJson(text), paths));

  it('are none in anything that JSON.stringify wrote', () => {
    fc.assert(fc.property(fc.json(), (json) => {
      const text = JSON.stringify(JSON.parse(json));
      fc.pre(!/\d{16}/.test(text));
      assert.deepEqual(scanJson(text), []);
    }));
  });
});

describe('ages', () => {
  const second = 1000;
  const cases: [milliseconds: number, text: string][] = [
    [-5, '0s'], [119 * second, '119s'], [120 * second, '2m'], [310 * second, '5m10s'], [3599 * second, '59m'], [10_800 * second, '3h'],
    [12_000 * second, '3h20m'], [86_400 * second, '24h'], [172_800 * second, '2d'], [183_600 * second, '2d3h'], [40 * 86_400 * second, '40d'], [800 * 86_400 * second, '2y70d'],
  ];
  for (const [milliseconds, text] of cases) it(`${milliseconds} ms read ${text}`, () => assert.equal(shortDuration(milliseconds), text));
});

describe('the protobuf wire format', () => {
  it('reads back what was written', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.integer({ min: 1, max: 100 }), (text, whole, field) => {
      const fields = readMessage(new MessageWriter().string(field, text).double(3, 1.5).integer(field, whole).finish());
      assert.deepEqual(fields.map(({ value }) => (typeof value === 'number' ? value : readText(value))), [text, whole]);
    }));
  });

  it('refuses what is cut off anywhere', () => {
    const whole = new MessageWriter().string(1, 'name').message(2, (inner) => inner.integer(1, 300)).finish();
    const cutInside = [1, 3, 5, 7, 9].map((length) => whole.subarray(0, length));
    for (const bytes of cutInside) assert.throws(() => readMessage(bytes), /malformed/);
  });
});
