import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, fromBinary } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import type { Vni } from '../net/brand.ts';
import { encodeRow, messageOfRow, splitRowId, tableNumber } from './codec.ts';
import { digestPlus, emptyDigest, rowDigest } from './digest.ts';
import { RowKeySchema, RowSchema, type Update, UpdateSchema } from './gen/heddle/agent/v1/agent_pb.ts';
import { Replica } from './replica.ts';
import { type Row, type RowId, rowId } from './rows.ts';
import { GoalState, type ScopeDelta } from './state.ts';
import { byId, diff, rowsOf } from './tables.ts';
import { anyRow } from './testing.ts';

const vrf = (name: string, description = ''): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description } });
const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });
const upsert = (scope: string, ...upserts: Row[]): { scope: string; upserts: Row[]; deletes: RowId[] } => ({ scope, upserts, deletes: [] });
const remove = (scope: string, ...deletes: RowId[]): { scope: string; upserts: Row[]; deletes: RowId[] } => ({ scope, upserts: [], deletes });

const updateOf = (delta: ScopeDelta): Update =>
  create(UpdateSchema, {
    scope: delta.scope,
    toVersion: BigInt(delta.to),
    full: delta.full,
    digest: delta.digest,
    upserts: delta.upserts.map(messageOfRow),
    deletes: delta.deletes.map((id) => {
      const parts = splitRowId(id);
      assert.ok(parts);
      return create(RowKeySchema, { ...parts, number: tableNumber(parts.table) });
    }),
  });

describe('goal state', () => {
  test('a commit gives every changed scope one new version', () => {
    const goal = new GoalState();
    assert.deepEqual(goal.commit([upsert('vpc/1', vrf('a')), upsert('vpc/2', vrf('b'))]), [
      { scope: 'vpc/1', from: 0, version: 1 },
      { scope: 'vpc/2', from: 0, version: 1 },
    ]);
    assert.deepEqual(goal.commit([upsert('vpc/2', vrf('c'))]), [{ scope: 'vpc/2', from: 1, version: 2 }]);
    assert.equal(goal.scope('vpc/1').version, 1);
  });

  test('rows written equal, deletes of absent rows and a delete with its upsert make no version', () => {
    const goal = new GoalState();
    goal.commit([upsert('vpc/1', vrf('a'))]);
    const same = [upsert('vpc/1', vrf('a')), remove('vpc/1', 'vrf/b'), remove('vpc/9', 'vrf/a')];
    assert.deepEqual(goal.commit([...same, { ...upsert('vpc/1', vrf('a')), deletes: ['vrf/a'] }]), []);
    assert.equal(goal.version, 1);
  });

  test('replace makes a scope hold exactly the rows given', () => {
    const goal = new GoalState();
    goal.replace('vpc/1', [vrf('a'), vrf('b')]);
    goal.replace('vpc/1', [vrf('b'), vrf('c')]);
    assert.deepEqual([...goal.scope('vpc/1').rows.keys()].toSorted(), ['vrf/b', 'vrf/c']);
    assert.deepEqual(goal.delta('vpc/1', 1).deletes, ['vrf/a']);
    assert.deepEqual(goal.delta('vpc/1', 1).upserts, [vrf('c')]);
  });

  test('a delta has each row once, as it is now', () => {
    const goal = new GoalState();
    goal.commit([upsert('vpc/1', vrf('a'))]);
    for (const description of ['1', '2', '3']) goal.commit([upsert('vpc/1', vrf('b', description))]);
    goal.commit([remove('vpc/1', 'vrf/a')]);
    const { digest } = goal.scope('vpc/1');
    const delta = { scope: 'vpc/1', from: 1, to: 5, full: false, upserts: [vrf('b', '3')], deletes: ['vrf/a'], digest };
    assert.deepEqual(goal.delta('vpc/1', 1), delta);
  });

  test('a subscriber that is further behind than the log gets the whole scope', () => {
    const goal = new GoalState({ logRows: 4 });
    for (let index = 0; index < 20; index += 1) goal.commit([upsert('vpc/1', vrf('a', String(index)))]);
    assert.equal(goal.delta('vpc/1', 15).full, true);
    assert.equal(goal.delta('vpc/1', 19).full, false);
    assert.equal(goal.digestAt('vpc/1', 15), undefined);
    assert.notEqual(goal.digestAt('vpc/1', 19), undefined);
  });

  test('a version of another lineage gets the whole scope', () => {
    const goal = new GoalState();
    goal.commit([upsert('vpc/1', vrf('a'))]);
    assert.equal(goal.delta('vpc/1', 77).full, true);
    assert.equal(goal.delta('vpc/2', 77).full, true);
  });

  test('a device holds its own scope last, and the scopes its member rows name', () => {
    const goal = new GoalState();
    goal.commit([upsert('device/leaf-1', member('vpc/2'), member('vpc/1')), upsert('device/leaf-2', member('vpc/2'))]);
    assert.deepEqual(goal.subscriptions('leaf-1'), ['vpc/1', 'vpc/2', 'device/leaf-1']);
    assert.deepEqual(goal.devicesOf('vpc/2'), ['leaf-1', 'leaf-2']);
    assert.deepEqual(goal.devicesOf('device/leaf-1'), ['leaf-1']);
    goal.commit([remove('device/leaf-1', 'member/vpc/2')]);
    assert.deepEqual(goal.subscriptions('leaf-1'), ['vpc/1', 'device/leaf-1']);
    assert.deepEqual(goal.devicesOf('vpc/2'), ['leaf-2']);
  });

  test('tables of a device are the rows of all its scopes', () => {
    const goal = new GoalState();
    goal.commit([upsert('device/leaf-1', member('vpc/1')), upsert('vpc/1', vrf('a')), upsert('vpc/2', vrf('b'))]);
    assert.deepEqual(rowsOf(goal.tables('leaf-1')), [member('vpc/1'), vrf('a')]);
  });

  test('diff names what came, what changed and what went', () => {
    const same = (one: Row, other: Row): boolean => Buffer.compare(encodeRow(one), encodeRow(other)) === 0;
    const before = byId([vrf('a'), vrf('b'), vrf('c')]);
    const after = byId([vrf('b'), vrf('c', 'new'), vrf('d')]);
    assert.deepEqual(diff(before, after, same), { upserts: [vrf('c', 'new'), vrf('d')], deletes: ['vrf/a'] });
  });
});

