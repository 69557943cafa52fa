import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Barrier, type FailedRow } from './barrier.ts';

const row = (id: FailedRow['row'], ...waiters: string[]): FailedRow => ({ row: id, code: 'Broken', message: 'no', waiters });

test('a waiter is settled by the version it waits for, or a later one, and by no earlier one', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 5);
  barrier.acknowledge('leaf-1', 'vpc/1', 4, []);
  assert.deepEqual(barrier.pending('red'), ['leaf-1']);
  barrier.acknowledge('leaf-1', 'vpc/1', 7, []);
  assert.ok(barrier.isSettled('red'));
});

test('every scope of every device counts', () => {
  const barrier = new Barrier();
  for (const device of ['leaf-1', 'leaf-2']) {
    for (const scope of [`device/${device}`, 'vpc/1']) barrier.expect('red', device, scope, 1);
  }
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  assert.deepEqual(barrier.pending('red'), ['leaf-1', 'leaf-2']);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 1, []);
  barrier.acknowledge('leaf-2', 'vpc/1', 1, []);
  assert.deepEqual(barrier.pending('red'), ['leaf-2']);
  barrier.acknowledge('leaf-2', 'device/leaf-2', 1, []);
  assert.ok(barrier.isSettled('red'));
});

test('what was acknowledged before is not waited for', () => {
  const barrier = new Barrier();
  barrier.acknowledge('leaf-1', 'vpc/1', 3, []);
  barrier.expect('red', 'leaf-1', 'vpc/1', 3);
  assert.ok(barrier.isSettled('red'));
  barrier.forgetAcknowledged('leaf-1');
  barrier.expect('red', 'leaf-1', 'vpc/1', 3);
  assert.ok(!barrier.isSettled('red'));
});

test('a failed row is a failure of its objects until the scope is acknowledged without it', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 1);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, [row('vrf/red', 'red')]);
  assert.ok(barrier.isSettled('red'));
  assert.deepEqual(barrier.failures('red').map(({ row: id }) => id), ['vrf/red']);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  assert.deepEqual(barrier.failures('red'), []);
});

test('a row that could not be removed is a failure of those whose change removed it, also when said again', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 1);
  for (let time = 0; time < 2; time++) {
    barrier.acknowledge('leaf-1', 'vpc/1', 1, [row('vrf/gone')]);
    assert.equal(barrier.failures('red').length, 1);
  }
});

test('a device that failed as a whole settles nobody', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 1);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, [row('', 'leaf')]);
  assert.deepEqual(barrier.pending('red'), ['leaf-1']);
  assert.equal(barrier.failures('red').length, 1);
  assert.equal(barrier.failures('leaf').length, 1);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  assert.ok(barrier.isSettled('red'));
  assert.deepEqual([...barrier.failures('red'), ...barrier.failures('leaf')], []);
});

test('a strict follower waits for what its leader waits for at that moment, and for an answer without failures', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 2);
  barrier.follow('claim', 'red');
  barrier.expect('red', 'leaf-2', 'vpc/1', 3);
  assert.deepEqual(barrier.pending('claim'), ['leaf-1']);
  barrier.acknowledge('leaf-1', 'vpc/1', 2, [row('vrf/other')]);
  assert.ok(!barrier.isSettled('claim'));
  barrier.acknowledge('leaf-1', 'vpc/1', 2, []);
  assert.ok(barrier.isSettled('claim'));
});

test('who follows somebody whose rows failed waits for them to heal', () => {
  const barrier = new Barrier();
  barrier.acknowledge('leaf-1', 'vpc/1', 2, [row('vrf/red', 'red')]);
  barrier.follow('claim', 'red');
  assert.deepEqual(barrier.pending('claim'), ['leaf-1']);
  barrier.acknowledge('leaf-1', 'vpc/1', 3, []);
  assert.ok(barrier.isSettled('claim'));
});

test('waits for a scope that a device gives up become waits for its own scope', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 2);
  barrier.moveWaits('leaf-1', 'vpc/1', 'device/leaf-1', 4);
  barrier.acknowledge('leaf-1', 'vpc/1', 2, []);
  assert.ok(!barrier.isSettled('red'));
  barrier.acknowledge('leaf-1', 'device/leaf-1', 4, []);
  assert.ok(barrier.isSettled('red'));
});

test('a removed device is waited for no longer, and fails nobody', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 2);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 1, [row('port/E1/1', 'red')]);
  barrier.takeTouched();
  barrier.removeDevice('leaf-1');
  assert.ok(barrier.isSettled('red'));
  assert.deepEqual(barrier.failures('red'), []);
  assert.deepEqual([...barrier.takeTouched()], ['red']);
});

test('only waiters for which something changed are named', () => {
  const barrier = new Barrier();
  barrier.expect('red', 'leaf-1', 'vpc/1', 1);
  barrier.expect('blue', 'leaf-1', 'vpc/2', 1);
  assert.deepEqual([...barrier.takeTouched()], ['red', 'blue']);
  barrier.acknowledge('leaf-1', 'vpc/2', 1, []);
  assert.deepEqual([...barrier.takeTouched()], ['blue']);
});
