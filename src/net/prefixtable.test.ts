import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressOfBits } from './address.ts';
import type { Prefix } from './brand.ts';
import { contains, prefixLength, prefixOfBits } from './prefix.ts';
import { PrefixTable } from './prefixtable.ts';

/** Few bits, so that prefixes hold each other. */
const bits = fc.record({ family: fc.constantFrom(4 as const, 6 as const), value: fc.bigInt(0n, 0xffn).map((low) => low << 24n) });
const prefix = fc.tuple(bits, fc.integer({ min: 0, max: 32 })).map(([each, length]) => prefixOfBits(each, length));

test('the longest prefix that holds an address is found, whatever was put in and taken out', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(prefix, fc.boolean())), bits, (changes, at) => {
      const table = new PrefixTable<string>();
      const model = new Map<Prefix, string>();
      for (const [each, stays] of changes) {
        if (stays) table.set(each, `to ${each}`);
        else assert.equal(table.delete(each), model.has(each));
        if (stays) model.set(each, `to ${each}`);
        else model.delete(each);
      }
      assert.equal(table.size, model.size);
      const address = addressOfBits(at);
      const holding = [...model.keys()].filter((each) => contains(each, address)).toSorted((a, b) => prefixLength(b) - prefixLength(a));
      assert.deepEqual([...table.matches(address)].map((entry) => entry.prefix), holding);
      const [first] = holding;
      assert.equal(table.longest(address)?.value, first === undefined ? undefined : `to ${first}`);
      for (const [each, value] of model) assert.equal(table.get(each), value);
    }),
  );
});
