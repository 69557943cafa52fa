import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operation, Row } from '../ovsdb/rows.ts';
import { changesOf } from './changes.ts';
import { oneMoreSubnet, rulesOf, vpcOf } from './topology.ts';

const rowsOf = (operations: readonly Operation[], table: string): Row[] =>
  operations.flatMap((operation) => (operation.op === 'insert' && operation.table === table ? [operation.row] : []));

/** Names that a transaction gives, and those that its values refer to. */
const namesIn = (operations: readonly Operation[]): { readonly given: string[]; readonly used: string[] } => ({
  given: operations.flatMap((operation) => (operation.op === 'insert' ? (operation['uuid-name'] ?? []) : [])),
  used: [...JSON.stringify(operations).matchAll(/\["named-uuid","([^"]+)"\]/g)].flatMap(([, name]) => name ?? []),
});

const assertSound = (operations: readonly Operation[]): void => {
  const { given, used } = namesIn(operations);
  assert.equal(new Set(given).size, given.length, 'a name is given once');
  assert.deepEqual(used.filter((name) => !given.includes(name)), [], 'every reference has its row');
  assert.deepEqual(given.filter((name) => !/^\w+$/.test(name)), [], 'names are identifiers');
};

test('a VPC is a router, four switches of ten secured ports, and a group of six rules', () => {
  const operations = vpcOf(3, rulesOf(3));
  assertSound(operations);
  const counts = ['Logical_Router', 'Logical_Switch', 'Logical_Router_Port', 'Logical_Switch_Port', 'ACL', 'Port_Group'];
  assert.deepEqual(counts.map((table) => rowsOf(operations, table).length), [1, 4, 4, 44, 6, 1]);
  assert.deepEqual(rowsOf(operations, 'Logical_Switch_Port').filter((row) => row.port_security !== undefined).length, 40);
  assert.deepEqual(rowsOf(operations, 'Logical_Switch_Port')[0], {
    name: 'vpc-3-0-0',
    addresses: ['set', ['02:01:00:03:00:00 10.0.24.10']],
    port_security: ['set', ['02:01:00:03:00:00 10.0.24.10']],
  });
  assert.deepEqual(rowsOf(operations, 'ACL').map(({ action }) => action).sort(), [...Array<string>(4).fill('allow-related'), 'drop', 'drop']);
});

test('no name, address or MAC is used twice in a thousand VPCs and a subnet more in each', () => {
  const taken = new Set<string>();
  for (let vpc = 0; vpc < 1000; vpc += 1) {
    const operations = [...vpcOf(vpc, []), ...oneMoreSubnet({ vpc, subnet: 4 }, 'router')];
    const [ports, routerPorts] = [rowsOf(operations, 'Logical_Switch_Port'), rowsOf(operations, 'Logical_Router_Port')];
    const own = [
      ...ports.map(({ name }) => name),
      ...ports.flatMap(({ port_security }) => (port_security === undefined ? [] : String(port_security).split(/[, ]/).slice(1))),
      ...routerPorts.flatMap(({ name, mac, networks }) => [name, mac, String(networks).split(',')[1]]),
    ].map(String);
    for (const one of own) assert.ok(!taken.has(one), `"${one}" twice`);
    for (const one of own) taken.add(one);
  }
  assert.equal(taken.size, 1000 * (45 + 2 * 40 + 3 * 5));
});

test('every round of a change is sound and unlike the others', () => {
  const ids = { get: (name: string) => `id of ${name}` };
  const all: ReadonlyMap<string, string> = Object.assign(new Map<string, string>(), ids);
  for (const vpcs of [2, 100]) {
    const changes = changesOf({ routers: all, switches: all, ports: all, groups: all }, vpcs, rulesOf);
    for (const { name, operations } of changes.filter((change) => change.operations(0).length > 0)) {
      const rounds = [0, 1, 2].map((round) => operations(round));
      rounds.forEach(assertSound);
      const made = rounds.flat().flatMap((operation) => (operation.op === 'insert' ? JSON.stringify(operation.row) : []));
      assert.equal(new Set(made).size, made.length, `${name}: a row again among ${vpcs} VPCs`);
      assert.equal(new Set(rounds.map((round) => JSON.stringify(round))).size, 3, name);
    }
  }
});
