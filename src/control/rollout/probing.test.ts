import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Row } from '../../goal/rows.ts';
import { GoalState } from '../../goal/state.ts';
import type { Address, Asn, Mac, Vni } from '../../net/brand.ts';
import { Probing, targetsOf } from './probing.ts';

const vtep = (address: string): Row => ({ table: 'vtep', key: 'self', value: { address: address as Address, anycastMac: '02:00:00:00:00:01' as Mac } });
const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });
const bgp: Row = { table: 'bgp', key: 'underlay', value: { asn: 65000 as Asn, routerId: '10.0.0.1' as Address, networks: [], advertiseVnis: false } };

/** Leaves by number, each with its VRFs; leaf 3 has the VTEP 10.0.0.3. */
const goalOf = (leaves: Readonly<Record<number, readonly string[]>>): GoalState => {
  const goal = new GoalState();
  for (const vni of new Set(Object.values(leaves).flat())) {
    const row: Row = { table: 'vrf', key: `vrf${vni}`, value: { name: `vrf${vni}`, vni: Number(vni) as Vni, description: '' } };
    goal.commit([{ scope: `vpc/${vni}`, upserts: [row], deletes: [] }]);
  }
  for (const [number, vnis] of Object.entries(leaves)) {
    goal.commit([{ scope: `device/leaf-${number}`, upserts: [vtep(`10.0.0.${number}`), ...vnis.map((vni) => member(`vpc/${vni}`))], deletes: [] }]);
  }
  goal.commit([{ scope: 'device/spine-1', upserts: [bgp], deletes: [] }]);
  return goal;
};

describe('which leaves a leaf probes', () => {
  test('are those that hold one of its VRFs, by name and address; a spine probes nobody', () => {
    const goal = goalOf({ 1: ['5001', '5002'], 2: ['5002'], 3: ['5003'], 4: [], 5: ['5001'] });
    assert.deepEqual([...targetsOf('leaf-1', goal)], [['10.0.0.2', 'leaf-2 (10.0.0.2)'], ['10.0.0.5', 'leaf-5 (10.0.0.5)']]);
    for (const device of ['leaf-3', 'leaf-4', 'spine-1', 'nobody']) assert.deepEqual([...targetsOf(device, goal)], [], device);
  });

  test('are at most eight, from all over', () => {
    const leaves = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [index + 10, ['5001']]));
    const chosen = [...targetsOf('leaf-10', goalOf(leaves)).keys()].map((address) => Number(address.split('.')[3]));
    assert.equal(chosen.length, 8);
    assert.ok(chosen.some((each) => each < 20) && chosen.some((each) => each > 60), chosen.join());
    assert.ok(!chosen.includes(10));
  });
});

describe('probing', () => {
  const goal = goalOf({ 1: ['5001'], 2: ['5001'], 3: ['5001'] });
  const deaf = new Set<string>();
  let silent = false;
  let now = 0;
  let round = (): void => {};
  const answered: number[] = [];
  const make = (): Probing => {
    deaf.clear();
    silent = false;
    round = () => {};
    const probe = async (_: string, targets: readonly string[]) => {
      now += 1;
      return silent ? ({ ok: false, reason: 'silent' } as const) : ({ ok: true, found: new Map(targets.map((target) => [target, !deaf.has(target)])) } as const);
    };
    return new Probing({ goal, probe, clock: { monotonic: () => now }, later: (_, action) => (round = action), onAnswer: () => answered.push(now) });
  };
  const next = async (): Promise<void> => {
    const before = answered.length;
    round();
    while (answered.length === before) await Promise.resolve();
  };

  test('asks only about those that answered before, and tells who of them does not any more', async () => {
    const probing = make();
    deaf.add('10.0.0.3');
    await probing.begin(['leaf-1']);
    assert.deepEqual(probing.results('leaf-1'), new Map([['leaf-2 (10.0.0.2)', true]]));
    deaf.add('10.0.0.2');
    const since = now + 1;
    assert.equal(probing.isFresh('leaf-1', since), false);
    now = since;
    await next();
    assert.deepEqual(probing.results('leaf-1'), new Map([['leaf-2 (10.0.0.2)', false]]));
    assert.equal(probing.isFresh('leaf-1', since), true);
  });

  test('of a device that says nothing knows nothing, and nobody waits for it', async () => {
    const probing = make();
    silent = true;
    await probing.begin(['leaf-1', 'spine-1']);
    assert.equal(probing.results('leaf-1'), undefined);
    assert.equal(probing.isFresh('leaf-1', now + 100), true);
    silent = false;
    await probing.begin(['leaf-1']);
    silent = true;
    const since = (now += 1);
    await next();
    assert.equal(probing.results('leaf-1'), undefined);
    assert.equal(probing.isFresh('leaf-1', since), true);
  });

  test('ends with what it is for', async () => {
    const probing = make();
    await probing.begin(['leaf-1']);
    probing.forget(['leaf-1']);
    const asked = now;
    round();
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    assert.equal(now, asked);
    assert.equal(probing.results('leaf-1'), undefined);
  });
});
