/** Whatever is asked for, no device is given more than its tables hold, and whoever came first has it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { Capacity } from '../api/capacity.ts';
import { refKey, refOf, type Resource } from '../api/object.ts';
import type { Row } from '../goal/rows.ts';
import { createCompiler } from './compiler.ts';
import type { Compiler } from './engine.ts';
import * as make from './fixture.ts';

const leaves = ['leaf-1', 'leaf-2'];
const vpcNames = ['red', 'green', 'blue'];
const servers = leaves.flatMap((leaf, side) => [1, 2, 3, 4].map((number) => ({ leaf, name: `s${side}${number}`, port: `E1/${number}`, mac: side * 4 + number })));

const wiring = (capacity: Capacity): Resource[] => [
  make.fabric(),
  make.profile(capacity),
  make.addressSpace('default', '10.0.0.0/8'),
  ...leaves.map((leaf) => make.switchOf(leaf, 'leaf')),
  ...servers.flatMap(({ leaf, name, port, mac }) => [make.server(name, mac), make.connection(name, [[`${name}/eth1`, `${leaf}/${port}`]])]),
];

const cidr = (vpc: number, subnet: number): string => `10.${vpc + 1}.${subnet}.0/24`;

const vpcs = vpcNames.map((name, index) => make.vpc(name, { a: cidr(index, 1), b: cidr(index, 2) }, index === 0 ? { staticRoutes: [{ prefix: '10.200.0.0/16', nextHops: ['10.1.1.9'] }] } : {}));

interface Wish {
  readonly server: number;
  readonly vpc: number;
  readonly subnet: 'a' | 'b';
  readonly born: number;
}

const wish: fc.Arbitrary<Wish> = fc.record({ server: fc.nat(servers.length - 1), vpc: fc.nat(2), subnet: fc.constantFrom('a', 'b'), born: fc.nat(9) });

const limit = fc.option(fc.nat(6), { nil: undefined });
const capacities: fc.Arbitrary<Capacity> = fc
  .record({ vrfs: limit, segments: limit, hosts: limit, routes: limit, mappings: limit })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

const objectsOf = (wishes: readonly Wish[], peered: readonly number[], mapped: readonly number[]): Resource[] => {
  const attachments = wishes.map(({ server, vpc, subnet, born }) => {
    const { name } = servers[server] ?? { name: '' };
    return make.attachment(name, { vpc: vpcNames[vpc] ?? '', subnet, connection: name }, { born });
  });
  const peerings = peered.map((born, index) => {
    const [left, right] = [vpcNames[index % 3] ?? '', vpcNames[(index + 1) % 3] ?? ''];
    return make.peering(`peering-${index}`, [[{ vpc: left }, { vpc: right }]], { born });
  });
  const slices = mapped.map((count, index) =>
    make.mappingSlice(`slice-${index}`, vpcNames[index % 3] ?? '', Array.from({ length: count + 1 }, (_, host) => `10.${(index % 3) + 1}.1.${100 + host}`), {}, { born: index * 2 }),
  );
  const byKey = new Map([...attachments, ...peerings, ...slices].map((each) => [refKey(refOf(each)), each]));
  return [...byKey.values()];
};

const rowsOn = (compiler: Compiler, leaf: string): Row[] => {
  const own = compiler.rows(`device/${leaf}`);
  return [...own, ...own.flatMap((row) => (row.table === 'member' ? compiler.rows(row.key) : []))];
};

const used = (rows: readonly Row[]): Capacity => {
  const count = (table: string): number => rows.filter((row) => row.table === table).length;
  const routes = rows.reduce((sum, row) => {
    if (row.table === 'route') return sum + 1;
    if (row.table === 'segment') return sum + row.value.gateways.length;
    return row.table === 'leak' ? row.value.pairings.reduce((total, { remote }) => total + remote.length, sum) : sum;
  }, 0);
  return { vrfs: count('vrf'), segments: count('segment'), hosts: count('host'), mappings: count('mapping'), routes };
};

const compile = (objects: readonly Resource[]): Compiler => {
  const compiler = createCompiler();
  make.settleAll(compiler, objects);
  return compiler;
};

const refusedOf = (compiler: Compiler, objects: readonly Resource[]): string[] =>
  objects.map(refOf).filter((ref) => compiler.findingsOf(ref).some(({ code }) => code === 'CapacityExceeded')).map(refKey);

describe('capacity of devices', () => {
  test('is never exceeded, and nothing is refused where there is no limit', () => {
    fc.assert(
      fc.property(capacities, fc.array(wish, { maxLength: 10 }), fc.array(fc.nat(9), { maxLength: 3 }), fc.array(fc.nat(3), { maxLength: 3 }), (capacity, wishes, peered, mapped) => {
        const tenants = objectsOf(wishes, peered, mapped);
        const compiler = compile([...wiring(capacity), ...vpcs, ...tenants]);
        for (const leaf of leaves) {
          const use = used(rowsOn(compiler, leaf));
          for (const [table, of] of Object.entries(capacity)) assert.ok((use[table as keyof Capacity] ?? 0) <= of, `${leaf}: ${table} ${use[table as keyof Capacity]} of ${of}`);
        }
        if (Object.keys(capacity).length === 0) assert.deepEqual(refusedOf(compiler, tenants), []);
      }),
      { numRuns: 150 },
    );
  });

  test('is given by age, whatever the order in which things arrive', () => {
    fc.assert(
      fc.property(capacities, fc.array(wish, { maxLength: 8 }), fc.array(fc.nat(9), { maxLength: 3 }), fc.infiniteStream(fc.nat(1000)), (capacity, wishes, peered, ranks) => {
        const objects = [...wiring(capacity), ...vpcs, ...objectsOf(wishes, peered, [1, 2])];
        const compiler = createCompiler();
        const claims = make.settleAll(compiler, objects);
        const all = [...objects, ...claims].map((object) => ({ object, rank: ranks.next().value ?? 0 })).toSorted((one, other) => one.rank - other.rank);
        const other = createCompiler();
        for (const { object } of all) other.apply([make.put(object)]);
        assert.equal(make.dump(other, objects), make.dump(compiler, objects));
      }),
      { numRuns: 60 },
    );
  });

  test('goes to the eldest: what comes later takes nothing from it', () => {
    fc.assert(
      fc.property(capacities, fc.array(wish, { maxLength: 8 }), wish, (capacity, wishes, late) => {
        const former = objectsOf(wishes, [], []);
        const newcomer = objectsOf([{ ...late, born: 99 }], [], []).filter((each) => !former.some((other) => refKey(refOf(other)) === refKey(refOf(each))));
        const compiler = createCompiler();
        const base = [...wiring(capacity), ...vpcs, ...former];
        const claims = make.settleAll(compiler, base);
        const before = refusedOf(compiler, former);
        make.settleAll(compiler, [...base, ...newcomer], claims);
        assert.deepEqual(refusedOf(compiler, former), before);
      }),
      { numRuns: 80 },
    );
  });
});

describe('what does not fit', () => {
  const [red, green] = vpcs;
  const attach = (name: string, vpc: string, born: number): Resource => make.attachment(name, { vpc, subnet: 'a', connection: name }, { born });
  const told = (capacity: Capacity, ...tenants: Resource[]): string[] => {
    const compiler = compile([...wiring(capacity), ...vpcs, ...tenants]);
    return tenants.flatMap((object) => compiler.findingsOf(refOf(object)).map(({ code, path, message }) => `${object.metadata.name} ${path} ${code}: ${message}`)).filter((text) => text.includes('CapacityExceeded'));
  };

  test('is told with the numbers, to each kind what it can do about it', () => {
    assert.ok(red && green);
    assert.deepEqual(told({ vrfs: 1 }, attach('s01', 'red', 1), make.peering('p', [[{ vpc: 'red' }, { vpc: 'green' }]], { born: 2 })), [
      'p spec.permit CapacityExceeded: Switch "leaf-1" holds 1 VRFs, 1 are used and this needs 1 more; permit fewer subnets, or attach the VPCs to other leaves',
    ]);
    assert.deepEqual(told({ mappings: 2 }, attach('s01', 'red', 1), make.mappingSlice('m', 'red', ['10.1.1.100', '10.1.1.101', '10.1.1.102'], {}, { born: 2 })), [
      'm spec.mappings CapacityExceeded: Switch "leaf-1" holds 2 mappings, 0 are used and this needs 3 more; map fewer addresses, or attach the VPC to other leaves',
    ]);
    assert.deepEqual(told({ hosts: 1 }, attach('s01', 'red', 1), attach('s02', 'red', 2), attach('s11', 'red', 3)), [
      's02 spec.connection CapacityExceeded: Switch "leaf-1" holds 1 hosts, 1 are used and this needs 1 more; attach to another leaf',
    ]);
  });

  test('of an attachment is also what comes with its VPC', () => {
    assert.deepEqual(told({ vrfs: 1 }, make.peering('p', [[{ vpc: 'red' }, { vpc: 'green' }]], { born: 1 }), attach('s01', 'red', 2)), [
      's01 spec.connection CapacityExceeded: Switch "leaf-1" holds 1 VRFs, 0 are used and this needs 2 more; attach to another leaf',
    ]);
  });

  test('of a policy leaves its subjects without any permission, not without a policy', () => {
    const policy = make.object('SecurityPolicy', 'guard', { vpc: 'red', subjects: { all: true }, directions: ['Ingress'], ingress: [{ from: [{ cidr: '10.1.0.0/16' }, { cidr: '10.2.0.0/16' }] }] }, { namespace: 'default', born: 9 });
    const compiler = compile([...wiring({ aclRules: 2 }), ...vpcs, attach('s01', 'red', 1), policy]);
    assert.deepEqual(compiler.findingsOf(refOf(policy)).map(({ code }) => code), ['CapacityExceeded']);
    const rules = compiler.rowsOf(refOf(policy)).map(({ row }) => (row.table === 'acl' ? row.value.rules : undefined));
    assert.deepEqual(rules, [[]]);
  });
});
