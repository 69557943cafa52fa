import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Address, Prefix } from '../net/brand.ts';
import { contains, hostAt, prefixOfBits, prefixSize } from '../net/prefix.ts';
import { isIn, representatives, setText } from './atoms.ts';

/** Prefixes inside 10.0.0.0/26, which meet often. */
const prefix = fc.tuple(fc.nat({ max: 63 }), fc.integer({ min: 26, max: 32 })).map(([low, length]) => prefixOfBits({ family: 4, value: 0x0a00_0000n + BigInt(low) }, length));

const classOf = (prefixes: readonly Prefix[], address: Address): string => prefixes.map((each) => (contains(each, address) ? '1' : '0')).join('');

test('one address for each part into which prefixes cut each other, and none beside them', () => {
  fc.assert(
    fc.property(fc.uniqueArray(prefix, { maxLength: 6 }), (prefixes) => {
      const all = prefixes.flatMap((each) => Array.from({ length: Number(prefixSize(each)) }, (_, n) => hostAt(each, n)).filter((at) => at !== undefined));
      const wanted = new Set(all.map((address) => classOf(prefixes, address)));
      const chosen = representatives(prefixes);
      assert.deepEqual(new Set(chosen.map((address) => classOf(prefixes, address))), wanted);
      assert.ok(chosen.every((address) => isIn(prefixes, address)));
    }),
  );
});

test('sets have one text whatever their order', () => {
  assert.equal(setText(['b', 'a', 'b']), 'a b');
  assert.notEqual(setText(['a b']), setText(['a', 'c']));
});
