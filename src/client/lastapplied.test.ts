import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Resource } from '../api/object.ts';
import { mergePatch } from '../apiserver/patch/patch.ts';
import { applyPatch, lastAppliedAnnotation, withLastApplied } from './lastapplied.ts';

const vpc = (spec: unknown, annotations?: Record<string, string>): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'VPC',
  metadata: { name: 'shop', namespace: 'default', ...(annotations === undefined ? {} : { annotations }) },
  spec,
});

test('the annotation is the text that kubectl would write: sorted keys, no annotation in itself, a newline at the end', () => {
  const object = withLastApplied(vpc({ subnets: {}, description: 'b' }));
  assert.equal(
    object.metadata.annotations?.[lastAppliedAnnotation],
    '{"apiVersion":"heddle.dev/v1alpha1","kind":"VPC","metadata":{"annotations":{},"name":"shop","namespace":"default"},"spec":{"description":"b","subnets":{}}}\n',
  );
  assert.deepEqual(withLastApplied(object), object);
});

test('what was applied already gives no patch, whatever the server added', () => {
  const live = withLastApplied(vpc({ subnets: { front: { cidr: '10.0.0.0/24' } } }));
  const served = { ...live, metadata: { ...live.metadata, uid: 'u', generation: 3 }, spec: { mode: 'l2', subnets: { front: { cidr: '10.0.0.0/24', gateway: '10.0.0.1' } } }, status: { vni: 5 } };
  assert.equal(applyPatch(served, withLastApplied(vpc({ subnets: { front: { cidr: '10.0.0.0/24' } } }))), undefined);
});

test('a field that left the file is deleted, one that another set stays, a changed one is sent', () => {
  const before = withLastApplied(vpc({ description: 'old', subnets: { front: { cidr: '10.0.0.0/24' }, back: { cidr: '10.0.1.0/24' } } }));
  const live = { ...before, metadata: { ...before.metadata, labels: { team: 'a' } }, spec: { description: 'old', mode: 'l2', subnets: { front: { cidr: '10.0.0.0/24' }, back: { cidr: '10.0.1.0/24' } } } };
  const patch = applyPatch(live, withLastApplied(vpc({ subnets: { front: { cidr: '10.9.0.0/24' } } })));
  assert.deepEqual(patch?.['spec'], { description: null, subnets: { front: { cidr: '10.9.0.0/24' }, back: null } });
});

test('an object that nobody applied gets the annotation and loses nothing', () => {
  const patch = applyPatch(vpc({ description: 'by hand' }, { note: 'kept' }), withLastApplied(vpc({})));
  assert.deepEqual(Object.keys(patch ?? {}), ['metadata']);
});

test('status in a file is never sent', () => {
  const live = withLastApplied(vpc({}));
  assert.equal(applyPatch(live, { ...live, status: { vni: 1 } }), undefined);
});

test('property: applying a then b leaves exactly b where nobody else wrote', () => {
  const value = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.array(fc.integer(), { maxLength: 3 }), tie('object')),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node'), { maxKeys: 3, noNullPrototype: true }),
  })).object;
  fc.assert(
    fc.property(value, value, (a, b) => {
      const live = withLastApplied(vpc(a));
      const wanted = withLastApplied(vpc(b));
      const patch = applyPatch(live, wanted);
      assert.deepEqual(patch === undefined ? live : mergePatch(live, patch), wanted);
      assert.equal(applyPatch(wanted, wanted), undefined);
    }),
  );
});
