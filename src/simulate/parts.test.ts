import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { messageOfRow } from '../goal/codec.ts';
import { FromServerSchema, RowKeySchema, UpdateSchema, type Update } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { TransactionSchema } from '../goal/gen/heddle/agent/v1/journal_pb.ts';
import type { Row } from '../goal/rows.ts';
import { isJsonObject, type JsonObject } from '../kit/json.ts';
import { serveControl } from './control.ts';
import { SimulatedDevice } from './device.ts';
import { matches, noFaults } from './faults.ts';
import { SharedJournal } from './journal.ts';
import { Random } from './random.ts';
import { SharedDecoder } from './sharing.ts';
import { Stage, vrf } from './testing.ts';

test('a simulated device tells the agent that runs what it sees', () => {
  const device = new SimulatedDevice({ name: 'leaf-1', random: new Random(1), faults: () => noFaults });
  const seen: unknown[] = [];
  device.see({ underlay: [] });
  device.grip().driver.observe?.((observation) => seen.push(observation));
  device.see({ underlay: [{ port: 'E1/49', established: true }] });
  assert.deepEqual(seen, [{ underlay: [{ port: 'E1/49', established: true }] }]);
});

describe('chance', () => {
  test('one seed is one story, and a name is a story of its own', () => {
    const draw = (random: Random): number[] => Array.from({ length: 5 }, () => random.next());
    assert.deepEqual(draw(Random.named(7, 'leaf-1')), draw(Random.named(7, 'leaf-1')));
    assert.notDeepEqual(draw(Random.named(7, 'leaf-1')), draw(Random.named(7, 'leaf-2')));
    assert.notDeepEqual(draw(Random.named(7, 'leaf-1')), draw(Random.named(8, 'leaf-1')));
  });

  test('what is drawn lies where it should, and evenly', () => {
    const random = new Random(3);
    const draws = Array.from({ length: 10_000 }, () => random.below(10));
    for (let digit = 0; digit < 10; digit += 1) {
      const count = draws.filter((drawn) => drawn === digit).length;
      assert.ok(count > 800 && count < 1200, `${digit} was drawn ${count} times`);
    }
    assert.equal(random.chance(0), false);
    assert.equal(random.chance(1), true);
    assert.equal(random.pick([]), undefined);
    const waits = Array.from({ length: 10_000 }, () => random.until(5));
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    assert.ok(mean > 4.7 && mean < 5.3);
  });
});

test('a pattern of rows matches as in a shell, without its other magic', () => {
  const fitting = [['host/*', 'host/5/10.0.0.1'], ['*', 'vrf/a'], ['*/a', 'vrf/a'], ['a*b*c', 'abc'], ['vrf/a', 'vrf/a']] as const;
  for (const [pattern, row] of fitting) {
    assert.ok(matches(pattern, row), `${pattern} ${row}`);
  }
  const others = [['host/*', 'vrf/a'], ['vrf/a', 'vrf/ab'], ['*/a', 'vrf/b'], ['ab*bc', 'abc'], ['v.f/a', 'vrf/a']] as const;
  for (const [pattern, row] of others) {
    assert.ok(!matches(pattern, row), `${pattern} ${row}`);
  }
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
  fc.assert(
    fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, row) => {
      assert.equal(matches(pattern, row), new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(row));
    }),
  );
});

const update = (scope: string, init: Partial<Pick<Update, 'full' | 'upserts' | 'deletes'>>): Update =>
  create(UpdateSchema, { scope, ...init });
const rowsIn = (updates: readonly Update[]): Record<string, string[]> =>
  Object.fromEntries(updates.map(({ scope, upserts }) => [scope, upserts.map(({ key }) => key).toSorted()]));
const messages = (...rows: Row[]): ReturnType<typeof messageOfRow>[] => rows.map(messageOfRow);

