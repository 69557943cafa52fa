import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Prefix } from '../net/brand.ts';
import { overlaps, prefixOfBits } from '../net/prefix.ts';
import { keptPrefixes } from './relations.ts';

/** Few distinct bits, so that prefixes often overlap. */
const prefixIn = (family: 4 | 6): fc.Arbitrary<Prefix> => {
  const width = family === 4 ? 32 : 128;
  return fc
    .record({ bits: fc.bigInt({ min: 0n, max: 15n }), length: fc.integer({ min: 0, max: width }) })
    .map(({ bits, length }) => prefixOfBits({ family, value: bits << BigInt(width - 18) }, length));
};

test('of two prefixes that overlap each is found by the keys of the other', () => {
  const found = (searched: Prefix, kept: Prefix): boolean => {
    const [mine, theirs] = [keptPrefixes(searched), keptPrefixes(kept)];
    return mine.includes(theirs.at(-1) ?? kept) || theirs.slice(0, -1).includes(mine.at(-1) ?? searched);
  };
  const pair = fc.constantFrom(4 as const, 6 as const).chain((family) => fc.tuple(prefixIn(family), prefixIn(family)));
  fc.assert(fc.property(pair, ([one, other]) => !overlaps(one, other) || (found(one, other) && found(other, one))), { numRuns: 2000 });
});

test('an IPv6 prefix is kept under few keys', () => {
  assert.equal(keptPrefixes('fd00:1:2:3::/64' as Prefix).length, 9);
  assert.equal(keptPrefixes('fd00::1/128' as Prefix).length, 17);
  assert.deepEqual(keptPrefixes('fd00:1::/36' as Prefix).slice(-1), ['fd00:1::/32']);
});
