import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { bitsOf, compareAddresses, hostPrefix, parseAddress, plus } from './address.ts';
import { type Bits, type Family, textOfBits, width } from './bits.ts';
import type { Address, Parsed, Prefix } from './brand.ts';
import { addressPart, interfaceAddress, networkOf, parseInterfaceAddress } from './interfaceaddress.ts';
import {
  broadcastAddress,
  comparePrefixes,
  contains,
  firstHost,
  hostAt,
  isHost,
  lastHost,
  offsetOf,
  overlaps,
  parsePrefix,
  prefixOfBits,
  prefixSize,
} from './prefix.ts';

const good = <Value>(result: Parsed<Value>): Value => {
  assert.ok(result.ok, result.ok ? '' : result.message);
  return result.value;
};
const address = (text: string): Address => good(parseAddress(text));
const prefix = (text: string): Prefix => good(parsePrefix(text));

const bits: fc.Arbitrary<Bits> = fc
  .constantFrom<Family>(4, 6)
  .chain((family) => fc.bigInt({ min: 0n, max: (1n << BigInt(width(family))) - 1n }).map((value) => ({ family, value })));
const anyPrefix = bits.chain((at) => fc.nat({ max: width(at.family) }).map((length) => prefixOfBits(at, length)));
/** Small enough that every address can be walked over, and close enough together that they meet. */
const smallPrefix = fc
  .tuple(fc.nat({ max: 255 }), fc.integer({ min: 24, max: 32 }))
  .map(([low, length]) => prefixOfBits({ family: 4, value: 0x0a000000n + BigInt(low) }, length));
const walk = (of: Prefix): Address[] =>
  Array.from({ length: Number(prefixSize(of)) }, (_, n) => hostAt(of, n)).filter((at) => at !== undefined);

