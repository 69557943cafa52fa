/**
 * The verifier at W(1000) with a policy for every VPC and a million mappings: the check of everything after a start, the check of
 * one change of every kind, and what the pipeline costs more when every batch is proven first: the compiler and goal state alone, and
 * a whole server at a fifth of the size. CPU is told beside time, for the machine is seldom quiet.
 * HEDDLE_BENCH_VPCS chooses another size.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run as runProcess } from '../src/kit/process.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import type { Changed, Changes, Piped } from './verify.child.ts';
import type { Cold } from './verify.cold.ts';
import type { Served } from './verify.server.ts';

type Report = (figure: Figure) => void;

const large = Number(process.env['HEDDLE_BENCH_VPCS'] ?? 1000);
const small = Math.ceil(large / 5);
const of = `W(${large}), ${(large * 1000).toLocaleString('en')} mappings`;

export const run: Benchmark = async (report) => {
  reportCold(await measureCold(), report);
  const { changes, rows, residentMegabytes } = await measure<Changes>('child', 'changes', `${large}`);
  for (const change of changes) reportChange(change, report);
  reportAll(changes, report);
  report({ figure: `${of}, ${rows} rows: resident with objects, compiler, goal state and verifier`, value: residentMegabytes, unit: 'MB', n: 1 });
  const off = await measure<Piped>('child', 'pipeline', `${large}`, 'off');
  const on = await measure<Piped>('child', 'pipeline', `${large}`, 'on');
  const bare = `${of}, compiler and goal state alone`;
  report({ figure: `${bare}, not verified`, value: off.milliseconds / 1000, unit: 's', n: 1 });
  report({ figure: `${bare}, every batch verified`, value: on.milliseconds / 1000, unit: 's', n: 1 });
  report({ figure: `${bare}: CPU, verified over not`, value: on.cpuMilliseconds / off.cpuMilliseconds, unit: '×', n: 1 });
  report({ figure: `${bare}: verifier, a row`, value: (on.verifyMilliseconds * 1000) / on.rows, unit: 'µs', n: on.rows });
  reportServed(await measure<Served>('server', `${small}`, 'off'), await measure<Served>('server', `${small}`, 'block'), report);
};

const reportServed = (off: Served, on: Served, report: Report): void => {
  const served = `W(${small}), ${(small * 1000).toLocaleString('en')} mappings, whole server`;
  const both = (what: string, value: (from: Served) => number, unit: Figure['unit'], n: number, limit?: number): void => {
    report({ figure: `${served}, ${what}, not verified`, value: value(off), unit, n });
    report({ figure: `${served}, ${what}, verified`, value: value(on), unit, n });
    report({ figure: `${served}, ${what}: verified over not`, value: value(on) / value(off), unit: '×', n, ...(limit !== undefined && { limit }) });
  };
  both('created until committed', ({ loadMilliseconds }) => loadMilliseconds / 1000, 's', 1, 1.3);
  both('created until committed, CPU', ({ loadCpuMilliseconds }) => loadCpuMilliseconds / 1000, 's', 1, 1.3);
  both('an attachment by the API until committed, p50', ({ changed }) => percentile(changed, 0.5), 'ms', on.changed.length, 1.3);
  both('an attachment by the API, CPU', ({ changedCpuMilliseconds }) => changedCpuMilliseconds, 'ms', on.changed.length, 1.3);
};

const measure = async <Answer>(part: 'child' | 'cold' | 'server', ...words: string[]): Promise<Answer> => {
  const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc', '--max-semi-space-size=8'];
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
  const { stdout } = await runProcess([process.execPath, ...flags, join(import.meta.dirname, `verify.${part}.ts`), ...words], { timeoutMilliseconds: 600_000, env });
  return JSON.parse(stdout) as Answer;
};

const measureCold = async (): Promise<Cold> => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-verify-'));
  try {
    const file = join(folder, 'world');
    await measure('cold', 'write', file, `${large}`);
    return await measure<Cold>('cold', 'read', file);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const reportCold = (cold: Cold, report: Report): void => {
  const { observeMilliseconds, checkMilliseconds, cpuMilliseconds, heapMegabytes, residentMegabytes, peakMegabytes, rows } = cold;
  report({ figure: `${of}, ${rows} rows: objects read and everything checked`, value: (observeMilliseconds + checkMilliseconds) / 1000, unit: 's', n: 1, limit: 10 });
  report({ figure: `${of}: of that the objects`, value: observeMilliseconds / 1000, unit: 's', n: 1 });
  report({ figure: `${of}: CPU`, value: cpuMilliseconds / 1000, unit: 's', n: 1 });
  report({ figure: `${of}: heap of the verifier, beside objects and goal state`, value: heapMegabytes, unit: 'MB', n: 1 });
  report({ figure: `${of}: resident, objects and goal state included`, value: residentMegabytes, unit: 'MB', n: 1, limit: 1500 });
  report({ figure: `${of}: resident at most`, value: peakMegabytes, unit: 'MB', n: 1, limit: 1500 });
};

/** Microseconds; rounds that propose no row have none. */
const perRow = ({ verify, rows }: Changed): number[] =>
  verify.flatMap((milliseconds, round) => ((rows[round] ?? 0) > 0 ? [(milliseconds * 1000) / (rows[round] ?? 1)] : []));

const reportChange = (change: Changed, report: Report): void => {
  const { name, verify, cpu, rows, on, off } = change;
  const [n, count] = [verify.length, percentile(rows, 0.5)];
  const each = `${name} (${count} row${count === 1 ? '' : 's'})`;
  if (count > 0) report({ figure: `${each}: check, a row, p50`, value: percentile(perRow(change), 0.5), unit: 'µs', n, limit: 200 });
  report({ figure: `${each}: check, p50`, value: percentile(verify, 0.5), unit: 'ms', n });
  report({ figure: `${each}: check, p99`, value: percentile(verify, 0.99), unit: 'ms', n, limit: 5 });
  report({ figure: `${each}: check, p99 of CPU`, value: percentile(cpu, 0.99), unit: 'ms', n, limit: 5 });
  report({ figure: `${each}: compiler and goal state alone, verified over not, p50`, value: percentile(on, 0.5) / percentile(off, 0.5), unit: '×', n: on.length });
};

const reportAll = (changes: readonly Changed[], report: Report): void => {
  const all = changes.flatMap(perRow);
  const n = changes.flatMap(({ verify }) => verify).length;
  report({ figure: 'all of these: check, a row, p50', value: percentile(all, 0.5), unit: 'µs', n: all.length, limit: 200 });
  report({ figure: 'all of these: check, p99', value: percentile(changes.flatMap(({ verify }) => verify), 0.99), unit: 'ms', n, limit: 5 });
  report({ figure: 'all of these: check, p99 of CPU', value: percentile(changes.flatMap(({ cpu }) => cpu), 0.99), unit: 'ms', n, limit: 5 });
};
