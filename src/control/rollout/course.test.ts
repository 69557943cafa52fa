import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stepOf, type Course, type Health, type Pace } from './course.ts';

const pace: Pace = { soakMilliseconds: 100, deadlineMilliseconds: 1000, paused: false };
const healthy: Health = { state: 'healthy' };
const waiting: Health = { state: 'waiting', what: 'has not acknowledged' };
const begun = (released: number, more: Partial<Course> = {}): Course => ({ waves: [['a'], ['b', 'c']], released, since: 0, ...more });
const always = (health: Health) => (): Health => health;

describe('the course of a rollout', () => {
  test('the first wave goes at once, the next when all of the last was healthy for the time of soaking', () => {
    assert.equal(stepOf(begun(0), pace, always(healthy), 0).next, 'release');
    const soaking = stepOf(begun(1), pace, always(healthy), 50);
    assert.ok(soaking.next === 'wait');
    assert.equal(soaking.until, 150);
    assert.equal(stepOf(soaking.course, pace, always(healthy), 149).next, 'wait');
    assert.equal(stepOf(soaking.course, pace, always(healthy), 150).next, 'release');
    assert.equal(stepOf({ ...soaking.course, released: 2 }, pace, always(healthy), 150).next, 'complete');
  });

  test('a device that does not answer in time halts it, and is named with what it owes', () => {
    const step = stepOf(begun(1), pace, always(waiting), 999);
    assert.ok(step.next === 'wait');
    assert.equal(step.until, 1000);
    assert.match(step.message, /wave 1 of 2: waits for a: has not acknowledged/);
    assert.deepEqual(stepOf(step.course, pace, always(waiting), 1000), {
      next: 'halt',
      failures: [{ device: 'a', reason: 'DeadlineExceeded', message: 'has not acknowledged' }],
    });
  });

  test('a device that falls ill while it is watched has the same time again, and the watch begins anew', () => {
    const ill = stepOf(begun(1, { healthySince: 10 }), pace, always(waiting), 50);
    assert.ok(ill.next === 'wait');
    assert.equal(ill.until, 1050);
    const well = stepOf(ill.course, pace, always(healthy), 60);
    assert.ok(well.next === 'wait');
    assert.equal(well.until, 160);
  });

  test('what a device refuses halts it at once, also when the device is of an earlier wave', () => {
    const failed: Health = { state: 'failed', reason: 'Refused', message: 'no such port' };
    const step = stepOf(begun(2), pace, (device) => (device === 'a' ? failed : waiting), 1);
    assert.deepEqual(step, { next: 'halt', failures: [{ device: 'a', reason: 'Refused', message: 'no such port' }] });
  });

  test('paused, it lets no further wave go, but completes what is out', () => {
    const paused = { ...pace, paused: true };
    assert.equal(stepOf(begun(0), paused, always(healthy), 0).next, 'wait');
    const step = stepOf(begun(1, { healthySince: 0 }), paused, always(healthy), 500);
    assert.ok(step.next === 'wait');
    assert.match(step.message, /paused/);
    assert.equal(stepOf(step.course, pace, always(healthy), 501).next, 'release');
    assert.equal(stepOf(begun(2, { healthySince: 0 }), paused, always(healthy), 500).next, 'complete');
  });
});
