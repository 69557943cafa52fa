import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { refKey, refOf } from '../api/object.ts';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { HeddleError } from '../kit/error.ts';
import { until } from '../kit/testing.ts';
import { readExplainQuery } from './explain.ts';
import { buildHouse, createAll, tenant, waitFor, type House } from './testing.ts';

const red = vpc('red', { front: '10.1.0.0/24', back: '10.1.1.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });

const house = async (t: TestContext, devices = ['spine-1', 'leaf-1', 'leaf-2']): Promise<House> => {
  const built = await buildHouse({ devices });
  t.after(() => built.stop());
  await createAll(built.client, [...smallFabric(), red, a1]);
  return built;
};

test('a row is explained with its scope, value, objects and whether the device has it', async (t) => {
  const { controller, client, goal } = await house(t);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const { rows, scopes } = controller.explain('leaf-1', { row: 'attachment/E1/1' });
  const [row] = rows;
  assert.equal(row?.scope, 'device/leaf-1');
  assert.equal(row.version, goal.scope('device/leaf-1').version);
  assert.ok(row.acknowledged && row.failure === undefined && row.held === undefined);
  assert.equal((row.value as { port?: string }).port, 'E1/1');
  const from = row.objects.map((object) => `${refKey(object)} ${object.generation}`);
  assert.ok(from.includes('VPCAttachment/default/a1 1') && from.includes('VPC/default/red 1'), from.join(', '));
  assert.deepEqual(scopes.map(({ scope }) => scope), goal.subscriptions('leaf-1'));
});

test('all rows are listed, with shared scopes, and those of a table alone', async (t) => {
  const { controller, client, goal } = await house(t);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const all = controller.explain('leaf-1', {});
  assert.equal(all.rows.length, goal.subscriptions('leaf-1').reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0));
  assert.ok(all.rows.every(({ objects, acknowledged, value }) => objects.length > 0 && acknowledged && value === undefined));
  assert.deepEqual(controller.explain('leaf-1', { prefix: 'vrf/' }).rows.map(({ scope }) => scope), ['vpc/5000']);
  assert.equal(controller.explain('leaf-1', { limit: 2 }).remaining, all.rows.length - 2);
});

test('a row that the device has not got yet, or refuses, is told apart from those it has', async (t) => {
  const { controller, client, fleet } = await house(t);
  await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  fleet.answering = false;
  await createAll(client, [attachment('b1', { vpc: 'red', subnet: 'front', connection: 'b1--leaf-1' })]);
  await until('it is compiled', async () => controller.explain('leaf-1', { prefix: 'attachment/' }).rows.length === 2);
  const told = (): (boolean | string)[] =>
    controller.explain('leaf-1', { prefix: 'attachment/' }).rows.map(({ acknowledged, failure }) => failure?.code ?? acknowledged);
  assert.deepEqual(told(), [true, false]);
  fleet.fail('leaf-1', { table: 'attachment', key: 'E1/1', code: 'CommandFailed', message: 'no' });
  fleet.answering = true;
  fleet.answerAll();
  assert.deepEqual(told(), ['CommandFailed', true]);
});

test('who asks for a row that is not there is told of those that are near it', async (t) => {
  const { controller, client } = await house(t);
  await waitFor(client, refOf(a1), 'Programmed', 'True');
  assert.throws(() => controller.explain('leaf-1', { row: 'attachment/E1/11' }), (error) => {
    assert.ok(error instanceof HeddleError && error.code === 'NotFound');
    assert.match(error.message, /^"leaf-1" has no row "attachment\/E1\/11"; near it: "attachment\/E1\/1"/);
    return true;
  });
  assert.throws(() => controller.explain('leaf-9', { row: 'vrf/x' }), /it has no rows at all/);
});

test('a question with a slip in it is refused, not answered with everything', () => {
  const asked = (text: string) => readExplainQuery(new URLSearchParams(text));
  assert.deepEqual(asked('row=bgp/x&timeout=32s'), { row: 'bgp/x' });
  assert.throws(() => asked('rows=bgp/x'), /"rows" is no parameter here; use row, prefix or limit/);
  assert.throws(() => asked('limit=many'), /limit "many"/);
});
