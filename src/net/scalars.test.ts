import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isUnicast, parseMac } from './mac.ts';
import { parseAsn, parseVlan, parseVni } from './scalars.ts';

test('every usual spelling of a MAC address becomes the same text', () => {
  for (const text of ['02:00:5E:00:01:0a', '02-00-5e-00-01-0A', '0200.5e00.010a', '02005E00010A']) {
    assert.deepEqual(parseMac(text), { ok: true, value: '02:00:5e:00:01:0a' });
  }
});

test('what is not a MAC address is refused', () => {
  for (const text of ['', '02:00:5e:00:01', '02:00:5e:00:01:0g', '02:00-5e:00:01:0a', '2:0:5e:0:1:a', '02005e00010a0']) {
    const result = parseMac(text);
    assert.equal(result.ok ? 'ok' : result.code, 'InvalidMAC', text);
  }
});

test('unicast is told by the group bit, and all zeros is nobody', () => {
  const unicast = (text: string): boolean => {
    const result = parseMac(text);
    return result.ok && isUnicast(result.value);
  };
  assert.equal(unicast('02:00:00:00:00:01'), true);
  assert.equal(unicast('01:00:5e:00:00:01'), false);
  assert.equal(unicast('ff:ff:ff:ff:ff:ff'), false);
  assert.equal(unicast('00:00:00:00:00:00'), false);
});

test('VNI, ASN and VLAN id accept exactly their ranges, as number and as text', () => {
  const table = [
    [parseVni, 1, 16_777_215],
    [parseAsn, 1, 4_294_967_294],
    [parseVlan, 1, 4094],
  ] as const;
  for (const [parse, from, to] of table) {
    for (const input of [from, to, String(from), String(to)]) assert.deepEqual(parse(input), { ok: true, value: Number(input) });
    for (const input of [from - 1, to + 1, 1.5, Number.NaN, '', 'x', '-1', ' 1']) assert.equal(parse(input).ok, false, `${input}`);
    fc.assert(fc.property(fc.integer({ min: from, max: to }), (value) => parse(value).ok));
  }
});
