import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ActualRequestSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import type { Row } from '../goal/rows.ts';
import { merge } from '../goal/tables.ts';
import type { Vni } from '../net/brand.ts';
import type { Findings } from '../southbound/inquiries.ts';
import { until } from '../southbound/testing.ts';
import { answerTo, type Inspection } from './inspection.ts';
import { Bench, MemoryDevice, goalTexts, sameRows } from './testing.ts';

const vrf = (name: string): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description: '' } });

const foundOf = (findings: Findings) => (findings.ok ? findings.found : assert.fail(findings.reason));
const reasonOf = (findings: Findings): string => (findings.ok ? 'known' : findings.reason);

describe('asking a device what it really has', () => {
  let bench: Bench;
  let device: MemoryDevice;

  beforeEach(async () => {
    bench = new Bench();
    device = new MemoryDevice();
    bench.commit('device/leaf-1', [vrf('a'), vrf('b'), vrf('c')]);
    await bench.serve();
    bench.southbound.setDevices(['leaf-1']);
  });
  afterEach(() => bench.close());

  const settled = async (): Promise<void> => {
    await bench.agent('leaf-1', device);
    await until('the device is equal to its goal', () => sameRows(device.rows, goalTexts(bench.goal, 'leaf-1')));
    await until('it said so', () => bench.heard('leaf-1', 'device/leaf-1', 'verified').length > 0);
  };

  it('answers nothing but versions when all is as it is to be', async () => {
    await settled();
    const { versions, differing, surplus } = foundOf(await bench.southbound.inspect('leaf-1', {}, 5000));
    assert.deepEqual([[...versions], differing.size, surplus], [[['device/leaf-1', 1]], 0, []]);
  });

  it('tells what was broken by hand before it is repaired, and what is there too much', async () => {
    await settled();
    device.rows.delete('vrf/a');
    device.rows.set('vrf/b', 'something else');
    device.rows.set('vrf/z', 'a stranger');
    const { differing, surplus } = foundOf(await bench.southbound.inspect('leaf-1', {}, 5000));
    assert.deepEqual([...differing.keys()], ['vrf/a', 'vrf/b']);
    assert.match(differing.get('vrf/a') ?? '', /^set vrf\/a /);
    assert.deepEqual(surplus, ['delete vrf/z']);
    await until('it is repaired', () => sameRows(device.rows, goalTexts(bench.goal, 'leaf-1')));
    assert.equal(foundOf(await bench.southbound.inspect('leaf-1', {}, 5000)).differing.size, 0);
  });

  it('says of a row that fails why it fails', async () => {
    device.broken.add('vrf/b');
    await bench.agent('leaf-1', device);
    await until('it failed', () => bench.heard('leaf-1', 'device/leaf-1', 'programmed').some(({ failed }) => failed.length > 0));
    assert.equal(foundOf(await bench.southbound.inspect('leaf-1', {}, 5000)).differing.get('vrf/b'), 'Broken: this row cannot be written');
  });

  it('is unknown of a device that is not there, cannot be read, goes, or takes too long', async () => {
    assert.equal(reasonOf(await bench.southbound.inspect('leaf-1', {}, 5000)), 'it is not connected');
    await settled();
    device.unreadable = 'no such device';
    assert.equal(reasonOf(await bench.southbound.inspect('leaf-1', {}, 5000)), 'the device cannot be read: no such device');
    device.unreadable = undefined;
    const open = device.block();
    bench.commit('device/leaf-1', [vrf('a'), vrf('b'), vrf('c'), vrf('d')]);
    await until('a step is under way', () => device.applied.length > 0 && device.reads > 1);
    assert.equal(reasonOf(await bench.southbound.inspect('leaf-1', {}, 20)), 'it did not answer within 20 ms');
    const asked = bench.southbound.inspect('leaf-1', {}, 5000);
    open();
    assert.ok((await asked).ok, 'who waits long enough is answered');
  });

  it('answers page by page, and only what was asked for', () => {
    const rows = ['a', 'b', 'c', 'd'].map(vrf);
    const ops = rows.map(({ key }) => ({ key, argv: ['set', key] as const, after: [], rows: [`vrf/${key}`] }));
    const found: Inspection = {
      goal: { revision: 1, tables: merge([rows]), versions: new Map(), isolated: false, mark: () => '' },
      plan: { ops, unrealisable: [] },
      failures: new Map(),
    };
    const keys = (request: object): [string[], number] => {
      const { differing, remaining } = answerTo(create(ActualRequestSchema, request), found);
      return [differing.map(({ key }) => key), remaining];
    };
    assert.deepEqual(keys({}), [['a', 'b', 'c', 'd'], 0]);
    assert.deepEqual(keys({ limit: 3 }), [['a', 'b', 'c'], 1]);
    assert.deepEqual(keys({ limit: 3, after: 'vrf/c' }), [['d'], 0]);
    assert.deepEqual(keys({ tables: ['segment'] }), [[], 0]);
    assert.deepEqual(keys({ rows: [{ table: 'vrf', key: 'b' }] }), [['b'], 0]);
    const isolated = { ...found, goal: { ...found.goal, isolated: true } };
    assert.match(answerTo(create(ActualRequestSchema, {}), isolated).failure, /isolated/);
  });
});
