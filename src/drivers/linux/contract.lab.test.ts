import { after, before, describe, it } from 'node:test';
import { contract } from '../contract.ts';
import { contractGoals } from './fixture/goals.ts';
import { createLoneLeaf } from './fixture/leaf.ts';
import type { LoneLeaf } from './fixture/leaf.ts';

describe('the Linux driver', () => {
  let lone: LoneLeaf;
  before(async () => {
    lone = await createLoneLeaf('hdc');
  });
  after(() => lone.destroy());

  for (const { name, check } of contract) {
    it(name, () =>
      check({ converge: lone.leaf.converge, plan: lone.leaf.plan, restart: lone.leaf.restartAgent }, contractGoals));
  }
});
