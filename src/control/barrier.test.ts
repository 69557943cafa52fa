import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Barrier } from './barrier.ts';
import type { FailedRow } from './failures.ts';

const row = (id: FailedRow['row'], ...waiters: string[]): FailedRow => ({ row: id, code: 'Broken', message: 'no', waiters });

/** A barrier whose devices already hold the scopes named `<device>: scope scope`, and have acknowledged nothing. */
const open = (held: Record<string, readonly string[]>): Barrier => {
  const barrier = new Barrier();
  for (const [device, scopes] of Object.entries(held)) for (const scope of scopes) barrier.join(device, scope);
  barrier.takeNews();
  return barrier;
};

test('a waiter is settled by the version it waits for, or a later one, and by no earlier one', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.expect('red', 'vpc/1', 5);
  barrier.acknowledge('leaf-1', 'vpc/1', 4, []);
  assert.deepEqual(barrier.pending('red'), ['leaf-1']);
  barrier.acknowledge('leaf-1', 'vpc/1', 7, []);
  assert.ok(barrier.isSettled('red'));
});

test('a claim waits strictly for the latest that its holder waits for, also on a device that has just joined', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.audience.replace('red', ['vpc/1'], 9);
  barrier.expect('red', 'vpc/1', 9);
  barrier.follow('claim', 'red');
  barrier.acknowledge('leaf-1', 'vpc/1', 5, []);
  assert.ok(!barrier.isSettled('red') && !barrier.isSettled('claim'));
  barrier.acknowledge('leaf-1', 'vpc/1', 9, []);
  assert.ok(barrier.isSettled('red') && barrier.isSettled('claim'));
});

test('every scope of every device counts', () => {
  const devices = ['leaf-1', 'leaf-2'];
  const barrier = open(Object.fromEntries(devices.map((device) => [device, [`device/${device}`, 'vpc/1']])));
  for (const scope of ['device/leaf-1', 'device/leaf-2', 'vpc/1']) barrier.expect('red', scope, 1);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  assert.deepEqual(barrier.pending('red'), devices);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 1, []);
  barrier.acknowledge('leaf-2', 'vpc/1', 1, []);
  assert.deepEqual(barrier.pending('red'), ['leaf-2']);
  barrier.acknowledge('leaf-2', 'device/leaf-2', 1, []);
  assert.ok(barrier.isSettled('red'));
});

test('what was acknowledged before is not waited for', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.acknowledge('leaf-1', 'vpc/1', 3, []);
  barrier.expect('red', 'vpc/1', 3);
  assert.ok(barrier.isSettled('red'));
});

test('a device that lost its state is waited for by everybody with rows in its scopes, until it speaks', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'], 'leaf-2': ['vpc/1'] });
  barrier.audience.replace('red', ['vpc/1'], 3);
  for (const device of ['leaf-1', 'leaf-2']) barrier.acknowledge(device, 'vpc/1', 3, []);
  barrier.forgetAcknowledged('leaf-1');
  assert.deepEqual(barrier.tally('red'), { devices: 2, late: ['leaf-1'], failures: [], withheld: false });
  barrier.acknowledge('leaf-1', 'vpc/1', 3, []);
  assert.ok(barrier.isSettled('red'));
});

test('n of m counts each device once, however many scopes it shares with the object', () => {
  const held = { 'leaf-1': ['device/leaf-1', 'vpc/1', 'vpc/2'], 'leaf-2': ['vpc/1', 'vpc/2'], 'leaf-3': ['vpc/2'] };
  const barrier = open(held);
  barrier.audience.replace('red', ['device/leaf-1', 'vpc/1', 'vpc/2'], 1);
  for (const scope of ['device/leaf-1', 'vpc/1', 'vpc/2']) barrier.expect('red', scope, 1);
  assert.equal(barrier.tally('red').devices, 3);
  assert.deepEqual(barrier.tally('red').late, ['leaf-1', 'leaf-2', 'leaf-3']);
  for (const [device, scopes] of Object.entries(held)) for (const scope of scopes) barrier.acknowledge(device, scope, 1, []);
  assert.deepEqual(barrier.tally('red'), { devices: 3, late: [], failures: [], withheld: false });
});

