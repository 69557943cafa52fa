import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { createMeter, medianOf } from './meter.ts';

test('a meter counts the processor time of the processes it is given, and rest is when they use none', async () => {
  const child = spawn('sh', ['-c', 'echo; read go; i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; echo; read end'], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(child.stdout, 'data');
    const meter = createMeter([child.pid ?? 0]);
    const worked = await meter.time(async () => {
      child.stdin.write('go\n');
      await once(child.stdout, 'data');
    });
    await meter.settle(AbortSignal.timeout(10_000));
    const rested = await meter.time(() => Promise.resolve());
    assert.ok(worked.cpu > 0.5 && worked.wall > 0, JSON.stringify(worked));
    assert.ok(rested.cpu < worked.cpu, `${rested.cpu} at rest, ${worked.cpu} at work`);
    assert.ok(meter.residentMegabytes() > 0.1 && meter.residentMegabytes() < 100);
    assert.ok(meter.idle() >= 0 && meter.idle() <= 1, `${meter.idle()} idle`);
  } finally {
    child.kill('SIGKILL');
  }
});

test('medians are taken of each part', () => {
  const measured = [{ wall: 3, cpu: 1 }, { wall: 1, cpu: 2 }, { wall: 2, cpu: 3 }];
  assert.deepEqual(medianOf(measured), { wall: 2, cpu: 2, n: 3 });
});
