/** A fault between what is compiled and what is published, as devices, operators and tenants meet it. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { attachment, peering, smallFabric, vpc } from '../../compile/fixture.ts';
import { createCompiler } from '../../compile/compiler.ts';
import type { Compiler } from '../../compile/engine.ts';
import { rowId, type Row } from '../../goal/rows.ts';
import { refOf, type Resource } from '../../api/object.ts';
import { until } from '../../kit/testing.ts';
import { buildHouse, cluster, conditionOf, createAll, digests, tenant, waitFor, type House, type HouseOptions } from '../testing.ts';
import { faulty, JudgingVerifier, type Judge } from './testing.ts';

const devices = ['spine-1', 'leaf-1', 'leaf-2'];
const red = vpc('red', { front: '10.1.0.0/24' });
const blue = vpc('blue', { front: '10.2.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });
const a2 = attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' });
const b1 = attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1' });

/** A bench of one fault: while it is on, attachments of port E1/1 of leaf-1 are compiled into segment 1. */
class Fault {
  isOn = true;
  /** A new one for each start. */
  readonly compiler = (): Compiler => faulty(createCompiler(), (scope, row): Row => {
    if (!this.isOn || scope !== 'device/leaf-1' || row.table !== 'attachment' || row.key !== 'E1/1') return row;
    return { ...row, value: { ...row.value, segment: 1 as typeof row.value.segment } };
  });
}

const isWrong: Judge = (_, row) => (row.table === 'attachment' && row.value.segment === 1 ? { objects: ['VPC/default/red'] } : undefined);

interface Bench {
  readonly house: House;
  readonly fault: Fault;
  readonly verifier: () => JudgingVerifier;
}

const build = async (t: TestContext, options: HouseOptions & { readonly judge?: Judge; readonly fault?: Fault } = {}): Promise<Bench> => {
  const { judge = isWrong, fault = new Fault(), ...others } = options;
  let made: JudgingVerifier | undefined;
  const house = await buildHouse({ devices, compiler: fault.compiler(), createVerifier: (goal) => (made = new JudgingVerifier(goal, judge)), ...others });
  t.after(() => house.stop());
  const verifier = (): JudgingVerifier => {
    assert.ok(made !== undefined);
    return made;
  };
  return { house, fault, verifier };
};

const leafRow = (house: House, id: string): Row | undefined => house.goal.scope('device/leaf-1').rows.get(id);
const verified = (object: Resource): string => conditionOf(object, 'Verified')?.message ?? '';
const update = async ({ client }: House, object: Resource, spec: object): Promise<void> => {
  const current = await client.get(refOf(object));
  await client.update({ ...current, spec: { ...(current.spec as object), ...spec } });
};

const reasons = async ({ client }: House, name: string): Promise<string[]> =>
  (await client.list('Event')).items
    .map((event) => event as Resource & { readonly reason: string; readonly involvedObject: { readonly name: string } })
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason }) => reason);

