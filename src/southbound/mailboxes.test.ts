import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { DropSchema, Phase, type Result, ResultSchema, RowFailureSchema, type Update, UpdateSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { messageOfRow, rowOfMessage } from '../goal/codec.ts';
import type { Vni } from '../net/brand.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';

const part = (scope: string, keys: readonly string[], more = false, digest = 0n): Update =>
  create(UpdateSchema, {
    scope,
    toVersion: 7n,
    full: true,
    digest,
    term: 3n,
    more,
    upserts: keys.map((name) => messageOfRow({ table: 'vrf', key: name, value: { name, vni: 1 as Vni, description: '' } })),
  });

describe('inbox of a device', () => {
  test('parts become one update with the digest of the last, and are not changed themselves', () => {
    const inbox = new Inbox();
    const parts = [part('vpc/1', ['a', 'b'], true), part('vpc/1', ['c'], true), part('vpc/1', [], false, 9n)];
    inbox.drop(create(DropSchema, { scope: 'vpc/0' }));
    for (const one of parts) inbox.update(one, 100);
    inbox.update(part('device/leaf-1', ['d']), 100);
    const taken = inbox.take();
    assert.ok(!('refused' in taken));
    assert.deepEqual(taken.drops.map(({ scope }) => scope), ['vpc/0']);
    const [first, second] = taken.updates;
    assert.deepEqual(first?.upserts.map((row) => rowOfMessage(row).id), ['vrf/a', 'vrf/b', 'vrf/c']);
    assert.deepEqual([first?.digest, first?.full, first?.more, first?.toVersion, first?.term], [9n, true, false, 7n, 3n]);
    assert.equal(second?.scope, 'device/leaf-1');
    assert.deepEqual(parts.map(({ upserts }) => upserts.length), [2, 1, 0]);
    assert.deepEqual(inbox.take(), { drops: [], updates: [] });
  });

  test('a transaction that is too large is refused, every scope of it, and keeps no rows', () => {
    const inbox = new Inbox(1000);
    inbox.update(part('vpc/1', ['a']), 500);
    for (let count = 0; count < 50; count += 1) inbox.update(part('vpc/2', ['b'], true), 500);
    inbox.update(part('vpc/2', ['c']), 500);
    const taken = inbox.take();
    assert.ok('refused' in taken);
    assert.match(taken.reason, /26000 bytes is more than this device takes, 1000/);
    assert.deepEqual(taken.refused.map(({ scope, toVersion, upserts }) => [scope, toVersion, upserts.length]), [['vpc/1', 7n, 0], ['vpc/2', 7n, 0]]);
    inbox.update(part('vpc/1', ['a']), 500);
    assert.ok(!('refused' in inbox.take()));
  });
});

describe('outbox of a device', () => {
  const result = (scope: string, phase: Phase, version = 1n, failed = 0): Result => {
    const rows = Array.from({ length: failed }, (_, index) => create(RowFailureSchema, { table: 'vrf', key: String(index) }));
    return create(ResultSchema, { scope, version, phase, failed: rows });
  };
  const collect = (): { readonly outbox: Outbox; readonly sent: [string, Phase, bigint][][] } => {
    const sent: [string, Phase, bigint][][] = [];
    const outbox = new Outbox((results) => void sent.push(results.map(({ scope, phase, version }) => [scope, phase, version])));
    return { outbox, sent };
  };
  const { RECEIVED, PROGRAMMED, VERIFIED, REFUSED } = Phase;

  test('results of one turn go together, and of a scope only the last phase', async () => {
    const { outbox, sent } = collect();
    for (const scope of ['vpc/1', 'device/leaf-1']) outbox.put(result(scope, RECEIVED));
    for (const phase of [PROGRAMMED, VERIFIED]) for (const scope of ['vpc/1', 'device/leaf-1']) outbox.put(result(scope, phase));
    assert.deepEqual(sent, []);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(sent, [[['vpc/1', VERIFIED, 1n], ['device/leaf-1', VERIFIED, 1n]]]);
  });

  test('nothing is left out that a later result does not imply', () => {
    const { outbox, sent } = collect();
    const steps: [Phase, bigint][] = [[RECEIVED, 1n], [RECEIVED, 2n], [VERIFIED, 2n], [PROGRAMMED, 2n], [REFUSED, 3n], [RECEIVED, 4n], [REFUSED, 5n]];
    for (const [phase, version] of steps) outbox.put(result('vpc/1', phase, version));
    outbox.flush();
    assert.deepEqual(sent.flat().map(([, phase, version]) => [phase, version]), [
      [RECEIVED, 1n],
      [VERIFIED, 2n],
      [PROGRAMMED, 2n],
      [REFUSED, 3n],
      [RECEIVED, 4n],
      [REFUSED, 5n],
    ]);
  });

  test('many failures go in several messages', () => {
    const { outbox, sent } = collect();
    for (let scope = 0; scope < 10; scope += 1) outbox.put(result(`vpc/${scope}`, PROGRAMMED, 1n, 1000));
    outbox.flush();
    assert.deepEqual(sent.map(({ length }) => length), [4, 4, 2]);
  });
});
