import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantedOvnVersions } from './ovn.ts';

test('HEDDLE_BENCH_PEER chooses the releases, and what it does not know it refuses', () => {
  assert.deepEqual(wantedOvnVersions('none'), []);
  assert.deepEqual(wantedOvnVersions('25.03'), ['25.03']);
  assert.deepEqual(wantedOvnVersions('both'), ['23.03', '25.03']);
  assert.throws(() => wantedOvnVersions('24.03'), /HEDDLE_BENCH_PEER is "24.03": say none, both, 23.03 or 25.03/);
});