const anyChange = fc.record({
  scope: fc.constantFrom('vpc/1', 'vpc/2', 'device/x'),
  upserts: fc.array(anyRow, { maxLength: 4 }),
  deletes: fc.array(anyRow.map(rowId), { maxLength: 4 }),
});

describe('goal state and its replicas', () => {
  test('the digest kept up to date is the digest from scratch', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyChange, { maxLength: 3 }), { maxLength: 12 }), (commits) => {
        const goal = new GoalState();
        for (const changes of commits) goal.commit(changes);
        for (const name of goal.scopes()) {
          const { rows, digest } = goal.scope(name);
          const scratch = [...rows.values()].reduce((sum, row) => digestPlus(sum, rowDigest(encodeRow(row))), emptyDigest);
          assert.equal(digest, scratch);
        }
      }),
    );
  });

  test('a replica that takes deltas now and then ends up equal', () => {
    const step = fc.record({ changes: fc.array(anyChange, { maxLength: 3 }), sync: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), fc.integer({ min: 1, max: 20 }), (steps, logRows) => {
        const goal = new GoalState({ logRows });
        const replica = new Replica();
        const sync = (): void => {
          for (const name of ['vpc/1', 'vpc/2', 'device/x']) {
            const staged = replica.stage(updateOf(goal.delta(name, replica.scopes.get(name)?.version ?? 0)));
            assert.ok(typeof staged !== 'string', String(staged));
            replica.take(staged);
          }
        };
        for (const { changes, sync: now } of steps) {
          goal.commit(changes);
          if (now) sync();
        }
        sync();
        for (const name of ['vpc/1', 'vpc/2', 'device/x']) {
          const held = [...(replica.scopes.get(name)?.rows ?? [])].map(([id, { row }]) => [id, row] as const);
          assert.deepEqual(new Map(held), new Map(goal.scope(name).rows));
        }
      }),
    );
  });

  test('a replica refuses a change that does not lead to the promised digest, and keeps what it has', () => {
    const goal = new GoalState();
    const replica = new Replica();
    goal.commit([upsert('vpc/1', vrf('a'))]);
    const first = replica.stage(updateOf(goal.delta('vpc/1', 0)));
    assert.ok(typeof first !== 'string');
    replica.take(first);
    goal.commit([upsert('vpc/1', vrf('b'))]);
    goal.commit([upsert('vpc/1', vrf('c'))]);
    assert.equal(replica.stage(updateOf(goal.delta('vpc/1', 2))), 'digest mismatch');
    assert.equal(new Replica().stage(updateOf(goal.delta('vpc/1', 2))), "holds no scope 'vpc/1'");
    assert.deepEqual([...(replica.scopes.get('vpc/1')?.rows.keys() ?? [])], ['vrf/a']);
  });

  test('rows of a table that the replica does not know count for the digest and can be deleted', () => {
    const message = create(RowSchema, { key: 'k' });
    message.$unknown = [{ no: 77, wireType: 2, data: new Uint8Array([0]) }];
    const replica = new Replica();
    const foreign = fromBinary(RowSchema, new Uint8Array([10, 1, 107, 0xea, 0x04, 0]));
    const digest = rowDigest(new Uint8Array([10, 1, 107, 0xea, 0x04, 0]));
    const staged = replica.stage(create(UpdateSchema, { scope: 'device/x', toVersion: 1n, full: true, upserts: [foreign], digest }));
    assert.ok(typeof staged !== 'string', String(staged));
    replica.take(staged);
    assert.equal(replica.unknown, 1);
    assert.deepEqual(replica.foreignRows(), new Map([['device/x', new Set(['#77/k'])]]));
    const deletes = [create(RowKeySchema, { table: 'nat', key: 'k', number: 77 })];
    const gone = replica.stage(create(UpdateSchema, { scope: 'device/x', toVersion: 2n, deletes, digest: emptyDigest }));
    assert.ok(typeof gone !== 'string', String(gone));
    replica.take(gone);
    assert.deepEqual(replica.foreignRows(), new Map());
  });
});