test('a failed row is a failure of its objects until the scope is acknowledged without it', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.expect('red', 'vpc/1', 1);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, [row('vrf/red', 'red')]);
  assert.ok(barrier.isSettled('red'));
  assert.deepEqual(barrier.failures('red').map(({ row: id }) => id), ['vrf/red']);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  assert.deepEqual(barrier.failures('red'), []);
});

test('a row that could not be removed is a failure of those whose change removed it, also when said again', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.expect('red', 'vpc/1', 1);
  for (let time = 0; time < 2; time++) {
    barrier.acknowledge('leaf-1', 'vpc/1', 1, [row('vrf/gone')]);
    assert.equal(barrier.failures('red').length, 1);
  }
});

test('a row that nobody is known to have removed is a failure of whom it is said to be', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.acknowledge('leaf-1', 'vpc/1', 1, [{ ...row('vrf/gone'), otherwise: 'leaf' }]);
  assert.equal(barrier.failures('leaf').length, 1);
});

test('a device that failed as a whole settles nobody', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.expect('red', 'vpc/1', 1);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, [row('', 'leaf')]);
  assert.deepEqual(barrier.pending('red'), ['leaf-1']);
  assert.equal(barrier.tally('red').failures.length, 1);
  assert.equal(barrier.tally('leaf').failures.length, 1);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  assert.ok(barrier.isSettled('red'));
  assert.deepEqual([...barrier.tally('red').failures, ...barrier.tally('leaf').failures], []);
});

test('a strict follower waits for what its leader waits for at that moment, and for an answer without failures', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'], 'leaf-2': ['vpc/2'] });
  barrier.expect('red', 'vpc/1', 2);
  barrier.follow('claim', 'red');
  barrier.expect('red', 'vpc/2', 3);
  barrier.acknowledge('leaf-1', 'vpc/1', 2, [row('vrf/other')]);
  assert.ok(!barrier.isSettled('claim'));
  barrier.acknowledge('leaf-1', 'vpc/1', 2, []);
  assert.ok(barrier.isSettled('claim'));
});

test('who follows somebody whose rows failed waits for them to heal', () => {
  const barrier = open({ 'leaf-1': ['vpc/1'] });
  barrier.acknowledge('leaf-1', 'vpc/1', 2, [row('vrf/red', 'red')]);
  barrier.follow('claim', 'red');
  assert.ok(!barrier.isSettled('claim'));
  barrier.acknowledge('leaf-1', 'vpc/1', 3, []);
  assert.ok(barrier.isSettled('claim'));
});

test('a device that gives a scope up is waited for until its own scope says so, by those who had rows there before', () => {
  const barrier = open({ 'leaf-1': ['device/leaf-1', 'vpc/1'], 'leaf-2': ['vpc/1'] });
  for (const device of ['leaf-1', 'leaf-2']) barrier.acknowledge(device, 'vpc/1', 2, []);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 2, []);
  barrier.audience.replace('red', ['vpc/1'], 2);
  barrier.audience.replace('new', ['vpc/1'], 4);
  barrier.leave('leaf-1', 'vpc/1', 4, 4);
  barrier.follow('claim', 'red');
  assert.deepEqual(barrier.tally('red'), { devices: 2, late: ['leaf-1'], failures: [], withheld: false });
  assert.deepEqual(barrier.tally('new'), { devices: 1, late: [], failures: [], withheld: false });
  barrier.acknowledge('leaf-1', 'vpc/1', 4, []);
  assert.ok(!barrier.isSettled('red'));
  barrier.acknowledge('leaf-1', 'device/leaf-1', 4, []);
  assert.ok(barrier.isSettled('red') && barrier.isSettled('claim'));
  assert.equal(barrier.tally('red').devices, 1);
});

test('waits for a scope that a device gives up become waits for its own scope', () => {
  const barrier = open({ 'leaf-1': ['device/leaf-1', 'vpc/1'] });
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 1, []);
  barrier.expect('red', 'vpc/1', 2);
  barrier.leave('leaf-1', 'vpc/1', 4, 4);
  barrier.acknowledge('leaf-1', 'vpc/1', 2, []);
  assert.ok(!barrier.isSettled('red'));
  barrier.acknowledge('leaf-1', 'device/leaf-1', 4, []);
  assert.ok(barrier.isSettled('red'));
});

