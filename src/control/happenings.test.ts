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
