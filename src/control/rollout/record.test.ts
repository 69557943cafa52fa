import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiVersion, type Resource } from '../../api/object.ts';
import type { RolloutSpec } from '../../api/kinds/rollout.ts';
import { halted, newRecord, remainsOf } from './record.ts';

const edit = (generation: number) => ({ ref: { kind: 'Fabric', namespace: '', name: 'default' }, generation, before: { a: generation - 1 }, after: { a: generation } });
const record = (revision: number, more: Partial<RolloutSpec> = {}): RolloutSpec => ({
  ...newRecord({ fabric: 'default', revision, edits: new Map([['Fabric/default', edit(revision + 1)]]), waves: [['leaf-1'], ['leaf-2']], now: '2026-01-01T00:00:00Z' }), ...more,
});
const stored = (spec: RolloutSpec): Resource => ({ apiVersion, kind: 'Rollout', metadata: { name: `default-${spec.revision}` }, spec });
const remains = (generation: number, ...records: readonly RolloutSpec[]) => remainsOf(records.map(stored), (_, edited) => edited.generation === generation);
const failures = [{ device: 'leaf-1', reason: 'Refused', message: 'no such MTU' }];

test('a leader that follows goes on with what is under way and knows which revisions there were', () => {
  const { running, reverted, revisions } = remains(3, record(2, { wave: 1 }), record(1, { phase: 'Complete' }));
  assert.equal(running.get('default')?.wave, 1);
  assert.deepEqual([reverted.size, revisions.get('default')], [0, 2]);
});

test('what went back stays so for a leader that follows, until somebody changes the object or rolls out anew', () => {
  const back = halted(record(1, { wave: 1 }), failures, true, '2026-01-01T00:01:00Z');
  assert.match(back.message, /wave 1 of 2 failed, and devices went back to what they ran: leaf-1: no such MTU/);
  assert.deepEqual(remains(2, back).reverted.get('Fabric/default')?.edit.before, { a: 1 });
  assert.equal(remains(3, back).reverted.size, 0);
  assert.equal(remains(3, back, record(2, { phase: 'Complete' })).reverted.size, 0);
  assert.equal(remains(2, halted(record(1), failures, false, '2026-01-01T00:01:00Z')).reverted.size, 0);
});
