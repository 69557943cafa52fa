/** Faults of a compiler, seeded one by one, against the verifier that judges by intent alone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refOf, type Resource } from '../../api/object.ts';
import { createCompiler } from '../../compile/compiler.ts';
import { attachment, mappingSlice, peering, smallFabric, vpc } from '../../compile/fixture.ts';
import type { Row } from '../../goal/rows.ts';
import type { Address, Prefix, Vni } from '../../net/brand.ts';
import { until } from '../../kit/testing.ts';
import { buildHouse, conditionOf, createAll, tenant, waitFor } from '../testing.ts';
import { faulty } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24', back: '10.1.1.0/24' });
const blue = vpc('blue', { front: '10.2.0.0/24' });
const green = vpc('green', { front: '10.3.0.0/24' });
const inRed = [attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' }), attachment('a2', { vpc: 'red', subnet: 'back', connection: 'a2--leaf-2' })];
const inBlue = [attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' })];
const inGreen = [attachment('b2', { vpc: 'green', subnet: 'front', connection: 'b2--leaf-2' })];
const pair = peering('red-blue', [[{ vpc: 'red', subnets: ['front'] }, { vpc: 'blue' }]]);
const hosts = mappingSlice('hosts', 'red', ['10.1.0.200']);
const everything = [red, blue, green, ...inRed, ...inBlue, ...inGreen, pair, hosts];

interface Seed {
  readonly name: string;
  /** What comes out instead of the row; the row itself: no fault. */
  readonly corrupt: (scope: string, row: Row) => Row;
}

const seeds: readonly Seed[] = [
  {
    name: "a port in another tenant's segment",
    corrupt: (scope, row) =>
      scope === 'device/leaf-1' && row.table === 'attachment' && row.key === 'E1/1' ? { ...row, value: { ...row.value, segment: (row.value.segment + 1) as Vni } } : row,
  },
  {
    name: 'a peering without its limits',
    corrupt: (_, row) => (row.table === 'leak' ? { ...row, value: { ...row.value, pairings: [{ local: ['10.0.0.0/8' as Prefix], remote: ['10.0.0.0/8' as Prefix] }] } } : row),
  },
  {
    name: 'a VRF with the VNI of another',
    corrupt: (_, row) => (row.table === 'vrf' && row.value.description === 'default/red' ? { ...row, value: { ...row.value, vni: (row.value.vni + 1) as Vni } } : row),
  },
  {
    name: 'a mapping behind another VTEP',
    corrupt: (_, row) => (row.table === 'mapping' ? { ...row, value: { ...row.value, vtep: '192.0.2.66' as Address } } : row),
  },
  {
    name: 'a host behind a port that is not its own',
    corrupt: (scope, row) => (scope === 'device/leaf-1' && row.table === 'host' && row.value.port === 'E1/1' ? { ...row, value: { ...row.value, port: 'E1/2' } } : row),
  },
];

describe('a seeded fault', () => {
  for (const { name, corrupt } of seeds) {
    test(`is kept from devices: ${name}`, async (t) => {
      const wrong = new Set<Row>();
      const compiler = faulty(createCompiler(), (scope, row) => {
        const made = corrupt(scope, row);
        if (made !== row) wrong.add(made);
        return made;
      });
      const house = await buildHouse({ devices, compiler });
      t.after(() => house.stop());
      await createAll(house.client, [...smallFabric(), ...everything]);
      const isFaulty = (object: Resource): boolean => conditionOf(object, 'Verified')?.status === 'False';
      await until('somebody is told', async () => {
        const found = await Promise.all(everything.map((object) => house.client.get(refOf(object))));
        return wrong.size > 0 && found.some(isFaulty);
      });
      for (const scope of house.goal.scopes()) {
        for (const row of house.goal.scope(scope).rows.values()) assert.ok(!wrong.has(row), `${scope} ${row.table}/${row.key} is published`);
      }
      // Nothing of another tenant waits for it.
      await waitFor(house.client, tenant('VPC', 'green'), 'Programmed', 'True');
      await waitFor(house.client, tenant('VPCAttachment', 'b2'), 'Verified', 'True');
      assert.match(await house.metrics.metrics(), /heddle_verify_violations\{code="[A-Za-z]+"\} [1-9]/);
    });
  }
});
