import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Op } from '../drivers/driver.ts';
import { Backoff } from './backoff.ts';

const op = (key: string, ...after: string[]): Op => ({ key, argv: ['do', key], after, rows: [`vrf/${key}`] });
const failure = { code: 'Failed', message: 'no' };
const keysOf = (ops: readonly Op[]): string[] => ops.map(({ key }) => key);

describe('back-off of failed steps', () => {
  const plan = [op('a'), op('b', 'a'), op('c', 'b'), op('d')];

  test('a step that waits holds back all that comes after it, and nothing else', () => {
    const backoff = new Backoff({ first: 100, longest: 1000 });
    assert.deepEqual(keysOf(backoff.admit(plan, 0)), ['a', 'b', 'c', 'd']);
    backoff.failed(op('a'), failure, 0);
    assert.deepEqual(keysOf(backoff.admit(plan, 99)), ['d']);
    assert.deepEqual(keysOf(backoff.admit(plan, 100)), ['a', 'b', 'c', 'd']);
  });

  test('holds back the right ones of very many, in whatever order they come', () => {
    const backoff = new Backoff();
    const many = Array.from({ length: 150_000 }, (_, index) => op(`${index}`, ...(index % 3 === 0 ? [] : [`${index - 1}`])));
    for (const step of many.slice(0, 140_000)) if (step.after.length === 0) backoff.failed(step, failure, 0);
    for (const steps of [many, many.toReversed()]) assert.equal(backoff.admit(steps, 0).length, 10_000 - 1);
    assert.equal(backoff.earliest(), 200);
  });

  test('waits twice as long each time, up to the limit', () => {
    const backoff = new Backoff({ first: 100, longest: 300 });
    const waits = [1, 2, 3, 4].map(() => {
      backoff.failed(op('a'), failure, 0);
      return backoff.earliest();
    });
    assert.deepEqual(waits, [100, 200, 300, 300]);
  });

  test('forgets a step that succeeded, and one that the plan no longer has', () => {
    const backoff = new Backoff();
    backoff.failed(op('a'), failure, 0);
    backoff.failed(op('b'), failure, 0);
    assert.deepEqual([...backoff.failures().keys()], ['vrf/a', 'vrf/b']);
    backoff.succeeded(op('a'));
    backoff.admit([op('d')], 0);
    assert.equal(backoff.failures().size, 0);
    assert.equal(backoff.earliest(), undefined);
  });

  test('a step without rows is named by its key', () => {
    const backoff = new Backoff();
    backoff.failed({ ...op('link/x'), rows: [] }, failure, 0);
    assert.deepEqual([...backoff.failures()], [['link/x', failure]]);
  });
});
