import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Phase } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { merge } from '../goal/tables.ts';
import type { Outcome } from './reconciler.ts';
import { Reporter } from './reporter.ts';

const said: string[] = [];
const reporter = new Reporter({
  send: ({ scope, version, phase }) => void said.push(`${scope} ${version} ${phase === Phase.VERIFIED ? 'verified' : 'programmed'}`),
  ownScope: 'device/a',
  scopeOf: () => undefined,
  foreignRows: () => new Map(),
});
const outcome = (revision: number, versions: Record<string, number>): Outcome =>
  ({
    phase: 'verified',
    failures: new Map(),
    goal: { revision, isolated: false, versions: new Map(Object.entries(versions)), tables: merge([]), mark: () => '' },
  });
const takeSaid = (): string[] => said.splice(0);

test('a result is said once, and once more when the scope comes anew in the version it had', () => {
  reporter.committed(1, ['device/a', 'vpc/1']);
  reporter.outcome(outcome(1, { 'device/a': 1, 'vpc/1': 7 }));
  assert.deepEqual(takeSaid(), ['device/a 1 programmed', 'device/a 1 verified', 'vpc/1 7 programmed', 'vpc/1 7 verified']);
  reporter.outcome(outcome(1, { 'device/a': 1, 'vpc/1': 7 }));
  assert.deepEqual(takeSaid(), []);
  reporter.committed(2, ['vpc/1', 'device/a']);
  reporter.outcome(outcome(2, { 'device/a': 2 }));
  reporter.committed(3, ['vpc/1']);
  takeSaid();
  reporter.outcome(outcome(3, { 'device/a': 2, 'vpc/1': 7 }));
  assert.deepEqual(takeSaid(), ['vpc/1 7 programmed', 'vpc/1 7 verified']);
});
