/**
 * The mappings of mappings.ts through a control plane as `heddle server` opens it, in a process of its own: created by its
 * client, checked, stored in SQLite, heard of by watch, compiled and committed. `VPCs` as argument, one JSON object as answer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { openControlPlane } from '../src/cli/server.ts';
import type { GoalState } from '../src/goal/state.ts';
import { createLogger } from '../src/kit/log.ts';
import { residentMegabytes } from './peers/meter.ts';
import { mapping, mappingsOf, networks, perSlice, sliceName, sliceOf, slicesPerVpc } from './mappings.workload.ts';

const rounds = 100;

export interface ServerMeasured {
  readonly mappings: number;
  readonly loadSeconds: number;
  readonly loadCpuSeconds: number;
  readonly residentMegabytes: number;
  /** Milliseconds, one entry a round. */
  readonly changed: readonly number[];
}

const rowsOf = (goal: GoalState): number => [...goal.scopes()].reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);

const measure = async (vpcs: number, data: string): Promise<ServerMeasured> => {
  let found: GoalState | undefined;
  const log = createLogger({ name: 'server', level: 'error' });
  const { client, close } = await openControlPlane({ data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log, (opened) => (found = opened));
  if (found === undefined) throw new Error('the control plane has no goal state');
  const goal = found;
  for (const object of networks(vpcs)) await client.create(object);
  const mappings = vpcs * slicesPerVpc * perSlice;
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  for (let vpc = 0; vpc < vpcs; vpc++) {
    const slices = Array.from({ length: slicesPerVpc }, (_, slice) => sliceOf(vpc, sliceName(vpc, slice), mappingsOf(vpc, slice)));
    await Promise.all(slices.map((slice) => client.create(slice)));
  }
  while (rowsOf(goal) < mappings) await delay(5);
  const loadSeconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  // Conditions of a thousand slices are still being written.
  await delay(3000);
  const resident = residentMegabytes(process.pid);
  const changed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [vpc, host] = [round % vpcs, (round * 37) % perSlice];
    const stored = await client.get({ kind: 'MappingSlice', namespace: 'default', name: sliceName(vpc, 3) });
    const moved = mappingsOf(vpc, 3).with(host, mapping(vpc, 3 * perSlice + host, 300 + round));
    const { version } = goal;
    const start = performance.now();
    await client.update({ ...stored, spec: sliceOf(vpc, '', moved).spec });
    while (goal.version === version) await nextTurn();
    changed.push(performance.now() - start);
  }
  await close();
  return { mappings, loadSeconds, loadCpuSeconds: (user + system) / 1e6, residentMegabytes: resident, changed };
};

const data = mkdtempSync(join(tmpdir(), 'heddle-mappings-'));
try {
  process.stdout.write(JSON.stringify(await measure(Number(process.argv[2]), data)));
} finally {
  rmSync(data, { recursive: true });
}