describe('addresses', () => {
  test('IPv6 text follows RFC 5952', () => {
    const table = [
      ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0db8::0001', '2001:db8::1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['1::', '1::'],
      ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
      ['::ffff:0a00:0001', '::ffff:10.0.0.1'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ] as const;
    for (const [text, canonical] of table) assert.equal(address(text), canonical);
  });

  test('what is not an address is refused', () => {
    const texts = ['', '10.0.0', '10.0.0.256', '10.0.0.01', '1.2.3.4.5', '10.0.0.1/24', '1:2:3:4:5:6:7', '1::2::3', ':1::2'];
    const more = ['1:2:3:4:5:6:7:8::', '12345::', 'fe80::1%eth0', '10.0.0.1 ', '::1.2.3', '1.2.3.4::', ':::', '0x10.0.0.1'];
    for (const text of [...texts, ...more]) assert.equal(parseAddress(text).ok, false, text);
  });

  test('reading the text of an address gives the address back', () => {
    fc.assert(fc.property(bits, (at) => assert.deepEqual(bitsOf(address(textOfBits(at))), at)));
  });

  test('order is the order of numbers, and plus moves along it', () => {
    assert.ok(compareAddresses(address('9.0.0.0'), address('10.0.0.0')) < 0);
    assert.ok(compareAddresses(address('255.0.0.0'), address('::')) < 0);
    assert.equal(plus(address('10.0.0.255'), 1), '10.0.1.0');
    assert.equal(plus(address('255.255.255.255'), 1), undefined);
    assert.equal(plus(address('0.0.0.0'), -1), undefined);
    assert.equal(hostPrefix(address('::1')), '::1/128');
  });
});

describe('prefixes', () => {
  test('host bits are refused and the right prefix is named', () => {
    const result = parsePrefix('10.1.0.5/24');
    assert.ok(!result.ok);
    assert.equal(result.code, 'HostBitsSet');
    assert.equal(result.message, '"10.1.0.5/24" has host bits set; the prefix is "10.1.0.0/24"');
  });

  test('each kind of bad text has its code', () => {
    const table = [
      ['10.1.0.0/33', 'PrefixLength'],
      ['2001:db8::/129', 'PrefixLength'],
      ['10.1.0.0/024', 'PrefixLength'],
      ['10.1.0.0/-1', 'PrefixLength'],
      ['10.1.0.0', 'InvalidCIDR'],
      ['10.1.0.0/', 'InvalidCIDR'],
      ['10.1.0/24', 'InvalidCIDR'],
      ['10.1.0.0/24/24', 'InvalidCIDR'],
      ['front', 'InvalidCIDR'],
    ] as const;
    for (const [text, code] of table) {
      const result = parsePrefix(text);
      assert.equal(result.ok ? 'ok' : result.code, code, text);
    }
  });

  test('reading the text of a prefix gives the prefix back', () => {
    fc.assert(fc.property(anyPrefix, (of) => assert.equal(prefix(of), of)));
  });

  test('contains agrees with walking over every address', () => {
    fc.assert(
      fc.property(smallPrefix, smallPrefix, (outer, inner) => {
        const all = new Set(walk(outer));
        assert.equal(contains(outer, inner), walk(inner).every((at) => all.has(at)));
        assert.equal(overlaps(outer, inner), walk(inner).some((at) => all.has(at)));
      }),
    );
  });

  test('overlap is symmetric, and never between families', () => {
    fc.assert(fc.property(anyPrefix, anyPrefix, (a, b) => assert.equal(overlaps(a, b), overlaps(b, a))));
    assert.equal(overlaps(prefix('0.0.0.0/0'), prefix('::/0')), false);
    assert.equal(contains(prefix('::/0'), address('10.0.0.1')), false);
  });

  test('hostAt and offsetOf are inverse', () => {
    fc.assert(
      fc.property(anyPrefix, fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (of, n) => {
        const at = hostAt(of, n);
        assert.equal(at === undefined, n >= prefixSize(of));
        if (at !== undefined) assert.equal(offsetOf(of, at), n);
      }),
    );
    assert.equal(hostAt(prefix('10.0.0.0/24'), -1), undefined);
  });

  test('hosts leave out network and broadcast address, where there is room for them', () => {
    const table = [
      ['10.0.0.0/24', '10.0.0.1', '10.0.0.254', '10.0.0.255'],
      ['10.0.0.0/30', '10.0.0.1', '10.0.0.2', '10.0.0.3'],
      ['10.0.0.0/31', '10.0.0.0', '10.0.0.1', undefined],
      ['10.0.0.7/32', '10.0.0.7', '10.0.0.7', undefined],
      ['2001:db8::/126', '2001:db8::1', '2001:db8::3', undefined],
    ] as const;
    for (const [text, first, last, broadcast] of table) {
      const of = prefix(text);
      assert.deepEqual([firstHost(of), lastHost(of), broadcastAddress(of)], [first, last, broadcast]);
    }
  });

  test('isHost holds exactly from the first to the last host', () => {
    fc.assert(
      fc.property(smallPrefix, (of) => {
        const hosts = walk(of).filter((at) => isHost(of, at));
        assert.deepEqual([hosts[0], hosts.at(-1)], [firstHost(of), lastHost(of)]);
      }),
    );
    assert.equal(isHost(prefix('10.0.0.0/24'), address('10.0.1.1')), false);
  });

  test('sorting puts IPv4 first, then by address, then the larger first', () => {
    const sorted = ['10.0.0.0/8', '10.0.0.0/16', '10.1.0.0/16', '192.0.2.0/24', '2001:db8::/32'].map(prefix);
    assert.deepEqual(sorted.toReversed().sort(comparePrefixes), sorted);
  });
});

test('an interface address keeps its host bits and knows its network', () => {
  const at = good(parseInterfaceAddress('10.1.0.7/24'));
  assert.equal(at, '10.1.0.7/24');
  assert.equal(networkOf(at), '10.1.0.0/24');
  assert.equal(addressPart(at), '10.1.0.7');
  assert.equal(interfaceAddress(address('10.1.0.7'), prefix('10.1.0.0/24')), at);
  assert.equal(parseInterfaceAddress('10.1.0.7').ok, false);
});