test('a device has its own scope only when it has every scope that this one names', () => {
  const barrier = open({ 'leaf-1': ['device/leaf-1'] });
  barrier.acknowledge('leaf-1', 'device/leaf-1', 1, []);
  barrier.join('leaf-1', 'vpc/1');
  barrier.expect('a1', 'device/leaf-1', 2);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 2, []);
  assert.deepEqual(barrier.pending('a1'), ['leaf-1']);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  assert.ok(barrier.isSettled('a1'));
});

test('what is withheld is waited for until it is released, and then for the version it went out with', () => {
  const barrier = open({ 'leaf-1': ['device/leaf-1'] });
  barrier.acknowledge('leaf-1', 'device/leaf-1', 1, []);
  barrier.withhold('red', 'device/leaf-1');
  barrier.follow('claim', 'red');
  barrier.expect('red', 'device/leaf-1', 2);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 2, []);
  assert.ok(barrier.tally('red').withheld && !barrier.isSettled('claim'));
  barrier.release('device/leaf-1', 3);
  assert.ok(!barrier.tally('red').withheld && !barrier.isSettled('red') && !barrier.isSettled('claim'));
  barrier.acknowledge('leaf-1', 'device/leaf-1', 3, []);
  assert.ok(barrier.isSettled('red') && barrier.isSettled('claim'));
});

test('a removed device is waited for no longer, and fails nobody', () => {
  const barrier = open({ 'leaf-1': ['device/leaf-1', 'vpc/1'] });
  barrier.expect('red', 'vpc/1', 2);
  barrier.acknowledge('leaf-1', 'device/leaf-1', 1, [row('port/E1/1', 'red')]);
  barrier.follow('claim', 'red');
  barrier.takeNews();
  barrier.removeDevice('leaf-1');
  assert.ok(barrier.isSettled('red') && barrier.isSettled('claim'));
  assert.deepEqual(barrier.failures('red'), []);
  assert.deepEqual([...barrier.takeNews().waiters].toSorted(), ['claim', 'red']);
});

test('only waiters for which something changed are named, and who merely came further apart from them', () => {
  const barrier = open({ 'leaf-1': ['vpc/1', 'vpc/2'], 'leaf-2': ['vpc/1'] });
  barrier.expect('red', 'vpc/1', 1);
  barrier.expect('blue', 'vpc/2', 1);
  assert.deepEqual([...barrier.takeNews().waiters], ['red', 'blue']);
  barrier.acknowledge('leaf-1', 'vpc/2', 1, []);
  assert.deepEqual([...barrier.takeNews().waiters], ['blue']);
  barrier.acknowledge('leaf-1', 'vpc/1', 1, []);
  const { waiters, scopes } = barrier.takeNews();
  assert.deepEqual([[...waiters], [...scopes]], [[], ['vpc/1']]);
  assert.deepEqual([...barrier.waitersOf('vpc/1')], ['red']);
  barrier.acknowledge('leaf-2', 'vpc/1', 1, []);
  assert.deepEqual([...barrier.takeNews().waiters], ['red']);
});

test('a change of what a redundancy group shares is waited for until every switch of the group has that version', () => {
  const barrier = open({ 'leaf-1': ['device/leaf-1', 'group/default/rack'], 'leaf-2': ['device/leaf-2', 'group/default/rack'], 'leaf-3': ['device/leaf-3'] });
  barrier.audience.replace('pair', ['group/default/rack'], 4);
  barrier.expect('pair', 'group/default/rack', 4);
  barrier.acknowledge('leaf-1', 'group/default/rack', 4, []);
  barrier.acknowledge('leaf-2', 'group/default/rack', 3, []);
  barrier.acknowledge('leaf-2', 'device/leaf-2', 9, []);
  assert.deepEqual(barrier.pending('pair'), ['leaf-2']);
  assert.deepEqual(barrier.members('group/default/rack'), new Map([['leaf-1', 4], ['leaf-2', 3]]));
  barrier.acknowledge('leaf-2', 'group/default/rack', 4, []);
  assert.ok(barrier.isSettled('pair'));
});
