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
  assert.match(aggregationNotes(bundle, 'bundle', (device) => (device === 'leaf-1' ? false : undefined)).join(), /^"leaf-1" uses one of the cables at a time/);
  assert.deepEqual(aggregationNotes(bundle, 'bundle', (device) => (device === 'leaf-1' ? true : undefined)), []);
  assert.deepEqual(aggregationNotes(bundle, 'bundle', () => undefined), []);
});

test('leaves that share a server without an Ethernet segment are told to, and that no cable is unused', () => {
  const pair = connection(['s/eth1', 'leaf-1/E1/1'], ['s/eth2', 'leaf-2/E1/1']);
  const notes = aggregationNotes(pair, 'multihomed', (device) => (device === 's' ? undefined : false));
  assert.equal(notes.length, 1);
  assert.match(notes.join(), /^"leaf-1" and "leaf-2" carry the server side by side/);
  assert.deepEqual(aggregationNotes(pair, 'multihomed', () => true), []);
});

test('cables between two switches are all used, whatever their kernels have', () => {
  assert.deepEqual(aggregationNotes(connection(['spine-1/E1/1', 'leaf-1/E1/1'], ['spine-1/E1/2', 'leaf-1/E1/2']), 'fabric', () => false), []);
});
