/** Commands that are foreseen from one goal to the next are those that a real switch then plans. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../goal/rows.ts';
import { merge } from '../../goal/tables.ts';
import { contractGoals } from './fixture/goals.ts';
import { createLoneLeaf, type LoneLeaf } from './fixture/leaf.ts';
import { foreseeLinux } from './foresee.ts';

const way = ['underlay', 'vpc', 'attached', 'secondVpc', 'peered', 'moved', 'attached', 'underlay'] as const;

describe('what is foreseen of a Linux switch', () => {
  let lone: LoneLeaf;

  before(async () => (lone = await createLoneLeaf('hlv5')));
  after(() => lone.destroy());

  /** Until nothing is left to do. */
  const settle = async (goal: readonly Row[]): Promise<readonly string[]> => {
    let left: readonly string[] = [];
    for (let round = 0; round < 30; round += 1) {
      const { steps, failed, capabilities } = await lone.leaf.converge(goal);
      if (steps.length === 0) return capabilities;
      left = [...failed.map(({ message }) => message), ...steps.map(({ command }) => command)];
      await sleep(100);
    }
    return assert.fail(`never at rest: ${left.join('\n')}`);
  };

  /** Where the agent keeps its files, and of what process it is, no plan knows. */
  const plain = (command: string): string =>
    command.replaceAll(lone.leaf.runDirectory, '/run/heddle/leaf').replaceAll(/\$\(cat \S+\.pid\)/g, 'PID').replaceAll(/(?<=^(kill|sh -c) .*)\b\d+\b/g, 'PID').replaceAll(/\/proc\/\d+\/status/g, '/proc/PID/status').replaceAll(/\/proc\/\d+\/ns\/net/g, '/proc/1/ns/net').replaceAll(/\S*vlan\S*\.o\b/g, 'vlan.bpf.o');

  it('is what it plans', async () => {
    let capabilities = await settle(contractGoals[way[0]]);
    for (const [index, name] of way.slice(1).entries()) {
      const [former, next] = [contractGoals[way[index] ?? 'underlay'], contractGoals[name]];
      const planned = (await lone.leaf.plan(next)).steps.map(({ command }) => plain(command));
      const foreseen = foreseeLinux(merge([former]), merge([next]), 'leaf', capabilities).map((command) => plain(command.split(" <<'END'")[0] ?? ''));
      assert.ok(planned.length > 0);
      assert.deepEqual(foreseen.toSorted(), planned.toSorted(), `${way[index]} -> ${name}`);
      capabilities = await settle(next);
    }
  });
});
