/** The pure parts, as tables. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { shortDuration } from './age.ts';
import { scanJson } from './body/scan.ts';
import { MessageWriter, readMessage, readText } from './body/protobuf.ts';

describe('duplicate members', () => {
  const cases: [text: string, paths: string[]][] = [
    ['{"a":1,"b":{"a":2}}', []],
    ['{"a":1,"a":2,"a":3}', ['a']],
    ['{"l":[{"x":1},{"x":1,"y":{"z":1,"z":2}}]}', ['l[1].y.z']],
    ['{"a\\u0062":1,"ab":2}', ['ab']],
    ['{"a":"{\\"b\\":1,\\"b\\":2}","c":["a","a"]}', []],
  ];
  for (const [text, paths] of cases) it(`of ${text} are ${JSON.stringify(paths)}`, () => assert.deepEqual(scanJson(text), paths));

  it('are none in anything that JSON.stringify wrote', () => {
    fc.assert(fc.property(fc.json(), (json) => {
      const text = JSON.stringify(JSON.parse(json));
      fc.pre(!/\d{16}/.test(text));
      assert.deepEqual(scanJson(text), []);
    }));
  });
});

describe('ages', () => {
  const second = 1000;
  const cases: [milliseconds: number, text: string][] = [
    [-5, '0s'], [119 * second, '119s'], [120 * second, '2m'], [310 * second, '5m10s'], [3599 * second, '59m'], [10_800 * second, '3h'],
    [12_000 * second, '3h20m'], [86_400 * second, '24h'], [172_800 * second, '2d'], [183_600 * second, '2d3h'], [40 * 86_400 * second, '40d'], [800 * 86_400 * second, '2y70d'],
  ];
  for (const [milliseconds, text] of cases) it(`${milliseconds} ms read ${text}`, () => assert.equal(shortDuration(milliseconds), text));
});

describe('the protobuf wire format', () => {
  it('reads back what was written', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.integer({ min: 1, max: 100 }), (text, whole, field) => {
      const fields = readMessage(new MessageWriter().string(field, text).double(3, 1.5).integer(field, whole).finish());
      assert.deepEqual(fields.map(({ value }) => (typeof value === 'number' ? value : readText(value))), [text, whole]);
    }));
  });

  it('refuses what is cut off anywhere', () => {
    const whole = new MessageWriter().string(1, 'name').message(2, (inner) => inner.integer(1, 300)).finish();
    const cutInside = [1, 3, 5, 7, 9].map((length) => whole.subarray(0, length));
    for (const bytes of cutInside) assert.throws(() => readMessage(bytes), /malformed/);
  });
});
