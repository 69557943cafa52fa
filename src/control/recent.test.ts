import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentLosses } from './recent.ts';

test('who looks back a short while takes nothing from who looks back further', () => {
  const recent = new RecentLosses();
  recent.lost('vpc/1', 40, 1000);
  recent.lost('vpc/1', 2, 5000);
  assert.equal(recent.count('vpc/1', 4000), 2);
  assert.equal(recent.count('vpc/1', 1000), 42);
});

test('what is older than the longest window is forgotten', () => {
  const recent = new RecentLosses();
  recent.lost('vpc/1', 40, 1000);
  assert.deepEqual(recent.counts(1001), new Map());
  assert.ok(recent.isEmpty);
});
