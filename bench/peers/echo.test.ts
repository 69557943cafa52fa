import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureEcho } from './echo.ts';

test('every stream of the echo answers in every round', async () => {
  const { p50, p99, last, cpu, n, residentMegabytes } = await measureEcho(5, 64, 2);
  assert.equal(n, 2);
  assert.ok(p50 > 0 && p50 <= p99 && p99 <= last, `${p50} ${p99} ${last}`);
  assert.ok(cpu > 0 && residentMegabytes > 10);
});
