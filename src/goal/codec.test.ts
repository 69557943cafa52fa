import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import * as fc from 'fast-check';
import type { Vni } from '../net/brand.ts';
import { decodeRow, encodeRow, knownRowId, rowIdOf, rowOfMessage, splitRowId, tableNumber } from './codec.ts';
import { RowSchema } from './gen/heddle/agent/v1/agent_pb.ts';
import { type Row, rowId, tableNames } from './rows.ts';
import { anyRow } from './testing.ts';

const vrf: Row = { table: 'vrf', key: 'vrf5001', value: { name: 'vrf5001', vni: 5001 as Vni, description: 'acme/prod' } };

describe('row codec', () => {
  test('every row comes back as it was', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const decoded = decodeRow(encodeRow(row));
        assert.deepEqual(decoded.row, row);
        assert.equal(decoded.id, rowId(row));
        assert.equal(decoded.unknown, 0);
      }),
    );
  });

  test('the bytes are those of the protobuf library, and stable', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const bytes = encodeRow(row);
        assert.deepEqual(toBinary(RowSchema, fromBinary(RowSchema, bytes)), bytes);
        assert.deepEqual(decodeRow(bytes).bytes, bytes);
      }),
    );
  });

  test('texts of any length and script are written as the protobuf library writes them', () => {
    for (const length of [0, 1, 100, 127, 128, 16_370, 16_384, 70_000]) {
      for (const letter of ['a', 'ü', '€', '😀']) {
        const description = `${'a'.repeat(length)}${letter}`;
        const row: Row = { ...vrf, key: description, value: { ...vrf.value, description } };
        const bytes = encodeRow(row);
        assert.deepEqual(toBinary(RowSchema, fromBinary(RowSchema, bytes)), bytes);
        assert.deepEqual(decodeRow(bytes).row, row);
      }
    }
  });

  test('what is no unsigned number of 32 bits is refused', () => {
    for (const vni of [-1, 0.5, 2 ** 32, Number.NaN]) {
      assert.throws(() => encodeRow({ ...vrf, value: { ...vrf.value, vni: vni as Vni } }), /Vrf\.vni: no encoding for number/);
    }
  });

  test('fields of a newer server are counted and left out of the row, but kept in the bytes', () => {
    const value = new BinaryWriter().tag(1, WireType.LengthDelimited).string('vrf5001').tag(9, WireType.Varint).uint32(7);
    const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string('vrf5001');
    const bytes = writer.tag(tableNumber('vrf'), WireType.LengthDelimited).bytes(value.finish()).finish();
    const decoded = rowOfMessage(fromBinary(RowSchema, bytes));
    assert.deepEqual(decoded.row, { ...vrf, value: { name: 'vrf5001', vni: 0, description: '' } });
    assert.equal(decoded.unknown, 1);
    assert.deepEqual(decoded.bytes, bytes);
  });

  test('a table of a newer server has an id, bytes and no row', () => {
    const bytes = new BinaryWriter().tag(1, WireType.LengthDelimited).string('k').tag(77, WireType.LengthDelimited).fork().join();
    const canonical = bytes.finish();
    const decoded = rowOfMessage(fromBinary(RowSchema, canonical));
    assert.deepEqual(decoded, { id: '#77/k', bytes: canonical, unknown: 1 });
    assert.equal(rowIdOf('nat', 77, 'k'), '#77/k');
  });

  test('who knows a table knows what an older build calls its rows', () => {
    assert.equal(knownRowId(`#${tableNumber('host')}/1001/10.1.1.1`), 'host/1001/10.1.1.1');
    assert.equal(knownRowId('#77/k'), undefined);
    assert.equal(knownRowId('remove/port/p1'), undefined);
  });

  test('a row id comes apart into what it was made of', () => {
    assert.deepEqual(splitRowId('port/E1/1'), { table: 'port', key: 'E1/1' });
    assert.equal(splitRowId('nat/x'), undefined);
    assert.equal(splitRowId('port'), undefined);
  });

  test('field numbers of the tables are what they always were', () => {
    const numbers = Object.fromEntries(tableNames.map((table) => [table, tableNumber(table)]));
    assert.deepEqual(numbers, {
      system: 10,
      port: 11,
      bgp: 12,
      bgpPeer: 13,
      vtep: 14,
      member: 15,
      vrf: 16,
      segment: 17,
      attachment: 18,
      host: 19,
      leak: 20,
      mapping: 21,
      route: 22,
      hostPeering: 23,
      isolation: 24,
      reservation: 25,
      dhcpRange: 26,
      acl: 27,
      aclMember: 28,
      vrfPort: 29,
      vrfPeer: 30,
    });
  });
});

test('generated code is what proto/ generates', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heddle-generate-'));
  try {
    execFileSync('sh', [fileURLToPath(new URL('../../scripts/generate.sh', import.meta.url)), directory]);
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('_pb.ts'));
    assert.ok(files.length >= 3, files.join(' '));
    for (const file of files) {
      const checkedIn = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
      assert.equal(readFileSync(join(directory, file), 'utf8'), checkedIn, `${file} is stale: run scripts/generate.sh`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
