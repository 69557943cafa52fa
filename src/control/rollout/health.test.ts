import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthOf, type Vitals } from './health.ts';

const vitals = (more: Partial<Vitals> = {}): Vitals => ({ connected: true, failures: new Map(), ...more });
const checks = { sessions: true, probes: true };
const well = vitals({ sessions: new Map([['E1/1', true], ['E1/2', false]]), probes: new Map([['leaf-2 (10.0.0.2)', true]]) });

test('a device is well when it has acknowledged, fails nothing new, and has the sessions and answers that it had', () => {
  assert.deepEqual(healthOf(well, well, true, checks), { state: 'healthy' });
  assert.deepEqual(healthOf(vitals(), vitals(), true, checks), { state: 'healthy' });
  assert.deepEqual(healthOf(well, well, false, checks), { state: 'waiting', what: 'has not acknowledged' });
  const away = vitals({ connected: false });
  assert.deepEqual(healthOf(well, away, true, checks), { state: 'waiting', what: 'is not connected' });
  assert.deepEqual(healthOf(away, away, false, checks), { state: 'healthy' }, 'a device that was away holds nobody up');
  assert.deepEqual(healthOf(away, well, false, checks), { state: 'waiting', what: 'has not acknowledged' });
});

test('a row that fails is a fault at once, one that failed before is not its fault', () => {
  const failing = vitals({ failures: new Map([['device/leaf-1 port/E1/1', 'no such port']]) });
  assert.deepEqual(healthOf(vitals(), failing, false, checks), { state: 'failed', reason: 'Refused', message: 'port/E1/1: no such port' });
  assert.deepEqual(healthOf(failing, failing, true, checks), { state: 'healthy' });
});

test('a session or an answer that was there is missed by name, one that was not or is gone with its link is not', () => {
  const down = { ...well, sessions: new Map([['E1/1', false]]) };
  assert.deepEqual(healthOf(well, down, true, checks), { state: 'waiting', what: 'BGP session E1/1 is down' });
  assert.deepEqual(healthOf(well, down, true, { ...checks, sessions: false }), { state: 'healthy' });
  assert.deepEqual(healthOf(well, { ...well, sessions: new Map() }, true, checks), { state: 'healthy' });
  const deaf = { ...well, probes: new Map([['leaf-2 (10.0.0.2)', false]]) };
  assert.deepEqual(healthOf(well, deaf, true, checks), { state: 'waiting', what: 'the VTEP of leaf-2 (10.0.0.2) does not answer' });
  assert.deepEqual(healthOf(well, deaf, true, { ...checks, probes: false }), { state: 'healthy' });
});
