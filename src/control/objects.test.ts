import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersion, refKey, refOf, type Resource } from '../api/object.ts';
import type { ObjectChange } from './informer.ts';
import { Objects } from './objects.ts';

const object = (kind: string, revision: number, annotations?: Record<string, string>): Resource => ({
  apiVersion,
  kind,
  metadata: { name: 'x', resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) },
});
const seen = (resource: Resource): ObjectChange => ({ ref: refOf(resource), object: resource });
const gone = (resource: Resource): ObjectChange => ({ ref: refOf(resource), object: undefined });

test('a state older than the one held is no news, of an object as of a claim', () => {
  for (const kind of ['Server', 'Claim']) {
    const objects = new Objects();
    assert.equal(objects.put(gone(object(kind, 1))), undefined);
    assert.equal(objects.put(seen(object(kind, 5)))?.key, `${kind}/x`);
    assert.equal(objects.put(seen(object(kind, 5))), undefined);
    assert.equal(objects.put(seen(object(kind, 4))), undefined);
    assert.equal(objects.put(seen(object(kind, 6)))?.after?.metadata.resourceVersion, '6');
    assert.equal(objects.put({ ...seen(object(kind, 3)), setBack: true })?.after?.metadata.resourceVersion, '3');
    assert.equal(objects.put(gone(object(kind, 6)))?.after, undefined);
    assert.equal(objects.put(gone(object(kind, 6))), undefined);
  }
});

test('what kubectl apply keeps for itself is not held, other annotations are', () => {
  const objects = new Objects();
  const given = object('Server', 1, { 'kubectl.kubernetes.io/last-applied-configuration': '{}', owner: 'me' });
  objects.put(seen(given));
  assert.deepEqual(objects.get(refKey(refOf(given)))?.metadata.annotations, { owner: 'me' });
});
