/** What a plan tells of violations, budgets and resets; to whom; and that it changes nothing while others do. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Planned } from '../../api/planning.ts';
import { refOf, type Resource } from '../../api/object.ts';
import { attachment, smallFabric, vpc } from '../../compile/fixture.ts';
import type { Row } from '../../goal/rows.ts';
import { until } from '../../kit/testing.ts';
import { buildHouse, createAll, digests, type House, type HouseOptions } from '../testing.ts';
import { JudgingVerifier, type Judge } from '../verification/testing.ts';
import { resetsIn } from './resets.ts';

const red = vpc('red', { front: '10.1.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });

const build = async (t: TestContext, options: HouseOptions = {}): Promise<House> => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'], ...options });
  t.after(() => house.stop());
  await createAll(house.client, [...smallFabric(), red, a1]);
  await until('it is published', () => house.goal.scope('device/leaf-1').rows.has('attachment/E1/1'));
  await until('nothing is left to say', async () => (await house.controller.rehearse([])).rows.length === 0);
  return house;
};

const created = (...objects: readonly Resource[]): Planned[] => objects.map((object) => ({ ref: refOf(object), action: 'create', findings: [], change: { ref: refOf(object), object } }));

/** Whatever is attached on leaf-2 is wrong. */
const isWrong: Judge = (scope, row) => (scope === 'device/leaf-2' && row.table === 'attachment' ? { objects: ['VPC/default/red'] } : undefined);

describe('a plan', () => {
  it('is refused for what would be withheld, with the violation, and leaves the verifier as it was', async (t) => {
    let verifier: JudgingVerifier | undefined;
    const house = await build(t, { createVerifier: (goal) => (verifier = new JudgingVerifier(goal, isWrong)) });
    const [former, withheld] = [digests(house.goal), house.metrics.getSingleMetric('heddle_unproven_rows')];
    const planned = await house.controller.plan(created(a2), { sees: () => true });
    assert.deepEqual([planned.result, planned.verified], ['Refused', 'Violated']);
    assert.deepEqual(planned.violations.map(({ objects }) => objects), [['VPC/default/red']]);
    assert.ok(planned.rows.some(({ row, change }) => row === 'attachment/E1/1' && change === 'add'));
    assert.deepEqual(digests(house.goal), former);
    assert.equal(house.metrics.getSingleMetric('heddle_unproven_rows'), withheld);
    // Another change goes on as if nobody had asked.
    await house.client.create({ ...attachment('b1', { vpc: 'red', subnet: 'front', connection: 'b1--leaf-1' }), metadata: { name: 'b1', namespace: 'default' } });
    await until('it is published', () => house.goal.scope('device/leaf-1').rows.has('attachment/E1/2'));
    assert.ok(verifier !== undefined);
  });

  it('tells who may not read the devices how many there are, and of a violation what it means', async (t) => {
    const house = await build(t, { createVerifier: (goal) => new JudgingVerifier(goal, isWrong) });
    const sees = ({ kind, namespace }: { kind: string; namespace: string }): boolean => kind === 'VPCAttachment' && namespace === 'default';
    const planned = await house.controller.plan(created(a2), { sees });
    assert.deepEqual([planned.devices, planned.rows, planned.allows, planned.denies], [[], [], [], []]);
    assert.ok(planned.blast.devices >= 1 && planned.blast.added > 0);
    assert.deepEqual(planned.violations.map(({ rows, objects, witness }) => [rows, objects, witness]), [[[], [], undefined]]);
    assert.doesNotMatch(JSON.stringify(planned), /leaf|spine|VPC\/default\/red/);
  });

  it('is told by the budget when it does not suffice', async (t) => {
    let verifier: JudgingVerifier | undefined;
    const house = await build(t, { createVerifier: (goal) => (verifier = new JudgingVerifier(goal, () => undefined)) });
    if (verifier !== undefined) verifier.rowsAMillisecond = 0;
    const planned = await house.controller.plan(created(a2), { sees: () => true });
    assert.deepEqual([planned.result, planned.verified], ['Refused', 'BudgetExhausted']);
  });

  it('can be asked by many at once, while objects change', async (t) => {
    const house = await build(t);
    const asked = Array.from({ length: 8 }, async () => (await house.controller.plan(created(a2), { sees: () => true })).blast.added);
    await house.client.create({ ...attachment('b1', { vpc: 'red', subnet: 'front', connection: 'b1--leaf-1' }), metadata: { name: 'b1', namespace: 'default' } });
    const answers = await Promise.all(asked);
    assert.ok(answers.every((added) => added === answers[0] && added > 0), String(answers));
    await until('it is published', () => house.goal.scope('device/leaf-1').rows.has('attachment/E1/2'));
    assert.equal(house.goal.scope('device/leaf-2').rows.has('attachment/E1/1'), false);
  });

  it('is not made by a controller that ends', async (t) => {
    const house = await build(t);
    const [asked] = await Promise.all([house.controller.plan(created(a2), { sees: () => true }).then(() => 'answered', ({ code }: { code: string }) => code), house.stop()]);
    assert.ok(['answered', 'Unavailable'].includes(asked), asked);
    await assert.rejects(house.controller.rehearse([]), { code: 'Unavailable' });
  });
});

describe('sessions', () => {
  const change = (row: string, before: Row | undefined, after: Row | undefined) => ({ scope: 'device/x', row, before, after, objects: [] });
  const peer = (port: string, more: object = {}): Row => ({ table: 'bgpPeer', key: port, value: { port, ...more } });
  const told = (...changes: Parameters<typeof resetsIn>[0]): readonly string[] => resetsIn(changes, (port) => `far/${port}`).map(({ neighbour, what }) => `${neighbour} ${what}`);

  it('that come reset nothing; those that go end; timers and drains leave them', () => {
    assert.deepEqual(told(change('bgpPeer/E1/1', undefined, peer('E1/1'))), []);
    assert.deepEqual(told(change('bgpPeer/E1/1', peer('E1/1'), undefined)), ['far/E1/1 ends']);
    assert.deepEqual(told(change('bgpPeer/E1/1', peer('E1/1'), peer('E1/1', { drained: true, bfd: { intervalMilliseconds: 100, multiplier: 3 } }))), []);
    assert.deepEqual(told(change('bgpPeer/E1/1', peer('E1/1', { address: '10.0.0.1' }), peer('E1/1', { address: '10.0.0.3' }))), ['far/E1/1 reset']);
  });
});