describe('the journal of a simulated device', () => {
  const write = (journal: SharedJournal, ...updates: Update[]): void =>
    journal.append(create(TransactionSchema, { bootEpoch: 'e', term: 3n, updates }));
  const updatesOf = (journal: SharedJournal): Update[] =>
    [...journal.recover().transactions].flatMap(({ updates }) => updates as Update[]);

  test('holds what the transactions come to', () => {
    const journal = new SharedJournal(new SharedDecoder());
    assert.deepEqual([...journal.recover().transactions], []);
    const first = update('vpc/1', { full: true, upserts: messages(vrf('a'), vrf('b')) });
    write(journal, first, update('vpc/2', { full: true, upserts: messages(vrf('z')) }));
    const gone = create(RowKeySchema, { table: 'vrf', key: 'a', number: 16 });
    write(journal, update('vpc/1', { upserts: messages(vrf('c')), deletes: [gone] }));
    journal.append(create(TransactionSchema, { bootEpoch: 'e', term: 4n, drops: ['vpc/2'] }));
    assert.deepEqual(rowsIn(updatesOf(journal)), { 'vpc/1': ['b', 'c'] });
    const [head] = journal.recover().transactions;
    assert.deepEqual([head?.term, head?.reset, updatesOf(journal).every(({ full }) => full)], [4n, true, true]);
    journal.wipe();
    assert.deepEqual([...journal.recover().transactions], []);
  });

  test('shares its rows with every other that was told the same', () => {
    const decoder = new SharedDecoder();
    const journals = [new SharedJournal(decoder), new SharedJournal(decoder)];
    const told = update('vpc/1', { full: true, upserts: messages(vrf('a')) });
    for (const journal of journals) write(journal, told);
    const rows = journals.map((journal) => updatesOf(journal).flatMap(({ upserts }) => upserts.map(decoder.row))[0]);
    assert.ok(rows[0] !== undefined);
    assert.equal(rows[0], rows[1]);
  });
});

describe('shared decoding', () => {
  const bytesOf = (scope: string): Uint8Array =>
    toBinary(FromServerSchema, create(FromServerSchema, { message: { case: 'update', value: update(scope, {}) } }));

  test('equal bytes are one message, whatever buffer they are in, and others are not', () => {
    const decoder = new SharedDecoder();
    const bytes = bytesOf('vpc/1');
    const message = decoder.message(bytes);
    assert.equal(decoder.message(Uint8Array.from(bytes)), message);
    bytes.fill(0);
    assert.equal(message.message.case === 'update' && message.message.value.scope, 'vpc/1');
    assert.notEqual(decoder.message(bytesOf('vpc/2')), message);
    assert.equal(decoder.decoded, 2);
  });

  test('what is remembered is bounded', () => {
    const decoder = new SharedDecoder(30);
    const first = decoder.message(bytesOf('vpc/1'));
    for (let index = 2; index < 9; index += 1) decoder.message(bytesOf(`vpc/${index}`));
    assert.notEqual(decoder.message(bytesOf('vpc/1')), first);
  });
});

test('another program asks and drives by lines of JSON', async () => {
  const stage = new Stage();
  await stage.open(['leaf-1', 'leaf-2']);
  try {
    const fleet = await stage.fleet(['leaf-1', 'leaf-2']);
    const input = new PassThrough();
    const answers: unknown[] = [];
    const served = serveControl({ fleet, input, output: (line) => void answers.push(JSON.parse(line)) });
    const questions = [
      { id: 1, command: 'status' },
      { id: 2, command: 'wipe', devices: ['leaf-2'] },
      { id: 3, command: 'digests', share: 0.5 },
      { id: 4, command: 'acknowledgements', version: 7 },
      { id: 5, command: 'dance' },
      { id: 6, command: 'wipe', devices: ['leaf-9'] },
    ];
    for (const question of questions) input.write(`${JSON.stringify(question)}\n`);
    input.write('not JSON\n\n{"command": "quit"}\n');
    await served;
    const answer = (id: number): JsonObject => answers.filter(isJsonObject).find((each) => each['id'] === id) ?? {};
    assert.equal(answer(1)['devices'], 2);
    assert.equal(fleet.agent('leaf-2').running, false);
    assert.deepEqual(Object.keys(answer(3)['devices'] ?? {}), ['leaf-1']);
    assert.deepEqual(answer(4)['versions'], [{ version: 7, received: { devices: 0 }, programmed: { devices: 0 } }]);
    assert.match(String(answer(5)['error']), /command "dance" is not one of status, /);
    assert.match(String(answer(6)['error']), /there is no simulated device "leaf-9"/);
    assert.deepEqual(answers.slice(6).map((each) => isJsonObject(each) && each['ok']), [false, true]);
  } finally {
    await stage.close();
  }
});
