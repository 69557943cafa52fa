import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { Resource } from '../api/object.ts';
import * as make from '../compile/fixture.ts';
import { GoalState } from '../goal/state.ts';
import { systemClock } from '../kit/clock.ts';
import { until } from '../kit/testing.ts';
import { Cabling } from './cabling.ts';
import { buildHouse, cluster, conditionOf, createAll, type House } from './testing.ts';

describe('cables as devices hear them', () => {
  let house: House;
  afterEach(() => house.stop());

  const start = async (objects: readonly Resource[] = make.smallFabric(), missingMilliseconds = 0): Promise<void> => {
    house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'], missingMilliseconds });
    await createAll(house.client, objects);
    await until('programmed', async () => {
      const status = (await house.client.get(cluster('Connection', 'spine-1--leaf-2'))).status as { ready?: string } | undefined;
      return status?.ready === '2/2';
    });
  };
  const cabled = async (name: string): Promise<string> => {
    const condition = conditionOf(await house.client.get(cluster('Connection', name)), 'Cabled');
    return condition === undefined ? 'not said' : `${condition.status} ${condition.reason}: ${condition.message}`;
  };
  const becomes = (name: string, expected: RegExp): Promise<unknown> => until(`${name}: ${expected}`, async () => expected.test(await cabled(name)));
  const events = async (name: string): Promise<string[]> => {
    const { items } = await house.client.list('Event');
    const about = items.map((item) => item as Resource & { readonly involvedObject: { readonly name: string }; readonly reason: string; readonly count: number });
    return about.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, count }) => `${reason} ×${count}`).filter((text) => !/^(Accepted|Programmed)/.test(text));
  };

  test('are not spoken of while nobody has told what it hears', async () => {
    await start();
    assert.equal(await cabled('spine-1--leaf-1'), 'not said');
  });

  test('are right when the neighbour is, by its neutral port or its interface, with a domain or without', async () => {
    await start();
    house.fleet.hear('spine-1', ['E1/1', 'leaf-1', 'swp49'], ['E1/2', 'leaf-2.example.net', 'E1/49']);
    house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp1']);
    await becomes('spine-1--leaf-1', /^True Cabled: the cable is where it is declared$/);
    await becomes('spine-1--leaf-2', /^True Cabled/);
    assert.deepEqual(await events('spine-1--leaf-1'), []);
  });

  test('that are swapped are told on both Connections, with what is there, and cleared when they are put right', async () => {
    await start();
    house.fleet.hear('spine-1', ['E1/1', 'leaf-2', 'swp49'], ['E1/2', 'leaf-1', 'swp49']);
    await becomes('spine-1--leaf-1', /^False WrongPort: "spine-1\/E1\/1" is declared to lead to "leaf-1\/E1\/49", but leads to "leaf-2\/E1\/49"$/);
    await becomes('spine-1--leaf-2', /^False WrongPort/);
    await until('told', async () => (await events('spine-1--leaf-1')).length === 1);
    house.fleet.hear('spine-1', ['E1/1', 'leaf-1', 'swp49'], ['E1/2', 'leaf-2', 'swp49']);
    await becomes('spine-1--leaf-1', /^True Cabled/);
    await until('told', async () => (await events('spine-1--leaf-1')).length === 2);
    assert.deepEqual((await events('spine-1--leaf-1')).toSorted(), ['Cabled ×1', 'WrongPort ×1']);
  });

  test('to a device that nobody declared, and to another port of the right one, are wrong', async () => {
    await start();
    house.fleet.hear('leaf-1', ['E1/49', 'rogue', 'eth7']);
    await becomes('spine-1--leaf-1', /^False UnknownNeighbour: .* but leads to "eth7" of "rogue", which is not declared$/);
    house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp2']);
    await becomes('spine-1--leaf-1', /^False WrongPort: .* but leads to "spine-1\/E1\/2"$/);
  });

  test('that carry nothing are missing after a while, also when one end hears the other', async () => {
    await start();
    house.fleet.hear('spine-1', ['E1/2', 'leaf-2', 'swp49']);
    house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp1']);
    await becomes('spine-1--leaf-1', /^False Missing: "spine-1\/E1\/1" is declared to lead to "leaf-1\/E1\/49", but nothing is heard there; is the cable in\?$/);
    assert.match(await cabled('spine-1--leaf-2'), /^True/);
  });

  test('that flap are told of once a change, and not at all when the neighbour is back in time', async () => {
    await start(make.smallFabric(), 60_000);
    house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp1']);
    await becomes('spine-1--leaf-1', /^True/);
    const before = (await house.client.get(cluster('Connection', 'spine-1--leaf-1'))).metadata.resourceVersion;
    for (let round = 0; round < 5; round += 1) {
      house.fleet.hear('leaf-1');
      house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp1']);
    }
    house.fleet.hear('spine-1', ['E1/2', 'leaf-2', 'swp49']);
    await becomes('spine-1--leaf-2', /^True/);
    assert.equal((await house.client.get(cluster('Connection', 'spine-1--leaf-1'))).metadata.resourceVersion, before);
  });

  test('to servers that do not speak are unknown, and missing once the server was heard and its port is in service', async () => {
    await start([...make.smallFabric(), make.vpc('shop', { front: '10.1.1.0/24' }), make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' })]);
    await until('attached', () => house.goal.scope('device/leaf-1').rows.has('attachment/E1/1'));
    house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp1']);
    await becomes('a1--leaf-1', /^Unknown NotHeard/);
    house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp1'], ['E1/1', 'a1', 'eth1'], ['E1/2', 'b1', 'eth1']);
    await becomes('a1--leaf-1', /^True/);
    await becomes('b1--leaf-1', /^True/);
    house.fleet.hear('leaf-1', ['E1/49', 'spine-1', 'swp1']);
    await becomes('a1--leaf-1', /^False Missing/);
    await becomes('b1--leaf-1', /^Unknown NotHeard: nothing is heard over the cable now$/);
    const connection = await house.client.get(cluster('Connection', 'b1--leaf-1'));
    await house.client.update({ ...connection, spec: { ...(connection.spec as object), description: 'looked at again' } });
    await until('looked at', async () => conditionOf(await house.client.get(cluster('Connection', 'b1--leaf-1')), 'Cabled')?.observedGeneration === 2);
    assert.match(await cabled('b1--leaf-1'), /^Unknown NotHeard: nothing is heard over the cable now$/);
  });

  test('are as they were said to be until the devices have told a new controller', async () => {
    await start();
    house.fleet.hear('leaf-1', ['E1/49', 'rogue', 'eth7']);
    await becomes('spine-1--leaf-1', /^False UnknownNeighbour/);
    const { store } = house;
    await house.stop();
    house = await buildHouse({ store, devices: ['spine-1', 'leaf-1', 'leaf-2'] });
    const connection = await house.client.get(cluster('Connection', 'spine-1--leaf-1'));
    await house.client.update({ ...connection, spec: { ...(connection.spec as object), description: 'the first' } });
    await until('looked at', async () => conditionOf(await house.client.get(cluster('Connection', 'spine-1--leaf-1')), 'Cabled')?.observedGeneration === 2);
    assert.match(await cabled('spine-1--leaf-1'), /^False UnknownNeighbour/);
  });
});

test('a Connection that is made again waits for its neighbours anew', () => {
  let now = 0;
  const goal = new GoalState();
  const value = { interface: 'swp1', role: 'fabric', mtu: 9000, peer: 'leaf-1/E1/49' } as const;
  goal.commit([{ scope: 'device/spine-1', upserts: [{ table: 'port', key: 'E1/1', value }], deletes: [] }]);
  const cabling = new Cabling({
    goal, clock: { ...systemClock, monotonic: () => now }, explain: () => [], kindOf: () => 'Switch', bundles: () => false, mark: () => {}, later: () => {},
  });
  const cable = make.connection('c', [['spine-1/E1/1', 'leaf-1/E1/49']]);
  const reason = (): string | undefined => cabling.condition(cable, [])[0]?.reason;
  cabling.observed('spine-1', { neighbours: [] });
  assert.equal(reason(), 'NotHeard');
  now = 20_000;
  assert.equal(reason(), 'Missing');
  cabling.forgetCables(cable);
  assert.equal(reason(), 'NotHeard');
});
