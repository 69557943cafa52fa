/**
 * The cold check of verify.ts: `write FILE VPCS` compiles and writes objects and rows down, `read FILE` verifies them in a process
 * that never compiled, so that what it holds is objects, goal state and verifier and nothing else. One JSON object as answer.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { refKey, refOf, type Resource } from '../src/api/object.ts';
import type { CompileFinding } from '../src/compile/finding.ts';
import { GoalState } from '../src/goal/state.ts';
import type { Row } from '../src/goal/rows.ts';
import { createVerifier } from '../src/verify/checker.ts';
import { lookupIn } from '../src/verify/state.ts';
import { batchesOf, Plane, put, stored } from './compile.plane.ts';
import { peakMegabytes, residentMegabytes } from './peers/meter.ts';
import { verifyWorkload } from './verify.workload.ts';
import { policyOf } from './workload.ts';

export interface Cold {
  readonly rows: number;
  readonly mappings: number;
  readonly observeMilliseconds: number;
  readonly checkMilliseconds: number;
  readonly cpuMilliseconds: number;
  /** Of the verifier alone. */
  readonly heapMegabytes: number;
  readonly residentMegabytes: number;
  readonly peakMegabytes: number;
}

type Line = { readonly object: Resource; readonly findings: readonly CompileFinding[] } | { readonly scope: string; readonly rows: readonly Row[] };

const rowsPerLine = 1000;

const write = async (file: string, vpcs: number): Promise<object> => {
  const world = verifyWorkload(vpcs);
  const policies = Array.from({ length: vpcs }, (_, number) => policyOf(number));
  const objects = [...world.fabric, ...world.tenants, ...policies, ...world.slices].map(stored);
  const plane = new Plane();
  for (const batch of batchesOf(objects)) plane.apply(batch.map(put));
  const out = createWriteStream(file);
  const say = async (line: Line): Promise<void> => {
    if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, 'drain');
  };
  for (const object of [...objects, ...plane.claims.values()]) await say({ object, findings: plane.findingsOf(refOf(object)) });
  for (const scope of plane.goal.scopes()) {
    const rows = [...plane.goal.scope(scope).rows.values()];
    for (let first = 0; first < rows.length; first += rowsPerLine) await say({ scope, rows: rows.slice(first, first + rowsPerLine) });
  }
  out.end();
  await once(out, 'close');
  return { rows: plane.rows() };
};

const heapMegabytes = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
};

const read = async (file: string): Promise<Cold> => {
  const objects: Resource[] = [];
  const findings = new Map<string, readonly CompileFinding[]>();
  const goal = new GoalState({ logRows: 1 });
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const line = JSON.parse(text) as Line;
    if ('object' in line) {
      objects.push(line.object);
      if (line.findings.length > 0) findings.set(refKey(refOf(line.object)), line.findings);
    } else goal.commit([{ scope: line.scope, upserts: line.rows, deletes: [] }]);
  }
  const before = heapMegabytes();
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  const verifier = createVerifier({ goal: lookupIn(goal), clock: () => performance.now() });
  verifier.observe(objects.map(put), findings);
  const observed = performance.now();
  const { violations, exhausted } = verifier.checkAll();
  const ended = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  const [resident, peak] = [residentMegabytes(process.pid), peakMegabytes(process.pid)];
  if (violations.length > 0 || exhausted !== undefined) throw new Error(`violations in what was compiled: ${JSON.stringify(violations.slice(0, 3))}`);
  const rows = [...goal.scopes()].reduce((sum, scope) => sum + goal.scope(scope).rows.size, 0);
  const mappings = [...goal.scopes()].reduce((sum, scope) => sum + goal.scope(scope).rows.count('mapping'), 0);
  return {
    rows, mappings,
    observeMilliseconds: observed - began,
    checkMilliseconds: ended - observed,
    cpuMilliseconds: (user + system) / 1000,
    heapMegabytes: heapMegabytes() - before,
    residentMegabytes: resident,
    peakMegabytes: peak,
  };
};

const [what, file = '', vpcs] = process.argv.slice(2);
process.stdout.write(JSON.stringify(what === 'write' ? await write(file, Number(vpcs)) : await read(file)));
