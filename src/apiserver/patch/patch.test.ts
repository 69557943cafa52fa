/** Merge patches and JSON patches, as tables from their RFCs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { failsWith } from '../testing.ts';
import { jsonPatch, mergePatch } from './patch.ts';

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
});

describe('a JSON patch', () => {
  it('takes two zeros for one number (RFC 6902 §4.6)', () => {
    assert.deepEqual(jsonPatch({ a: -0 }, [{ op: 'test', path: '/a', value: 0 }]), { a: -0 });
  });

  it('cannot grow without end by copies of copies', () => {
    const doubling = Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '', path: `/c${index}` }));
    assert.throws(() => jsonPatch({ a: 'x' }, doubling), failsWith('TooLarge', 'copies'));
  });

  it('of more operations than a server can be asked for is refused', () => {
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: {} }));
    assert.throws(() => jsonPatch({}, many), failsWith('TooLarge', '10000'));
  });

  it('does not reach behind the object', () => {
    assert.throws(() => jsonPatch({}, [{ op: 'add', path: '/__proto__/polluted', value: 1 }]), failsWith('Invalid'));
    assert.throws(() => jsonPatch({}, [{ op: 'copy', from: '/constructor', path: '/a' }]), failsWith('Invalid'));
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });
});
