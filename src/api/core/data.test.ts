/** Secret and ConfigMap: what they take, what they keep, what they never show. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkObject } from '../check.ts';
import type { Kind, Resource } from '../object.ts';
import { configMapKind } from './configmap.ts';
import { secretKind } from './secret.ts';

const object = (kind: Kind, members: object): Resource => ({ apiVersion: 'v1', kind: kind.kind, metadata: { name: 'a', namespace: 'default' }, ...members });
const faults = (kind: Kind, members: object, old?: object): string[] => {
  const before = old === undefined ? undefined : kind.defaults(object(kind, old));
  return checkObject(kind, kind.defaults(object(kind, members)), before).map(({ path, code }) => `${path} ${code}`);
};

const cases: [what: string, kind: Kind, members: object, faults: string[], old?: object][] = [
  ['bytes and text', secretKind, { data: { a: 'aGk=' }, stringData: { b: 'grüße' } }, []],
  ['no base64', secretKind, { data: { a: 'hi there' } }, ['data[a] FieldValueInvalid']],
  ['base64 of a wrong length', secretKind, { data: { a: 'aGk' } }, ['data[a] FieldValueInvalid']],
  ['keys that are no file names', secretKind, { data: { 'a/b': '', '..': '' } }, ['data[a/b] FieldValueInvalid', 'data[..] FieldValueInvalid']],
  ['a TLS secret without its key', secretKind, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key] FieldValueRequired']],
  ['a login without name and password', secretKind, { type: 'kubernetes.io/basic-auth' }, ['data[username] FieldValueRequired']],
  ['a token of nobody', secretKind, { type: 'kubernetes.io/service-account-token' }, ['metadata.annotations[kubernetes.io/service-account.name] FieldValueRequired']],
  ['another type than before', secretKind, { type: 'x' }, ['type FieldValueInvalid'], {}],
  ['more than a mebibyte', secretKind, { stringData: { a: 'x'.repeat(1024 * 1024 + 1) } }, ['data FieldValueTooLong']],
  ['a frozen secret that changes', secretKind, { immutable: true, data: { a: '' } }, ['data FieldValueForbidden'], { immutable: true }],
  ['a frozen secret that thaws', secretKind, {}, ['immutable FieldValueForbidden'], { immutable: true }],
  ['a frozen secret with its keys in another order', secretKind, { immutable: true, data: { b: '', a: '' } }, [], { immutable: true, data: { a: '', b: '' } }],
  ['a secret that freezes', secretKind, { immutable: true, data: { a: '' } }, [], {}],
  ['settings', configMapKind, { data: { 'app.ini': 'a=b\n' }, binaryData: { icon: 'AAE=' } }, []],
  ['one key twice', configMapKind, { data: { a: '' }, binaryData: { a: '' } }, ['binaryData[a] FieldValueInvalid']],
  ['binary data that is text', configMapKind, { binaryData: { a: 'hi!' } }, ['binaryData[a] FieldValueInvalid']],
  ['frozen settings that change', configMapKind, { immutable: true, data: { a: '2' } }, ['data FieldValueForbidden'], { immutable: true, data: { a: '1' } }],
  ['settings beyond a mebibyte', configMapKind, { data: { a: 'ü'.repeat(600_000) } }, [' FieldValueTooLong']],
];

describe('Secret and ConfigMap', () => {
  for (const [what, kind, members, expected, old] of cases) {
    it(`${kind.kind} with ${what}: ${expected.length === 0 ? 'fine' : expected.join(', ')}`, () => assert.deepEqual(faults(kind, members, old), expected));
  }

  it('text becomes bytes beside those that are there, once', () => {
    const secret = secretKind.defaults(object(secretKind, { data: { a: 'aGk=' }, stringData: { a: 'ho', b: 'grüße' } }));
    assert.deepEqual(secret, { ...object(secretKind, {}), type: 'Opaque', data: { a: 'aG8=', b: Buffer.from('grüße').toString('base64') } });
    assert.deepEqual(secretKind.defaults(secret), secret);
  });
});
