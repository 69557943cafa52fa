/** Seeds that once failed, one a line: `<seed> <store>`, and after a `#` what it was that they found. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChaosOptions } from './world.ts';

export interface Seed extends Pick<ChaosOptions, 'seed' | 'store'> {}

export const seedsFile = join(import.meta.dirname, '..', '..', 'testdata', 'chaos', 'seeds.txt');

/** Each once, in the order of the file. @throws Error with the line that is none */
export const readSeeds = (text = readFileSync(seedsFile, 'utf8')): readonly Seed[] => {
  const seeds = new Map<string, Seed>();
  for (const line of text.split('\n')) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    const [seed = '', store = ''] = words;
    if (seed === '') continue;
    if (!/^\d+$/.test(seed) || (store !== 'memory' && store !== 'sqlite')) throw new Error(`not a seed and a store: "${line}"`);
    seeds.set(`${seed} ${store}`, { seed: Number(seed), store });
  }
  return [...seeds.values()];
};
