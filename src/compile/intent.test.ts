import assert from 'node:assert/strict';
import { test } from 'node:test';
import { object } from './fixture.ts';
import { ownerOf, path, portOf } from './intent.ts';

test('an object that was never stored owns claims by its name', () => {
  const vpc = object('VPC', 'shop', {});
  const { uid: _, ...metadata } = vpc.metadata;
  assert.equal(ownerOf({ ...vpc, metadata }).uid, 'VPC/default/shop');
});

test('paths of findings quote what is not a plain name', () => {
  assert.equal(path('spec', 'links', 0, 'ends', 1), 'spec.links[0].ends[1]');
  assert.equal(path('spec', 'ports', 'E1/1'), 'spec.ports["E1/1"]');
});

test('the device of a port ends at the first slash', () => {
  assert.deepEqual(portOf('leaf-1/E1/1'), { device: 'leaf-1', port: 'E1/1' });
  assert.throws(() => portOf('leaf-1'), TypeError);
});
