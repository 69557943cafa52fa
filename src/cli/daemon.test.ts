import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { measureProcess } from './daemon.ts';

test('a process tells its memory, its processor time, which only grows, and its age', async () => {
  const metrics = new Registry();
  measureProcess(metrics);
  const read = async (name: string): Promise<number> => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics.metrics())?.[1]);
  assert.ok((await read('process_resident_memory_bytes')) > 10_000_000);
  const [one, other] = [await read('process_cpu_seconds_total'), await read('process_cpu_seconds_total')];
  assert.ok(one > 0 && other >= one, `${one} ${other}`);
  const age = Date.now() / 1000 - (await read('process_start_time_seconds'));
  assert.ok(age > 0 && age < process.uptime() + 5, `${age}`);
});
