import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceHello } from '../southbound/events.ts';
import { Devices } from './devices.ts';

const hello: DeviceHello = { device: 'leaf-1', bootEpoch: 'a', agentVersion: '1', driver: 'fake', capabilities: ['x'] };

test('an agent that says the same of itself as before is the same', () => {
  const devices = new Devices();
  assert.equal(devices.connect('leaf-1', hello, 0).isSameAgent, false);
  assert.deepEqual(devices.connect('leaf-1', hello, 0), { lostState: false, wasConnected: true, isSameAgent: true });
});

test('another version, epoch, driver or capability is another agent', () => {
  for (const change of [{ agentVersion: '2' }, { bootEpoch: 'b' }, { driver: 'linux' }, { capabilities: ['x', 'y'] }]) {
    const devices = new Devices();
    devices.connect('leaf-1', hello, 0);
    assert.equal(devices.connect('leaf-1', { ...hello, ...change }, 0).isSameAgent, false, JSON.stringify(change));
  }
});
