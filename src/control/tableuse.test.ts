import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import * as make from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import type { SwitchStatus } from '../api/kinds/switch.ts';
import { buildHouse, cluster, createAll, tenant, waitFor, type House } from './testing.ts';

describe('how full the tables of a device are', () => {
  let house: House;
  afterEach(() => house.stop());

  test('is in the status of its Switch, for the tables whose size the profile tells', async () => {
    house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
    const profile = make.profile({ vrfs: 10, segments: 20, hosts: 30, routes: 40, mappings: 50, aclRules: 60 });
    const policy = make.object('SecurityPolicy', 'guard', { vpc: 'shop', subjects: { all: true }, ingress: [{ from: [{ cidr: '10.0.0.0/8' }, { cidr: '192.0.2.0/24' }] }] }, { namespace: 'default' });
    await createAll(house.client, [
      ...make.smallFabric().filter(({ kind }) => kind !== 'SwitchProfile'),
      profile,
      make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' }),
      make.vpc('lab', { front: '10.2.1.0/24' }),
      make.peering('both', [[{ vpc: 'shop' }, { vpc: 'lab' }]]),
      make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' }),
      make.mappingSlice('far', 'shop', ['10.1.1.20', '10.1.1.21']),
      policy,
    ]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    const expected = {
      vrfs: { used: 2, of: 10 },
      segments: { used: 1, of: 20 },
      hosts: { used: 1, of: 30 },
      routes: { used: 4, of: 40 },
      mappings: { used: 2, of: 50 },
      aclRules: { used: 3, of: 60 },
    };
    await until('counted', async () => {
      const { capacity } = (await house.client.get(cluster('Switch', 'leaf-1'))).status as SwitchStatus;
      return JSON.stringify(capacity) === JSON.stringify(expected);
    });
    const spine = (await house.client.get(cluster('Switch', 'spine-1'))).status as SwitchStatus;
    assert.deepEqual(spine.capacity?.vrfs, { used: 0, of: 10 });
  });
});
