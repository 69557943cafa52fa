import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { HelloSchema, ReportSchema, ScopeStateSchema, type ScopeState } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Row } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import type { Vni } from '../net/brand.ts';
import { Session, type SessionContext } from './session.ts';
import { EncodedUpdates } from './updates.ts';

const vrf = (name: string): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description: '' } });

const contextOf = (goal: GoalState): SessionContext => ({
  goal,
  updates: new EncodedUpdates(goal, 1),
  term: 1,
  lineage: 'one',
  serverVersion: '',
  isKnown: () => true,
});

const stateOf = (goal: GoalState, scope: string): ScopeState => {
  const { version, digest } = goal.scope(scope);
  return create(ScopeStateSchema, { scope, version: BigInt(version), digest });
};

test('a report shows which updates were taken although their answers were lost', () => {
  const goal = new GoalState();
  const member: Row = { table: 'member', key: 'vpc/1', value: { scope: 'vpc/1' } };
  goal.commit([{ scope: 'device/leaf-1', upserts: [vrf('a'), member], deletes: [] }]);
  goal.commit([{ scope: 'vpc/1', upserts: [vrf('b')], deletes: [] }]);
  const session = new Session('leaf-1', contextOf(goal), () => true);
  session.welcome(create(HelloSchema, { device: 'leaf-1' }));
  session.flush(0);
  assert.equal(session.checkOverdue(1000, 500), true, 'the device is asked what it holds');
  const taken = session.report(create(ReportSchema, { scopes: [stateOf(goal, 'vpc/1')], full: true }));
  assert.deepEqual(taken, [{ scope: 'vpc/1', version: 2 }]);
  assert.deepEqual(session.report(create(ReportSchema, { scopes: [stateOf(goal, 'vpc/1')], full: true })), [], 'nobody asked');
});
