/** Bodies: what is read as what, and what is refused because it could not be kept as it was written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { HeddleError, type ErrorCode } from '../../kit/error.ts';
import { decodeBody } from './decode.ts';
import { MessageWriter } from './protobuf.ts';

const failsWith = (code: ErrorCode, part = '') => (error: unknown): boolean => error instanceof HeddleError && error.code === code && error.message.includes(part);

const yaml = 'application/yaml';
const protobuf = 'application/vnd.kubernetes.protobuf';
const read = (text: string | Buffer, type?: string) => decodeBody(Buffer.from(text as string), type);

const wrong: [what: string, body: string | Buffer, type: string | undefined, says: string][] = [
  ['nothing', '', undefined, 'it is empty'],
  ['half an object', '{"a":', undefined, 'ends too early'],
  ['text after the end', '{} {}', undefined, 'at position 3'],
  ['other encodings', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), undefined, 'not UTF-8'],
  ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), undefined, 'not UTF-8'],
  ['UTF-8 of half a surrogate pair', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), undefined, 'not UTF-8'],
  ['nesting without end', '['.repeat(1_000_000), undefined, 'nested more than 200 levels'],
  ['nesting that ends too late', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, undefined, 'nested more than'],
  ['a whole number beyond 2^53', '{"spec":{"n":[1,9007199254740993]}}', undefined, 'spec.n[1]: the number 9007199254740993 cannot be kept'],
  ['a number without end', `{"a":-${'9'.repeat(500)}}`, undefined, '… cannot be kept'],
  ['a number beyond all', '{"a":1e400}', undefined, '1e400'],
  ['YAML that is none', 'a: [', yaml, 'not YAML'],
  ['YAML of a number beyond 2^53', 'a: 9007199254740993', yaml, '9007199254740993'],
  ['YAML of no number', 'a: .inf', yaml, '.inf'],
  ['YAML that doubles itself', `a: &a [x,x]\n${'bcdefghi'.split('').map((name, n) => `${name}: &${name} [${`*${'abcdefghi'[n]},`.repeat(9)}]\n`).join('')}`, yaml, 'cannot be kept|can be kept'],
  ['nested YAML', '['.repeat(2000), yaml, ''],
  ['deep YAML', `${'['.repeat(500)}${']'.repeat(500)}`, yaml, 'nested more than'],
  ['protobuf without its first bytes', 'abcd', protobuf, 'does not start with'],
  ['protobuf cut off', Buffer.from('k8s\0\x0a\x09'), protobuf, 'malformed'],
];

const kubernetes = (kind: string, raw: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), new MessageWriter().message(1, (type) => type.string(1, 'v1').string(2, kind)).bytes(2, raw).finish()]);

describe('a body', () => {
  for (const [what, body, type, says] of wrong) {
    it(`of ${what} is refused`, () => {
      assert.throws(() => read(body, type), (error) => failsWith('BadRequest')(error) && new RegExp(says.replace(/[[\]().^+]/g, '\\$&')).test(String(error)));
    });
  }

  it('that is wrong is not shown in the answer: it may hold a password', () => {
    for (const type of [undefined, yaml]) {
      assert.throws(() => read('{"data":{"password":"hunter2""}}', type), (error) => !String(error).includes('hunter2'));
    }
  });

  it('may begin with a byte order mark, and holds whatever UTF-8 holds', () => {
    assert.deepEqual(read('\ufeff{"a":"\ud83d\ude00"}').value, { a: '\ud83d\ude00' });
    assert.deepEqual(read(`{"a":${'['.repeat(199)}${']'.repeat(199)}}`).duplicates, []);
    assert.deepEqual(read('{"a":9007199254740991,"b":-9007199254740991,"c":1e20,"d":0.30000000000000004,"e":"99999999999999999999"}').duplicates, []);
  });

  it('tells members that are named twice, in JSON and in YAML', () => {
    assert.deepEqual(read('{"a":1,"b":[{"c":1},{"c":1,"c":2}],"a":2}').duplicates, ['b[1].c', 'a']);
    assert.deepEqual(read('a: 1\nb:\n- c: 1\n- c: 1\n  c: 2\na: 2\n', yaml), { value: { a: 2, b: [{ c: 1 }, { c: 2 }] }, duplicates: ['a', 'b[1].c'] });
  });

  it('of YAML is small, for it takes long to read', () => {
    assert.throws(() => read(`a: ${'x'.repeat(600_000)}`, yaml), failsWith('TooLarge'));
  });

  it('keeps every JSON value, or says that it does not', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 5 }), (text) => {
      try {
        assert.deepEqual(read(text).value, JSON.parse(text));
      } catch (error) {
        assert.ok(failsWith('BadRequest', 'cannot be kept exactly')(error));
      }
    }));
  });

  it('of any bytes, as any type, is an answer or a refusal in words', () => {
    const types = fc.constantFrom('application/json', yaml, protobuf);
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }).map((raw) => kubernetes('Secret', raw)), fc.string().map((text) => Buffer.from(text)));
    fc.assert(fc.property(types, bytes, (type, body) => {
      try {
        decodeBody(Buffer.from(body), type);
      } catch (error) {
        assert.ok(failsWith('BadRequest')(error));
      }
    }));
  });
});

describe('protobuf', () => {
  it('reads Secrets and ConfigMaps, bytes as base64, also of keys that JavaScript knows', () => {
    const entry = (key: string, value: string) => (map: MessageWriter): MessageWriter => map.string(1, key).string(2, value);
    const raw = new MessageWriter().message(1, (meta) => meta.string(1, 's')).message(2, entry('password', 'hunter2')).message(2, entry('__proto__', 'x')).string(3, 'Opaque').message(4, entry('b', '')).boolean(5, true);
    const { value } = read(kubernetes('Secret', raw.finish()), protobuf);
    const data = Object.fromEntries([['password', 'aHVudGVyMg=='], ['__proto__', 'eA==']]);
    assert.deepEqual(value, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data, type: 'Opaque', stringData: { b: '' }, immutable: true });
    assert.equal(Object.getPrototypeOf(data), Object.prototype);
  });

  it('reads Leases and roles, and options of a deletion', () => {
    const lease = new MessageWriter().message(2, (spec) => spec.string(1, 'me').integer(2, 15).message(4, (time) => time.integer(1, 1_700_000_000).integer(2, 5000)));
    assert.deepEqual(read(kubernetes('Lease', lease.finish()), protobuf).value, { apiVersion: 'v1', kind: 'Lease', spec: { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2023-11-14T22:13:20.000005Z' } });
    const role = new MessageWriter().message(2, (rule) => rule.string(1, 'get').string(1, 'list').string(2, '').string(3, 'vpcs'));
    assert.deepEqual(read(kubernetes('Role', role.finish()), protobuf).value, { apiVersion: 'v1', kind: 'Role', rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['vpcs'] }] });
    const options = new MessageWriter().integer(1, 0).message(2, (preconditions) => preconditions.string(1, 'u')).string(4, 'Foreground').string(5, 'All');
    assert.deepEqual(read(kubernetes('DeleteOptions', options.finish()), protobuf).value, {
      apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid: 'u' }, propagationPolicy: 'Foreground', dryRun: ['All'],
    });
  });

  it('reads maps and lists of any length in one go', () => {
    const meta = new MessageWriter();
    for (let n = 0; n < 100_000; n += 1) meta.message(11, (label) => label.string(1, `k${n}`)).string(14, `f${n}`);
    const { value } = read(kubernetes('Namespace', new MessageWriter().bytes(1, meta.finish()).finish()), protobuf);
    const { labels, finalizers } = (value as { metadata: { labels: object; finalizers: unknown[] } }).metadata;
    assert.deepEqual([Object.keys(labels).length, finalizers.length], [100_000, 100_000]);
  });

  it('refuses numbers that cannot be kept, and kinds that it does not know, whatever they are called', () => {
    const large = new MessageWriter().message(1, (meta) => meta.bytes(7, new Uint8Array()));
    assert.throws(() => read(kubernetes('Secret', large.finish()), protobuf), failsWith('BadRequest'));
    const huge = Buffer.from([0x0a, 0x0b, 0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert.throws(() => read(kubernetes('Secret', huge), protobuf), failsWith('BadRequest'));
    for (const kind of ['Pod', 'constructor', '__proto__', '']) assert.throws(() => read(kubernetes(kind, new Uint8Array()), protobuf), failsWith('UnsupportedMediaType'));
  });
});
