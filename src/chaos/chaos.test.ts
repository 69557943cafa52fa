/** The seeds that every test run goes through; `npm run chaos` takes fresh ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFailure, runChaos } from './run.ts';
import { readSeeds, type Seed } from './seeds.ts';

const fixed: readonly Seed[] = [
  { seed: 1, store: 'memory' },
  { seed: 2, store: 'sqlite' },
  { seed: 209, store: 'memory' },
  { seed: 4, store: 'sqlite' },
];

/** Runs wait more than they compute, so several go on side by side. */
const sideBySide = 4;

test('whatever goes wrong on the way, devices end up right, hold nothing of others, and nothing was promised in vain', async () => {
  const waiting = [...fixed, ...readSeeds()].values();
  const failures: string[] = [];
  let judged = 0;
  const work = async (): Promise<void> => {
    for (const seed of waiting) {
      const result = await runChaos({ ...seed, rounds: 2, steps: 30 });
      judged += result.judged;
      if (result.wrong.length > 0) failures.push(formatFailure(result));
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, work));
  assert.equal(failures.join('\n\n'), '');
  assert.ok(judged > 0, 'no claim of the API was compared with a device');
});
