import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createSplitter } from './frames.ts';

test('objects come out whole, however the stream is cut', () => {
  const objects = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 4 });
  fc.assert(
    fc.property(objects, fc.array(fc.nat({ max: 200 }), { maxLength: 10 }), (sent, cuts) => {
      const text = sent.map((object) => JSON.stringify(object)).join('');
      const split = createSplitter();
      const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
      const pieces = places.map((place, index) => text.slice(place, places[index + 1]));
      const received = pieces.flatMap((piece) => split(piece));
      assert.deepEqual(received, sent.map((object) => JSON.stringify(object)));
    }),
  );
});

test('braces, quotes and backslashes inside a string do not end an object', () => {
  const split = createSplitter();
  const text = String.raw`{"a":"}{\"\\"}`;
  assert.deepEqual([...text].flatMap((character) => split(character)), [text]);
  assert.deepEqual(split(' \n{"b":{}}{'), ['{"b":{}}']);
});
