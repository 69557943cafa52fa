import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { error, pending, warning } from '../compile/finding.ts';
import { conditionsAfter, ready, statements, type Knowledge } from './conditions.ts';
import { mergeDiff } from './mergediff.ts';
import { mergePatch } from '../apiserver/patch/patch.ts';

const nothing: Knowledge = { generation: 3, findings: [], late: [], failures: [], devices: 0, withheld: false };
const failure = { device: 'leaf-1', scope: 'device/leaf-1', row: 'vrf/red', code: 'Broken', message: 'no' };

const said = (known: Partial<Knowledge>): string =>
  statements({ ...nothing, ...known })
    .map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)
    .join(' | ');

test('the table of what Accepted and Programmed say', () => {
  const rows: [Partial<Knowledge>, string][] = [
    [{}, 'Accepted=True Accepted: accepted | Programmed=True NoDevices: no device is affected'],
    [{ devices: 2 }, 'Accepted=True Accepted: accepted | Programmed=True Programmed: 2 of 2 devices'],
    [
      { devices: 5, late: ['leaf-1', 'leaf-2', 'leaf-3', 'leaf-4'] },
      'Accepted=True Accepted: accepted | Programmed=False Pending: 1 of 5 devices; waiting for leaf-1, leaf-2, leaf-3 and 1 more',
    ],
    [
      { devices: 3, late: ['leaf-2'], failures: [failure] },
      'Accepted=True Accepted: accepted | Programmed=False Failed: 1 of 3 devices; leaf-1: vrf/red: Broken: no',
    ],
    [
      { devices: 1, findings: [error('Overlap', 'spec.x', 'x overlaps'), error('Unknown', '', 'y is missing')] },
      'Accepted=False Overlap: spec.x: x overlaps; y is missing | Programmed=False NotAccepted: not accepted, see condition Accepted',
    ],
    [
      { findings: [pending('spec', 'waits for a VNI')] },
      'Accepted=True Accepted: accepted | Programmed=False Pending: spec: waits for a VNI',
    ],
    [
      { devices: 1, findings: [warning('Odd', '', 'odd but fine')] },
      'Accepted=True Accepted: accepted, but odd but fine | Programmed=True Programmed: 1 of 1 devices',
    ],
  ];
  for (const [known, expected] of rows) assert.equal(said(known), expected);
});

test('a device that is pending and failing is counted once', () => {
  assert.equal(ready({ ...nothing, devices: 3, late: ['leaf-1'], failures: [failure] }), '2/3');
});

test('a transition time moves only when the status does, and foreign conditions stay', () => {
  const foreign = { type: 'Verified', status: 'True', reason: 'Verified', message: '', lastTransitionTime: 't0' } as const;
  const first = conditionsAfter([foreign], statements({ ...nothing, devices: 1 }), 1, 't1');
  const second = conditionsAfter(first, statements({ ...nothing, devices: 2 }), 2, 't2');
  const third = conditionsAfter(second, statements({ ...nothing, devices: 2, late: ['leaf-1'] }), 2, 't3');
  const times = (conditions: readonly { type: string; lastTransitionTime: string }[]): string[] =>
    conditions.map(({ type, lastTransitionTime }) => `${type} ${lastTransitionTime}`);
  assert.deepEqual(times(second), ['Accepted t1', 'Programmed t1', 'Verified t0']);
  assert.deepEqual(times(third), ['Accepted t1', 'Programmed t3', 'Verified t0']);
  assert.deepEqual(second.map(({ observedGeneration }) => observedGeneration), [2, 2, undefined]);
});

test('the difference of two values, applied as a merge patch, makes the one into the other', () => {
  const json = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom('a', 'b', true),
      fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('x', 'y', 'z'), tie('value'), { noNullPrototype: true }),
    ),
  })).value;
  const members = fc.dictionary(fc.constantFrom('x', 'y', 'z'), json, { noNullPrototype: true });
  fc.assert(
    fc.property(members, members, (current, wanted) => {
      const patch = mergeDiff(current, wanted);
      assert.deepEqual(patch === undefined ? current : mergePatch(current, patch), wanted);
    }),
  );
});
