import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPortRef, parseInterfaceName, parsePortRef } from './port.ts';

test('the device ends at the first slash', () => {
  const table = [
    ['leaf-1/E1/1', 'leaf-1', 'E1/1'],
    ['leaf-1/E1/7/2', 'leaf-1', 'E1/7/2'],
    ['server-1/eth1', 'server-1', 'eth1'],
    ['server-1/enp1s0f0.100', 'server-1', 'enp1s0f0.100'],
  ] as const;
  for (const [text, device, port] of table) {
    const ref = parsePortRef(text);
    assert.deepEqual(ref, { ok: true, value: { device, port } });
    if (ref.ok) assert.equal(formatPortRef(ref.value), text);
  }
});

test('what does not name a port is refused', () => {
  for (const text of ['', '/', 'leaf-1', 'leaf-1/', '/E1/1', 'leaf-1//E1', 'Leaf-1/E1', 'leaf.1/E1', 'leaf-1/E1/', 'a/b c', 'a/../b']) {
    const result = parsePortRef(text);
    assert.equal(result.ok ? 'ok' : result.code, 'InvalidPortRef', text);
  }
});

test('interface names keep to what Linux takes', () => {
  for (const text of ['eth1', 'enp1s0f0np0', 'swp1.100', 'abcdefghijklmno']) assert.equal(parseInterfaceName(text).ok, true, text);
  for (const text of ['', '.', '..', 'a/b', 'a b', 'abcdefghijklmnop', '-a']) assert.equal(parseInterfaceName(text).ok, false, text);
});
