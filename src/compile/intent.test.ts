import assert from 'node:assert/strict';
import { test } from 'node:test';
import { object } from './fixture.ts';
import { ownerOf, path } from './intent.ts';

test('an object that was never stored owns claims by its name', () => {
  const vpc = object('VPC', 'shop', {});
  const { uid: _, ...metadata } = vpc.metadata;
  assert.equal(ownerOf({ ...vpc, metadata }).uid, 'VPC/default/shop');
});

test('paths of findings quote what is not a plain name', () => {
  assert.equal(path('spec', 'links', 0, 'ends', 1), 'spec.links[0].ends[1]');
  assert.equal(path('spec', 'ports', 'E1/1'), 'spec.ports["E1/1"]');
});
