import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeTables, listElements, makeTables, parseTables, tableText, withElements } from './nft.ts';
import type { NftTable, NftTables } from './nft.ts';

const members = { lines: ['type ipv4_addr', 'flags interval'], elements: ['10.1.1.5', '10.1.2.0/24'] };
const flows = { lines: ['type ipv4_addr . inet_service', 'size 65535', 'flags dynamic,timeout', 'timeout 2m'], elements: [] };
const forward = ['type filter hook forward priority filter; policy accept;', 'ip daddr @members drop'];
const table: NftTable = { sets: { members, flows }, chains: { forward, other: ['accept'] } };

describe('tables of nftables', () => {
  it('print in the order of their names, elements too', () => {
    assert.equal(tableText('inet', { sets: { members }, chains: { other: ['accept'], forward } }), [
      'table inet heddle {', '\tset members {', '\t\ttype ipv4_addr', '\t\tflags interval', '\t\telements = { 10.1.1.5, 10.1.2.0/24 }', '\t}', '',
      '\tchain forward {', `\t\t${forward[0]}`, '\t\tip daddr @members drop', '\t}', '', '\tchain other {', '\t\taccept', '\t}', '}', '',
    ].join('\n'));
  });

  it('are read back from what nft prints, others passed over', () => {
    const empty = (of: NftTable): NftTable => ({ ...of, sets: Object.fromEntries(Object.entries(of.sets).map(([name, set]) => [name, { ...set, elements: [] }])) });
    const terse = parseTables(`table ip operator {\n\tchain x {\n\t\tdrop\n\t}\n}\n${tableText('inet', empty(table))}table inet operator {\n\tchain y {\n\t\tdrop\n\t}\n}\n`);
    assert.equal(listElements(terse), 'list set inet heddle members\n');
    const listed = 'table inet heddle {\n\tset members {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.1.2.0/24,\n\t\t\t     10.1.1.5 }\n\t}\n}\n';
    assert.deepEqual(withElements(terse, listed), { inet: table });
    assert.deepEqual(parseTables(''), {});
  });

  it('change members by elements alone', () => {
    const after: NftTables = { inet: { ...table, sets: { flows, members: { ...members, elements: ['10.1.1.0/24', '10.1.2.0/24'] } } } };
    assert.equal(changeTables({ inet: table }, after), 'delete element inet heddle members { 10.1.1.5 }\nadd element inet heddle members { 10.1.1.0/24 }\n');
    assert.equal(changeTables(after, after), '');
  });

  it('change rules without touching what packets have put into sets', () => {
    const chains = { forward: ['type filter hook forward priority filter + 10; policy accept;', 'drop'] };
    const after: NftTables = { inet: { sets: { flows }, chains } };
    const commands = changeTables({ inet: table }, after);
    assert.equal(commands, ['flush table inet heddle', 'delete chain inet heddle forward', 'delete chain inet heddle other', 'delete set inet heddle members', '']
      .join('\n') + tableText('inet', { sets: { flows }, chains }));
  });

  it('come and go as a whole', () => {
    assert.equal(makeTables({ bridge: table }), `table bridge heddle\ndelete table bridge heddle\n${tableText('bridge', table)}`);
    assert.equal(changeTables({ inet: table, bridge: table }, { inet: table }), 'delete table bridge heddle\n');
  });
});
