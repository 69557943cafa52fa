import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FakeDevice } from '../drivers/fake/fake.ts';
import { ProbeRequestSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { until } from '../southbound/testing.ts';
import { answersTo } from './probing.ts';
import { Bench, MemoryDevice } from './testing.ts';

describe('asking a device who answers it', () => {
  let bench: Bench;
  let device: MemoryDevice;

  beforeEach(async () => {
    bench = new Bench();
    device = new MemoryDevice();
    await bench.serve();
    bench.southbound.setDevices(['leaf-1']);
  });
  afterEach(() => bench.close());

  const connected = async (): Promise<void> => {
    await bench.agent('leaf-1', device);
    await until('it is connected', () => bench.southbound.connected().length === 1);
  };

  it('answers with each target', async () => {
    device.reached = new Set(['10.0.0.2']);
    await connected();
    const answer = await bench.southbound.probe('leaf-1', ['10.0.0.2', '10.0.0.3'], 1000);
    assert.deepEqual(answer, { ok: true, found: new Map([['10.0.0.2', true], ['10.0.0.3', false]]) });
  });

  it('says why nothing is known', async () => {
    assert.deepEqual(await bench.southbound.probe('leaf-1', ['10.0.0.2'], 1000), { ok: false, reason: 'it is not connected' });
    await connected();
    assert.deepEqual(await bench.southbound.probe('leaf-1', ['10.0.0.2'], 1000), { ok: false, reason: 'this device has no VTEP' });
    const { failure } = await answersTo(create(ProbeRequestSchema, { id: 7n, targets: ['10.0.0.2'] }), new FakeDevice().driver());
    assert.equal(failure, 'devices of driver "fake" do not probe');
  });

  it('takes so many targets and so much time, and no text that is no address', async () => {
    const asked: unknown[] = [];
    const reach = async (targets: readonly string[], milliseconds: number) => {
      asked.push(targets.length, milliseconds);
      return new Map();
    };
    const targets = ['-f', '10.0.0.1 -f', ...Array.from({ length: 30 }, (_, index) => `10.0.0.${index}`)];
    const { id, answers } = await answersTo(create(ProbeRequestSchema, { id: 7n, targets, milliseconds: 1_000_000 }), { name: 'test', reach });
    assert.deepEqual([id, answers, asked], [7n, [], [14, 5000]]);
  });
});
