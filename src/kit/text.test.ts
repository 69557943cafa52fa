import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration } from './duration.ts';
import { loggerTo } from './log.ts';
import { formatTable } from './table.ts';

test('durations are read as kubectl writes them, a bare number is seconds', () => {
  assert.deepEqual(['90s', '1m30s', '250ms', '30', '1.5h'].map(parseDuration), [90_000, 90_000, 250, 30_000, 5_400_000]);
  for (const text of ['', '-1s', '5 s', '5y', 's']) assert.throws(() => parseDuration(text), /is not a duration/);
});

test('durations are printed with the digits that matter', () => {
  const texts = [3.4, 312, 999.6, 1240, 9_994, 12_345, 59_960, 125_000].map(formatDuration);
  assert.deepEqual(texts, ['3 ms', '312 ms', '1.00 s', '1.24 s', '9.99 s', '12.3 s', '1 min 0 s', '2 min 5 s']);
});

test('a table pads every column but the last', () => {
  assert.equal(
    formatTable(['name', 'Subnets', 'ready'], [['shop', 'front', '2/2'], ['a-long-name', '', '']]),
    'NAME          SUBNETS   READY\nshop          front     2/2\na-long-name\n',
  );
});

test('log lines are JSON and hold no secret, at the top or one level down', () => {
  const lines: string[] = [];
  const log = loggerTo({ write: (line) => lines.push(line) }, 'test');
  log.info({ token: 'sesame', device: 'leaf-1', request: { authorization: 'Bearer sesame' } }, 'hello');
  const [line = ''] = lines;
  assert.ok(!line.includes('sesame'));
  assert.partialDeepStrictEqual(JSON.parse(line), { level: 'info', name: 'test', device: 'leaf-1', msg: 'hello' });
});
