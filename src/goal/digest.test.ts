import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { encodeRow } from './codec.ts';
import { digestMinus, digestPlus, emptyDigest, formatDigest, murmur3, rowDigest } from './digest.ts';
import { rowId } from './rows.ts';
import { anyRow, anyRows } from './testing.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('row digest', () => {
  test('the hash is MurmurHash3_x86_32, by its published test vectors', () => {
    assert.equal(murmur3(bytes(''), 0), 0);
    assert.equal(murmur3(bytes(''), 1), 0x514e28b7);
    assert.equal(murmur3(bytes(''), 0xffffffff), 0x81f16f39);
    assert.equal(murmur3(bytes('\0\0\0\0'), 0), 0x2362f9de);
    assert.equal(murmur3(bytes('aaaa'), 0x9747b28c), 0x5a97808a);
    assert.equal(murmur3(bytes('abc'), 0x9747b28c), 0xc84a62dd);
    assert.equal(murmur3(bytes('Hello, world!'), 0x9747b28c), 0x24884cba);
    assert.equal(murmur3(bytes('The quick brown fox jumps over the lazy dog'), 0x9747b28c), 0x2fa826cd);
  });

  test('a view into a larger buffer hashes as its own bytes do', () => {
    const padded = bytes('xyzHello').subarray(3);
    assert.equal(rowDigest(padded), rowDigest(bytes('Hello')));
  });

  test('the order in which rows come does not matter, and what goes leaves no trace', () => {
    fc.assert(
      fc.property(anyRows, anyRow, (rows, other) => {
        const hashes = rows.map((row) => rowDigest(encodeRow(row)));
        const forwards = hashes.reduce(digestPlus, emptyDigest);
        const backwards = hashes.toReversed().reduce(digestPlus, emptyDigest);
        const extra = rowDigest(encodeRow(other));
        assert.equal(forwards, backwards);
        assert.equal(digestMinus(digestPlus(forwards, extra), extra), forwards);
        assert.equal(hashes.reduce(digestMinus, forwards), emptyDigest);
      }),
    );
  });

  test('different rows have different digests', () => {
    fc.assert(
      fc.property(anyRow, anyRow, (one, other) => {
        const equal = Buffer.compare(encodeRow(one), encodeRow(other)) === 0;
        assert.equal(rowDigest(encodeRow(one)) === rowDigest(encodeRow(other)), equal);
        if (rowId(one) !== rowId(other)) assert.ok(!equal);
      }),
    );
  });

  test('is written as sixteen digits', () => {
    assert.equal(formatDigest(255n), '00000000000000ff');
  });
});