describe('what is not proven', () => {
  test('does not reach its device, says why, and everything else goes on in the same publication', async (t) => {
    const { house } = await build(t);
    await createAll(house.client, [...smallFabric(), red, blue, a1, a2, b1]);
    const wrong = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False', 'WrongRow');
    assert.equal(leafRow(house, 'attachment/E1/1'), undefined);
    for (const name of ['a2', 'b1']) {
      await waitFor(house.client, tenant('VPCAttachment', name), 'Programmed', 'True');
      await waitFor(house.client, tenant('VPCAttachment', name), 'Verified', 'True', 'Proven');
    }
    await waitFor(house.client, tenant('VPC', 'blue'), 'Programmed', 'True');
    assert.match(verified(wrong), /packet tcp 10\.1\.0\.5 -> 10\.2\.0\.5 port 443; of VPC\/default\/red; /);
    assert.match(verified(wrong), /; \d+ rows are withheld$/);
    assert.doesNotMatch(verified(wrong), /secret/, 'what others are called is nothing for a tenant');
    const held = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Unproven');
    assert.match(conditionOf(held, 'Programmed')?.message ?? '', /rows of goal state are withheld because what is wanted is not proven, see condition Verified/);
    await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'False', 'Unproven');
  });

  test('is an event on the object, a figure, and for operators a sentence on the Fabric', async (t) => {
    const { house, fault } = await build(t);
    await createAll(house.client, [...smallFabric(), red, a1]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False');
    const fabric = await waitFor(house.client, cluster('Fabric', 'default'), 'Verified', 'False', 'WrongRow');
    assert.match(verified(fabric), /^attachment\/E1\/1 is wrong for secret; packet .* delivered to secret; rows /);
    assert.ok(((fabric.status as { withheld?: number }).withheld ?? 0) > 0);
    const metrics = await house.metrics.metrics();
    assert.match(metrics, /heddle_verify_violations\{code="WrongRow"\} 1/);
    assert.match(metrics, /heddle_verify_withheld_rows [1-9]/);
    assert.match(metrics, /heddle_verify_seconds_count [1-9]/);
    await until('an event tells', async () => (await reasons(house, 'a1')).includes('VerificationFailed'));
    fault.isOn = false;
    await update(house, red, { subnets: { front: { cidr: '10.1.0.0/24', dhcp: { leaseSeconds: 600 } } } });
    await update(house, a1, { subnet: 'front', address: '10.1.0.9' });
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'True');
    await until('and that it is over', async () => (await reasons(house, 'a1')).includes('Verified'));
    await until('the figures too', async () => /heddle_verify_withheld_rows 0/.test(await house.metrics.metrics()));
    await waitFor(house.client, cluster('Fabric', 'default'), 'Verified', 'True');
  });

  test('leaves what devices have of it, and heals with all that belongs to it when the fault is gone', async (t) => {
    const { house, fault } = await build(t);
    fault.isOn = false;
    await createAll(house.client, [...smallFabric(), red, blue, a1]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    const before = leafRow(house, 'attachment/E1/1');
    const hosts = (): string[] => [...house.goal.scope('device/leaf-1').rows.keys()].filter((id) => id.startsWith('host/'));
    const hostsBefore = hosts();
    fault.isOn = true;
    await house.client.delete(refOf(a1));
    await createAll(house.client, [attachment('a1', { vpc: 'blue', subnet: 'front', connection: 'a1--leaf-1' })]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False', 'WrongRow');
    const after = leafRow(house, 'attachment/E1/1');
    // It was deleted in between, or not: never half of the one and half of the other.
    assert.ok(after === undefined ? hosts().length === 0 : after === before && hosts().join() === hostsBefore.join());
    fault.isOn = false;
    const { version } = house.goal;
    await update(house, b1WithPort, { address: '10.2.0.77' });
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    assert.equal(house.goal.version, version + 1, 'all of it is one version');
    assert.equal(hosts().length, 1);
  });

  test('is as the compiler wants it in the end', async (t) => {
    const { house, fault } = await build(t);
    await createAll(house.client, [...smallFabric(), red, blue, a1, a2, b1, peering('p', [[{ vpc: 'red' }, { vpc: 'blue' }]])]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False');
    fault.isOn = false;
    await update(house, a1, { address: '10.1.0.9' });
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    const again = await buildHouse({ store: house.store, devices });
    await again.stop();
    assert.deepEqual(digests(house.goal), digests(again.goal));
    assert.equal(fault.isOn, false);
    for (const scope of house.goal.scopes()) {
      assert.deepEqual([...house.goal.scope(scope).rows.keys()].toSorted(), house.controller.compiler.rows(scope).map(rowId));
    }
  });

  test('is proven again by a controller that starts, and not published by it', async (t) => {
    const first = await build(t);
    await createAll(first.house.client, [...smallFabric(), red, blue, a1, a2, b1]);
    await waitFor(first.house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Unproven');
    await waitFor(first.house.client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
    await first.house.stop();
    const second = await build(t, { store: first.house.store });
    assert.equal(leafRow(second.house, 'attachment/E1/1'), undefined);
    assert.notEqual(leafRow(second.house, 'attachment/E1/2'), undefined);
    assert.deepEqual(digests(second.house.goal), digests(first.house.goal));
    await waitFor(second.house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False');
  });

  test('what ran before a start goes on although it is found wrong then, and says so', async (t) => {
    const first = await build(t, { judge: () => undefined });
    await createAll(first.house.client, [...smallFabric(), red, blue, a1, b1]);
    await waitFor(first.house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    await waitFor(first.house.client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
    await first.house.stop();
    const second = await build(t, { store: first.house.store });
    assert.notEqual(leafRow(second.house, 'attachment/E1/1'), undefined);
    const shown = await waitFor(second.house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False', 'WrongRow');
    assert.match(verified(shown), /devices have it all the same$/);
    await createAll(second.house.client, [a2]);
    await waitFor(second.house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
    second.fault.isOn = false;
    await update(second.house, a1, { address: '10.1.0.9' });
    await waitFor(second.house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'True');
  });

  const leased = (seconds: number): object => ({ subnets: { front: { cidr: '10.1.0.0/24', dhcp: { leaseSeconds: seconds } } } });
  const leases = ({ goal }: House): (number | undefined)[] =>
    ['leaf-1', 'leaf-2'].flatMap((device) => [...goal.scope(`device/${device}`).rows.in('segment')].map((row) => (row.table === 'segment' ? row.value.dhcp?.leaseSeconds : 0)));

  /** Segments that lease for 666 seconds are wrong; all is well with 600, and is to be 666 then. */
  const changed = async (t: TestContext): Promise<{ readonly first: Bench; readonly judge: Judge; readonly before: Resource }> => {
    const judge: Judge = (_, row) => (row.table === 'segment' && row.value.dhcp?.leaseSeconds === 666 ? { objects: ['VPCAttachment/default/a1'] } : undefined);
    const first = await build(t, { judge });
    first.fault.isOn = false;
    await createAll(first.house.client, [...smallFabric(), { ...red, spec: leased(600) }, a1, a2]);
    for (const object of [red, a1, a2]) await waitFor(first.house.client, refOf(object), 'Programmed', 'True');
    const before = await first.house.client.get(refOf(a1));
    await update(first.house, red, leased(666));
    for (const object of [red, a1, a2]) await waitFor(first.house.client, refOf(object), 'Programmed', 'False', 'Unproven');
    assert.deepEqual(leases(first.house), [600, 600], 'devices go on with what they have');
    const { rows } = first.house.controller.explain('leaf-1', { prefix: 'segment/' });
    assert.deepEqual(rows.map(({ withheld }) => withheld), ['Unproven']);
    await first.house.stop();
    return { first, judge, before };
  };

  test('leaves what devices have of it over a restart too, and heals after it', async (t) => {
    const { first, judge } = await changed(t);
    const second = await build(t, { store: first.house.store, judge, fault: first.fault });
    assert.deepEqual(leases(second.house), [600, 600]);
    assert.deepEqual(digests(second.house.goal), digests(first.house.goal));
    await waitFor(second.house.client, refOf(a1), 'Verified', 'False');
    await update(second.house, red, leased(700));
    for (const object of [red, a1, a2]) await waitFor(second.house.client, refOf(object), 'Programmed', 'True');
    assert.deepEqual(leases(second.house), [700, 700]);
    const { status } = await second.house.client.get(refOf(a1));
    assert.equal((status as { kept?: unknown }).kept, undefined);
  });

  test('is not published by a controller that starts after one that was killed before it could say so', async (t) => {
    const { first, judge, before } = await changed(t);
    await first.house.client.patchStatus(refOf(a1), { ...(before.status as object), kept: null });
    const second = await build(t, { store: first.house.store, judge, fault: first.fault });
    assert.ok(!leases(second.house).includes(666));
    await waitFor(second.house.client, refOf(a1), 'Verified', 'False');
  });

  test('is let go when it is deleted, and nothing of it is left', async (t) => {
    const { house } = await build(t);
    await createAll(house.client, [...smallFabric(), red, a1]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False');
    await house.client.delete(refOf(a1));
    await waitFor(house.client, tenant('VPC', 'red'), 'Programmed', 'True');
    await until('nothing is withheld', async () => /heddle_verify_withheld_rows 0/.test(await house.metrics.metrics()));
    await until('nor told of', async () => /heddle_verify_violations\{code="WrongRow"\} [1-9]/.test(await house.metrics.metrics()) === false);
  });

  test('a deletion of another object is not held up by it', async (t) => {
    const { house } = await build(t);
    await createAll(house.client, [...smallFabric(), red, a1, a2]);
    await waitFor(house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
    await house.client.delete(refOf(a2));
    await until('leaf-2 has let go', () => ![...house.goal.scope('device/leaf-2').rows.keys()].some((id) => id.startsWith('attachment/')));
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'False', 'Unproven');
  });
});

const b1WithPort = attachment('a1', { vpc: 'blue', subnet: 'front', connection: 'a1--leaf-1' });

const fabricWith = (verification: object): Resource[] => {
  const [fabric, ...others] = smallFabric();
  assert.ok(fabric !== undefined);
  return [{ ...fabric, spec: { verification } }, ...others];
};

describe('Fabric.spec.verification', () => {
  test('mode warn publishes what is wrong and tells', async (t) => {
    const { house } = await build(t);
    await createAll(house.client, [...fabricWith({ mode: 'warn' }), red, a1]);
    const shown = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False', 'WrongRow');
    assert.match(verified(shown), /devices have it all the same$/);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    assert.notEqual(leafRow(house, 'attachment/E1/1'), undefined);
  });

  test('mode off says nothing of objects, and what was withheld goes', async (t) => {
    const { house } = await build(t);
    await createAll(house.client, [...smallFabric(), red, a1]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'False');
    await update(house, smallFabric()[0] as Resource, { verification: { mode: 'off' } });
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'Unknown', 'Off');
    await createAll(house.client, [a2]);
    const other = await waitFor(house.client, tenant('VPCAttachment', 'a2'), 'Programmed', 'True');
    assert.equal(conditionOf(other, 'Verified'), undefined);
  });

  test('what is switched on learns of everything there is, and blocks nothing of it', async (t) => {
    const { house, verifier } = await build(t);
    await createAll(house.client, [...fabricWith({ mode: 'off' }), red, a1]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    await update(house, smallFabric()[0] as Resource, { verification: { mode: 'block' } });
    await waitFor(house.client, tenant('VPC', 'red'), 'Verified', 'False', 'WrongRow');
    assert.ok(verifier().observed > smallFabric().length + 2, 'claims too');
    assert.notEqual(leafRow(house, 'attachment/E1/1'), undefined);
    await createAll(house.client, [blue, b1]);
    await waitFor(house.client, tenant('VPCAttachment', 'b1'), 'Programmed', 'True');
  });

  test('a check that the budget does not suffice for is told, withheld, and made again with more room', async (t) => {
    const { house, verifier } = await build(t, { judge: () => undefined });
    await createAll(house.client, fabricWith({ budget: { milliseconds: 3 } }));
    await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
    verifier().rowsAMillisecond = 0.5;
    await createAll(house.client, [red, a1]);
    const waiting = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'Unknown', 'BudgetExhausted');
    assert.match(verified(waiting), /did not suffice; \d+ rows are withheld$/);
    assert.match(await house.metrics.metrics(), /heddle_verify_exhausted_total [1-9]/);
    assert.equal(leafRow(house, 'attachment/E1/1'), undefined);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    assert.ok(verifier().budgets.some((budget) => budget?.milliseconds === 6));
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'True');
  });

  test('a verifier that fails proves nothing, says so, and is asked again', async (t) => {
    const { house, verifier } = await build(t, { judge: () => undefined });
    await createAll(house.client, smallFabric());
    await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
    const made = verifier();
    const check = made.check.bind(made);
    made.check = () => {
      throw new TypeError('fault of its own');
    };
    await createAll(house.client, [red, a1]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'Unknown', 'VerifierFailed');
    assert.equal(leafRow(house, 'attachment/E1/1'), undefined);
    made.check = check;
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'True');
  });

  test('whenExhausted warn publishes what was not checked to its end, and says so until it was', async (t) => {
    const { house, verifier } = await build(t, { judge: () => undefined });
    await createAll(house.client, fabricWith({ budget: { milliseconds: 3 }, whenExhausted: 'warn' }));
    await waitFor(house.client, cluster('Switch', 'leaf-1'), 'Programmed', 'True');
    verifier().rowsAMillisecond = 0;
    await createAll(house.client, [red, a1]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
    const shown = await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'Unknown', 'BudgetExhausted');
    assert.match(verified(shown), /devices have it all the same$/);
    verifier().rowsAMillisecond = 1000;
    await createAll(house.client, [blue]);
    await waitFor(house.client, tenant('VPCAttachment', 'a1'), 'Verified', 'True');
  });
});

test('that something is proven is told with the first status that it has', async (t) => {
  const { house } = await build(t, { judge: () => undefined });
  const all = [...smallFabric(), red, blue, a1, a2, b1];
  await createAll(house.client, all);
  for (const object of all) {
    const { status } = await until('it has a status', async () => {
      const current = await house.client.get(refOf(object));
      return current.status === undefined ? undefined : current;
    });
    const types = (status as { conditions: { type: string }[] }).conditions.map(({ type }) => type);
    assert.deepEqual(types.slice(0, 3), ['Accepted', 'Programmed', 'Verified'], object.metadata.name);
  }
});
