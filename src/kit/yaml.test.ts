import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, jsonValue, property } from 'fast-check';
import { parse } from 'yaml';
import { yamlText } from './yaml.ts';

const readers = ['1.1', '1.2'] as const;

test('what is written is read as the same by readers of both versions', () => {
  const words = ['y', 'n', 'on', 'off', 'yes', 'NO', 'true', 'null', '~', '', '0777', '0o7', '0x1f', '1:30', '02:00:00:00:00:01', '1_000', '1e3', '.5', '.inf', '2001-01-01', '<<', '=', '- a', 'a: b', '#x', '%y', '---', ' x ', 'a\nb\n'];
  for (const word of words) {
    const value = { [word]: word, list: [word] };
    const text = yamlText(value);
    for (const version of readers) assert.deepEqual(parse(text, { version }), value, `${version}: ${text}`);
  }
});

test('any JSON is read as the same by readers of both versions', () => {
  check(
    property(jsonValue({ maxDepth: 3 }), (given) => {
      const value: unknown = JSON.parse(JSON.stringify(given));
      const text = yamlText(value);
      for (const version of readers) assert.deepEqual(parse(text, { version }), value, text);
    }),
    { numRuns: 300 },
  );
});

test('what occurs twice is written twice: not every reader knows anchors, and those who do bound them', () => {
  const twice = { a: 1 };
  assert.equal(yamlText({ one: twice, other: twice }), 'one:\n  a: 1\nother:\n  a: 1\n');
});
