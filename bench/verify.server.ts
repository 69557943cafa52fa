/**
 * One measurement of verify.ts in a process of its own: a whole control plane as `heddle server` opens it, loaded by its client and
 * changed, `VPCS block|off` as arguments, one JSON object as answer. What a processor did is told beside the time, for the time
 * is that of a disk and of whatever else runs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Resource } from '../src/api/object.ts';
import { openControlPlane } from '../src/cli/server.ts';
import type { GoalState } from '../src/goal/state.ts';
import { objectOr } from '../src/kit/json.ts';
import { createLogger } from '../src/kit/log.ts';
import { verifyWorkload } from './verify.workload.ts';
import { addAttachment, policyOf } from './workload.ts';

const rounds = 100;
const objectsPerBatch = 1700;
const quietMilliseconds = 2000;

export interface Served {
  readonly rows: number;
  readonly loadMilliseconds: number;
  /** Conditions included, which are written after the rows are committed. */
  readonly loadCpuMilliseconds: number;
  /** An attachment by the API until its rows are committed. */
  readonly changed: readonly number[];
  readonly changedCpuMilliseconds: number;
}

const rowsOf = (goal: GoalState): number => [...goal.scopes()].reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);

/** Waits until nothing more is committed; answers when the last commit was. */
const quiet = async (goal: GoalState): Promise<number> => {
  let [version, since] = [goal.version, performance.now()];
  for (;;) {
    await delay(20);
    if (goal.version !== version) [version, since] = [goal.version, performance.now()];
    else if (performance.now() - since > quietMilliseconds) return since;
  }
};

/** Waits until the server has written what it has to say of all objects: until a processor is hardly used, a minute at most. */
const rest = async (): Promise<void> => {
  for (let round = 0; round < 120; round++) {
    const before = process.cpuUsage();
    await delay(500);
    if (cpuSince(before) < 25) return;
  }
};

const cpuSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const withMode = (object: Resource, mode: string): Resource =>
  object.kind === 'Fabric' ? { ...object, spec: { ...objectOr(object.spec), verification: { mode } } } : object;

const measure = async (vpcs: number, mode: string, data: string): Promise<Served> => {
  let found: GoalState | undefined;
  const log = createLogger({ name: 'server', level: 'error' });
  const { client, close } = await openControlPlane({ data, listen: '127.0.0.1:0', southbound: '127.0.0.1:0' }, log, (opened) => (found = opened));
  if (found === undefined) throw new Error('the control plane has no goal state');
  const goal = found;
  const world = verifyWorkload(vpcs);
  const policies = Array.from({ length: vpcs }, (_, number) => policyOf(number));
  const objects = [...world.fabric.map((object) => withMode(object, mode)), ...world.tenants, ...policies, ...world.slices];
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  for (let first = 0; first < objects.length; first += objectsPerBatch) {
    await Promise.all(objects.slice(first, first + objectsPerBatch).map((object) => client.create(object)));
  }
  const ended = await quiet(goal);
  await rest();
  const loadCpuMilliseconds = cpuSince(cpu);
  const changed: number[] = [];
  const changing = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    const { version } = goal;
    const start = performance.now();
    await client.create(addAttachment(world, round));
    while (goal.version === version) await nextTurn();
    changed.push(performance.now() - start);
    await delay(20);
  }
  await rest();
  const changedCpuMilliseconds = cpuSince(changing) / rounds;
  const rows = rowsOf(goal);
  await close();
  return { rows, loadMilliseconds: ended - began, loadCpuMilliseconds, changed, changedCpuMilliseconds };
};

const [vpcs, mode = 'block'] = process.argv.slice(2);
const data = mkdtempSync(join(tmpdir(), 'heddle-verify-'));
try {
  process.stdout.write(JSON.stringify(await measure(Number(vpcs), mode, data)));
} finally {
  rmSync(data, { recursive: true });
}
