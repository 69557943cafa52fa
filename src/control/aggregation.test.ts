import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../api/object.ts';
import { aggregationNotes } from './aggregation.ts';

const connection = (...links: readonly (readonly [string, string])[]): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Connection',
  metadata: { name: 'c' },
  spec: { links: links.map((ends) => ({ ends })) },
});
const bundle = connection(['s/eth1', 'leaf-1/E1/1'], ['s/eth2', 'leaf-1/E1/2']);

test('a bundle is told to work one cable at a time where the switch has no bonding, and when that is known', () => {
  assert.match(aggregationNotes(bundle, (device) => (device === 'leaf-1' ? false : undefined)).join(), /^"leaf-1" uses one of the cables at a time/);
  assert.deepEqual(aggregationNotes(bundle, (device) => (device === 'leaf-1' ? true : undefined)), []);
  assert.deepEqual(aggregationNotes(bundle, () => undefined), []);
});

test('one cable to each of several leaves leaves nothing unused', () => {
  assert.deepEqual(aggregationNotes(connection(['s/eth1', 'leaf-1/E1/1'], ['s/eth2', 'leaf-2/E1/1']), (device) => (device === 's' ? undefined : false)), []);
});
