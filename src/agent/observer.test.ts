import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Address, Mac, Vni } from '../net/brand.ts';
import type { Lease, LinkNeighbour, Observation } from '../goal/observation.ts';
import { until } from '../southbound/testing.ts';
import { Observer } from './observer.ts';
import { Bench, MemoryDevice } from './testing.ts';

const neighbour = (port: string, system = 'spine-1'): LinkNeighbour => ({ port, system, remotePort: 'E1/3' });
const lease = (address: string): Lease => ({ segment: 1001 as Vni, mac: '02:00:00:00:00:01' as Mac, address: address as Address, hostname: '' });

describe('what a device sees, on its way to the server', () => {
  let sent: Observation[];
  let connected: boolean;
  let observer: Observer;
  beforeEach(() => {
    sent = [];
    connected = true;
    observer = new Observer({ send: (seen) => connected && sent.push(seen) > 0, quietMilliseconds: 5 });
  });
  afterEach(() => observer.disconnected());

  test('is told as it was last when a moment has passed without news', async () => {
    observer.connected();
    observer.saw({ neighbours: [neighbour('E1/1')] });
    observer.saw({ neighbours: [neighbour('E1/1'), neighbour('E1/2')] });
    observer.saw({ leases: [lease('10.1.0.2')] });
    assert.deepEqual(sent, []);
    await until('told', () => sent.length > 0);
    assert.deepEqual(sent, [{ neighbours: [neighbour('E1/1'), neighbour('E1/2')], leases: [lease('10.1.0.2')] }]);
  });

  test('is told again only when it changed, and only the list that did', async () => {
    observer.saw({ neighbours: [neighbour('E1/1'), neighbour('E1/2')], leases: [] });
    observer.connected();
    observer.saw({ neighbours: [neighbour('E1/2'), neighbour('E1/1')] });
    observer.saw({ neighbours: [neighbour('E1/1')] });
    observer.saw({ neighbours: [neighbour('E1/2'), neighbour('E1/1')] });
    observer.saw({ leases: [lease('10.1.0.2')] });
    await until('told', () => sent.length > 1);
    assert.deepEqual(sent.slice(1), [{ leases: [lease('10.1.0.2')] }]);
  });

  test('is told wholly after every connection, and once a connection', () => {
    observer.saw({ neighbours: [neighbour('E1/1')] });
    assert.deepEqual(sent, []);
    observer.connected();
    observer.connected();
    assert.equal(sent.length, 1);
    observer.disconnected();
    observer.connected();
    assert.deepEqual(sent, [{ neighbours: [neighbour('E1/1')] }, { neighbours: [neighbour('E1/1')] }]);
  });

  test('does not wait for ever while things never come to rest', async () => {
    observer.connected();
    for (let index = 0; sent.length === 0; index += 1) {
      observer.saw({ neighbours: [neighbour(`E1/${index}`)] });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });

  test('is not taken for told when it could not be sent', () => {
    connected = false;
    observer.saw({ leases: [lease('10.1.0.2')] });
    observer.connected();
    connected = true;
    observer.disconnected();
    observer.connected();
    assert.deepEqual(sent, [{ leases: [lease('10.1.0.2')] }]);
  });
});

describe('an agent on a device that sees', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.close());

  test('tells the server at once what was seen before, and again when the server is another one', async () => {
    const device = new MemoryDevice();
    await bench.serve();
    await bench.agent('leaf-1', device);
    device.tell?.({ neighbours: [neighbour('E1/1')] });
    await until('told', () => bench.observations.length === 1);
    device.tell?.({ leases: [lease('10.1.0.2')] });
    await until('told', () => bench.observations.length === 2);
    assert.deepEqual(bench.observations, [
      { device: 'leaf-1', seen: { neighbours: [neighbour('E1/1')] } },
      { device: 'leaf-1', seen: { leases: [lease('10.1.0.2')] } },
    ]);
    await bench.stopServer();
    await bench.serve();
    await until('told', () => bench.observations.length === 3);
    assert.deepEqual(bench.observations[2]?.seen, { neighbours: [neighbour('E1/1')], leases: [lease('10.1.0.2')] });
  });

  test('does not reset what was counted by what it reports', async () => {
    const device = new MemoryDevice();
    await bench.serve();
    await bench.agent('leaf-1', device);
    device.tell?.({ neighbours: [] });
    await until('told', () => bench.observations.length === 1);
    assert.deepEqual(bench.reports.at(-1), { device: 'leaf-1', driftRepaired: 0, rowsWritten: 0, drifted: [] });
  });
});
