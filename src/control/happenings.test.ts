import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../api/object.ts';
import { happenings } from './happenings.ts';

const failing = (message: string): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'VPC',
  metadata: { name: 'red', namespace: 'default', generation: 2 },
  status: { conditions: [{ type: 'Programmed', status: 'False', reason: 'Failed', message, lastTransitionTime: 't', observedGeneration: 2 }] },
});
const one = 'leaf-1: vrf/red: TableFull: no room';
const other = 'leaf-2: segment/7: CommandFailed: no such device';
const told = (before: string, after: string): readonly string[] => happenings(failing(before), failing(after)).map(({ message }) => message);

test('the first failure is told, and each further one of another device or row', () => {
  const fine: Resource = { ...failing(''), status: {} };
  assert.deepEqual(happenings(fine, failing(`0 of 2 devices; ${one}`)).map(({ reason }) => reason), ['ProgrammingFailed']);
  assert.deepEqual(told(`1 of 2 devices; ${one}`, `0 of 2 devices; ${one}; ${other}`), [`0 of 2 devices; ${one}; ${other}`]);
});

test('that others are done, or that one of the failures is over, is no new failure', () => {
  assert.deepEqual(told(`0 of 3 devices; ${one}`, `1 of 3 devices; ${one}`), []);
  assert.deepEqual(told(`0 of 3 devices; ${one}; ${other}`, `1 of 3 devices; ${other}`), []);
});

const cabled = (status?: string, message = ''): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Connection',
  metadata: { name: 'up-1', generation: 1 },
  status: { conditions: status === undefined ? [] : [{ type: 'Cabled', status, reason: status, message, lastTransitionTime: 't' }] } as Resource['status'],
});

test('a cable that is elsewhere is told once, anew when it is somewhere else, and when it is right again', () => {
  const reasons = (before: Resource, after: Resource): readonly string[] => happenings(before, after).map(({ type, message }) => `${type} ${message}`);
  assert.deepEqual(reasons(cabled(), cabled('True')), []);
  assert.deepEqual(reasons(cabled('True'), cabled('False', 'a')), ['Warning a']);
  assert.deepEqual(reasons(cabled('False', 'a'), cabled('False', 'a')), []);
  assert.deepEqual(reasons(cabled('False', 'a'), cabled('False', 'b')), ['Warning b']);
  assert.deepEqual(reasons(cabled('False', 'a'), cabled('True', 'c')), ['Normal c']);
  assert.deepEqual(reasons(cabled('False', 'a'), cabled('Unknown', 'd')), []);
});

const judged = (status?: string): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'VPC',
  metadata: { name: 'red', generation: 1 },
  status: { conditions: status === undefined ? [] : [{ type: 'Accepted', status, reason: 'r', message: 'm', lastTransitionTime: 't' }] } as Resource['status'],
});

test('that an object makes sense is told once, and again after it did not', () => {
  const reasons = (before: Resource, after: Resource): readonly string[] => happenings(before, after).map(({ type, reason }) => `${type} ${reason}`);
  assert.deepEqual(reasons(judged(), judged('True')), ['Normal Accepted']);
  assert.deepEqual(reasons(judged('False'), judged('True')), ['Normal Accepted']);
  assert.deepEqual(reasons(judged('True'), judged('True')), []);
  assert.deepEqual(reasons(judged('True'), judged('False')), []);
});

test('of an object on its way out nobody hears that it makes sense now', () => {
  const object = (status: string, metadata: object): Resource =>
    ({ apiVersion: 'v1', kind: 'VPC', metadata: { name: 'x', ...metadata }, status: { conditions: [{ type: 'Accepted', status, reason: 'r', message: 'm', lastTransitionTime: 't' }] } }) as Resource;
  assert.deepEqual(happenings(object('False', {}), object('True', { deletionTimestamp: '2026-01-01T00:00:00Z' })), []);
  assert.equal(happenings(object('False', {}), object('True', {})).length, 1);
});
