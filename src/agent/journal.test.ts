import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { messageOfRow, splitRowId, tableNumber } from '../goal/codec.ts';
import { DropSchema, RowKeySchema, type Update, UpdateSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Row } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import { rowsOf } from '../goal/tables.ts';
import type { Vni } from '../net/brand.ts';
import { Holding } from './holding.ts';
import { type Disk, pathOf } from './journal.ts';

const vrf = (name: string, description = ''): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description } });

describe('journal of an agent', () => {
  let directory: string;
  let goal: GoalState;
  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'heddle-journal-'));
    goal = new GoalState();
  });
  afterEach(() => fs.rmSync(directory, { recursive: true }));

  const open = (disk?: Disk): Holding => {
    const options = { device: 'x', stateDirectory: directory, newEpoch: () => 'epoch', sync: false };
    return new Holding(disk === undefined ? options : { ...options, disk });
  };
  const updateFrom = (scope: string, from: number): Update => {
    const delta = goal.delta(scope, from);
    const deletes = delta.deletes.map((id) => {
      const parts = splitRowId(id);
      assert.ok(parts);
      return create(RowKeySchema, { ...parts, number: tableNumber(parts.table) });
    });
    const head = { scope, toVersion: BigInt(delta.to), full: delta.full, digest: delta.digest, term: 3n };
    return create(UpdateSchema, { ...head, upserts: delta.upserts.map(messageOfRow), deletes });
  };
  const take = (holding: Holding, scope: string, row: Row): void => {
    const from = goal.scope(scope).version;
    goal.commit([{ scope, upserts: [row], deletes: [] }]);
    holding.take({ lineage: 'l', drops: [], updates: [updateFrom(scope, from)] });
  };
  const rowsIn = (holding: Holding): Row[] => rowsOf(holding.replica.tables('x'));

  /** A journal of five transactions, and what is held after each of them. */
  const story = (): Row[][] => {
    const holding = open();
    const states: Row[][] = [[]];
    const step = (change: () => void): void => {
      change();
      states.push(rowsIn(holding));
    };
    step(() => take(holding, 'device/x', vrf('a')));
    step(() => take(holding, 'vpc/1', vrf('b')));
    step(() => take(holding, 'device/x', vrf('a', 'changed')));
    step(() => holding.take({ lineage: 'l', drops: [create(DropSchema, { scope: 'vpc/1', term: 3n })], updates: [] }));
    step(() => take(holding, 'device/x', vrf('ü')));
    holding.close();
    return states;
  };
  const reopen = (): Holding => {
    const holding = open();
    holding.close();
    return holding;
  };

  test('what was taken is there after a restart, with versions, lineage, term and epoch', () => {
    const states = story();
    const holding = reopen();
    assert.deepEqual(rowsIn(holding), states.at(-1));
    assert.deepEqual([holding.condition, holding.lineage, holding.term, holding.epoch], ['whole', 'l', 3n, 'epoch']);
    assert.equal(holding.replica.scopes.get('device/x')?.version, goal.scope('device/x').version);
  });

  test('a file cut at any byte holds what was complete, and can be gone on with', () => {
    const states = story();
    const whole = fs.readFileSync(pathOf(directory));
    for (let length = 0; length < whole.length; length += 1) {
      fs.writeFileSync(pathOf(directory), whole.subarray(0, length));
      const holding = open();
      const rows = rowsIn(holding);
      assert.ok(states.some((state) => JSON.stringify(state) === JSON.stringify(rows)), `cut at ${length}`);
      assert.notEqual(holding.condition, 'damaged');
      holding.isolate(holding.term);
      holding.close();
      const again = reopen();
      assert.deepEqual([rowsIn(again), again.isolated, again.condition], [rows, true, 'whole'], `cut at ${length}`);
    }
  });

  test('a file with any byte changed never crashes the agent and never shows rows that were not there', () => {
    const states = new Set(story().map((state) => JSON.stringify(state)));
    const whole = fs.readFileSync(pathOf(directory));
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (position, flip) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8((bytes[position] ?? 0) ^ flip, position);
        fs.writeFileSync(pathOf(directory), bytes);
        const holding = open();
        assert.ok(states.has(JSON.stringify(rowsIn(holding))));
        if (holding.condition === 'damaged') assert.equal(holding.goal(), undefined);
        // The whole comes from the server.
        holding.take({ lineage: 'm', drops: [], updates: [{ ...updateFrom('device/x', -1), term: holding.term }] });
        holding.close();
        const again = reopen();
        assert.deepEqual(again.condition, 'whole');
        assert.deepEqual([...(again.replica.scopes.get('device/x')?.rows.keys() ?? [])], [...goal.scope('device/x').rows.keys()]);
      }),
      { numRuns: 300 },
    );
  });

  test('a tail of zeros, as a power failure leaves it, counts as torn', () => {
    const states = story();
    fs.appendFileSync(pathOf(directory), Buffer.alloc(4096));
    const holding = reopen();
    assert.deepEqual([holding.condition, rowsIn(holding)], ['torn', states.at(-1)]);
  });

  test('a full disk refuses the transaction, keeps the rows, and takes it once there is room', () => {
    let room = Number.POSITIVE_INFINITY;
    const writeSync = (file: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
      const count = Math.min(length, room);
      room -= count;
      if (count === 0) throw new Error('ENOSPC: no space left on device, write');
      return fs.writeSync(file, bytes, offset, count, position);
    };
    // Only the form that the journal calls.
    const holding = open({ ...fs, writeSync: writeSync as typeof fs.writeSync });
    take(holding, 'device/x', vrf('a'));
    for (const bytes of [0, 1, 9, 30]) {
      room = bytes;
      assert.throws(() => take(holding, 'device/x', vrf('b', String(bytes))), /ENOSPC/);
      assert.deepEqual(rowsIn(holding), [vrf('a')]);
      assert.deepEqual(rowsIn(reopen()), [vrf('a')]);
    }
    room = Number.POSITIVE_INFINITY;
    holding.take({ lineage: 'l', drops: [], updates: [updateFrom('device/x', -1)] });
    holding.close();
    assert.deepEqual(rowsIn(reopen()), [vrf('a'), vrf('b', '30')]);
  });

  test('a journal that grew far beyond what it holds is rewritten', () => {
    const holding = open();
    for (let index = 0; index < 400; index += 1) {
      take(holding, 'device/x', vrf('a', 'x'.repeat(1000) + index));
      holding.tidy();
    }
    holding.close();
    assert.ok(fs.statSync(pathOf(directory)).size < 100_000);
    const again = reopen();
    assert.deepEqual([rowsIn(again), again.condition], [rowsIn(holding), 'whole']);
    assert.equal(again.term, 3n);
  });

  test('a transaction with very many rows is taken apart by a rewrite, and recovered in parts', async () => {
    const holding = open();
    const rows = Array.from({ length: 30_000 }, (_, index) => vrf(`${index}`, 'x'.repeat(40)));
    goal.commit([{ scope: 'device/x', upserts: rows, deletes: [] }, { scope: 'vpc/1', upserts: [vrf('b')], deletes: [] }]);
    holding.take({ lineage: 'l', drops: [], updates: ['device/x', 'vpc/1'].map((scope) => updateFrom(scope, -1)) });
    const before = fs.statSync(pathOf(directory)).ino;
    holding.tidy();
    const after = fs.statSync(pathOf(directory));
    assert.notEqual(after.ino, before);
    holding.tidy();
    assert.equal(fs.statSync(pathOf(directory)).ino, after.ino);
    holding.close();
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 0);
    const again = await Holding.open({ device: 'x', stateDirectory: directory, newEpoch: () => 'other', sync: false });
    clearInterval(counting);
    again.close();
    assert.deepEqual([again.condition, again.epoch, again.lineage, again.term, turns > 1], ['whole', 'epoch', 'l', 3n, true]);
    assert.deepEqual(rowsIn(again), [...rows, vrf('b')]);
  });

  test('a rewritten journal of which a part is missing is a damaged one, and not a goal with half its rows', () => {
    const holding = open();
    const rows = Array.from({ length: 30_000 }, (_, index) => vrf(`${index}`, 'x'.repeat(40)));
    goal.commit([{ scope: 'device/x', upserts: rows, deletes: [] }]);
    holding.take({ lineage: 'l', drops: [], updates: [updateFrom('device/x', -1)] });
    holding.tidy();
    holding.close();
    const whole = fs.readFileSync(pathOf(directory));
    const starts: number[] = [];
    for (let at = 0; at < whole.length; at += 8 + whole.readUInt32LE(at)) starts.push(at);
    assert.ok(starts.length > 4);
    for (const start of [...starts.slice(1, 3), ...starts.slice(-1)]) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt32LE(0x7fff_ffff, start);
      for (const left of [bytes, whole.subarray(0, start)]) {
        fs.writeFileSync(pathOf(directory), left);
        const again = open();
        assert.deepEqual([again.condition, again.goal()], ['damaged', undefined]);
        again.close();
      }
    }
  });

  describe('a rewrite that the disk refuses', () => {
    /** Grows a journal until a rewrite pays. */
    const grow = (holding: Holding): void => {
      for (let index = 0; index < 100; index += 1) take(holding, 'device/x', vrf('a', 'x'.repeat(1000) + index));
    };
    const refusal = (what: string) => (): never => {
      throw new Error(`EIO: ${what}`);
    };

    test('is a clear error, costs nothing that was taken, and is not tried again at once', () => {
      let opened = 0;
      const openSync = ((path: string, flags: number, mode?: number) => {
        if (!path.endsWith('.new')) return fs.openSync(path, flags, mode);
        opened += 1;
        return refusal('open')();
      }) as typeof fs.openSync;
      const holding = open({ ...fs, openSync });
      grow(holding);
      assert.throws(() => holding.tidy(), { name: 'HeddleError', code: 'Unavailable', message: /cannot be rewritten: EIO: open/ });
      holding.tidy();
      assert.equal(opened, 1);
      const rows = rowsIn(holding);
      holding.close();
      assert.deepEqual(rowsIn(reopen()), rows);
    });

    test('is the same error when what was begun cannot even be given up', () => {
      let failing = false;
      const renameSync = refusal('rename');
      const ftruncateSync = refusal('truncate');
      const closeSync = (file: number): void => {
        fs.closeSync(file);
        if (failing) refusal('close')();
      };
      const holding = open({ ...fs, renameSync, ftruncateSync, closeSync });
      grow(holding);
      failing = true;
      assert.throws(() => holding.tidy(), { name: 'HeddleError', code: 'Unavailable', message: /cannot be rewritten: EIO: rename/ });
      failing = false;
      take(holding, 'device/x', vrf('a', 'last'));
      holding.close();
      assert.deepEqual(rowsIn(reopen()), [vrf('a', 'last')]);
    });

    test('only as to its name lets nothing more be taken until that is on the disk', () => {
      let failing = false;
      const fsyncSync = (file: number): void => (failing ? refusal('fsync')() : fs.fsyncSync(file));
      const holding = open({ ...fs, fsyncSync });
      grow(holding);
      failing = true;
      holding.tidy();
      assert.ok(fs.statSync(pathOf(directory)).size < 10_000);
      assert.throws(() => take(holding, 'device/x', vrf('b')), /the journal cannot be written: EIO: fsync/);
      failing = false;
      holding.tidy();
      holding.take({ lineage: 'l', drops: [], updates: [updateFrom('device/x', -1)] });
      holding.close();
      assert.equal(rowsIn(reopen()).length, 2);
    });
  });

  test('a transaction is taken as a whole or not at all', () => {
    const holding = open();
    take(holding, 'device/x', vrf('a'));
    goal.commit([{ scope: 'vpc/1', upserts: [vrf('b')], deletes: [] }]);
    const wrong = create(UpdateSchema, { scope: 'device/x', toVersion: 9n, full: true, digest: 1n, term: 3n });
    const input = { lineage: 'l', drops: [], updates: [updateFrom('vpc/1', 0), wrong] };
    assert.throws(() => holding.take(input), /device\/x: digest mismatch/);
    const stale = { lineage: 'l', drops: [create(DropSchema, { scope: 'device/x', term: 2n })], updates: [] };
    assert.throws(() => holding.take(stale), /stale term 2: this device has seen term 3/);
    assert.deepEqual(rowsIn(holding), [vrf('a')]);
    holding.close();
    assert.deepEqual(rowsIn(reopen()), [vrf('a')]);
  });

  test('a state directory that cannot be used is a clear error', () => {
    fs.writeFileSync(join(directory, 'file'), '');
    const options = { device: 'x', stateDirectory: join(directory, 'file'), newEpoch: () => 'e' };
    assert.throws(() => new Holding(options), /the state directory '.*file' cannot be used/);
  });
});
