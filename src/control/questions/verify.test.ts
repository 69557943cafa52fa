import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../../api/object.ts';
import { attachment, compiled, smallFabric, vpc } from '../../compile/fixture.ts';
import { GoalState } from '../../goal/state.ts';
import { rowId } from '../../goal/rows.ts';
import { verifyAll, type VerifySources } from './verify.ts';

const tenants = [
  vpc('shop', { web: '10.1.1.0/24' }),
  attachment('a1', { vpc: 'shop', subnet: 'web', connection: 'a1--leaf-1' }),
  attachment('a2', { vpc: 'shop', subnet: 'web', connection: 'a2--leaf-2' }),
];

const sourcesOf = (): VerifySources & { readonly goal: GoalState; readonly all: readonly Resource[] } => {
  const { compiler, claims } = compiled(...tenants);
  const goal = new GoalState();
  for (const scope of compiler.scopes()) goal.replace(scope, compiler.rows(scope));
  const all = [...smallFabric(), ...tenants, ...claims];
  let now = 0;
  // A clock by which every look takes longer than a portion may: much is looked at in many turns.
  return { goal, all, objects: async () => all, refusalsOf: (ref) => compiler.findingsOf(ref), clock: () => (now += 7) };
};

test('what is compiled keeps what objects promise, in however many portions it is checked', async () => {
  const { violations, checkedClasses } = await verifyAll('default', sourcesOf());
  assert.deepEqual(violations, []);
  assert.ok(checkedClasses > 3);
});

test('a row that was lost is found, with a packet, rows and objects', async () => {
  const sources = sourcesOf();
  const host = [...sources.goal.scope('device/leaf-2').rows.in('host')][0] ?? assert.fail('there is a host');
  sources.goal.commit([{ scope: 'device/leaf-2', upserts: [], deletes: [rowId(host)] }]);
  const { violations } = await verifyAll('default', sources);
  const [first] = violations;
  assert.ok(first !== undefined);
  assert.ok(violations.some(({ objects }) => objects.some((each) => each.endsWith('default/a2'))), JSON.stringify(violations));
  assert.equal(new Set(violations.map(({ message }) => message)).size, violations.length, 'each is told once');
});

test('what changes all the time is not judged', async () => {
  const sources = sourcesOf();
  let count = 0;
  const objects = async (): Promise<readonly Resource[]> => {
    count += 1;
    sources.goal.commit([{ scope: 'device/leaf-9', upserts: [{ table: 'member', key: `vpc/${count}`, value: { scope: `vpc/${count}` } }], deletes: [] }]);
    return sources.all;
  };
  await assert.rejects(verifyAll('default', { ...sources, objects }), { code: 'Conflict' });
  assert.equal(count, 3);
});
