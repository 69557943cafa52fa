/**
 * A million mappings in 100 VPCs, in slices of a thousand: how long they take from objects to goal state, what they hold,
 * and what one mapping more, less or changed costs; beside a tenth of it, because that must not depend on how many there are.
 * Then the same million through a whole control plane, store and API server included.
 */
import { join } from 'node:path';
import { run as runProcess } from '../src/kit/process.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import type { Measured } from './mappings.child.ts';
import type { ServerMeasured } from './mappings.server.ts';

export const run: Benchmark = async (report) => {
  const small: Measured = await measure('child', 10);
  const large: Measured = await measure('child', 100);
  reportAll(large, report);
  const growth = percentile(large.changed, 0.5) / percentile(small.changed, 0.5);
  report({ figure: `one mapping changed: cost among ${count(large)} over cost among ${count(small)}`, value: growth, unit: '×', n: large.changed.length, limit: 1.5 });
  reportServer(await measure('server', 100), report);
};

/** As bin/heddle starts a server. */
const serverFlags = ['--max-semi-space-size=8'];

/** Runs `mappings.<part>.ts`, which answers as JSON what its caller expects. */
const measure = async <Answer>(part: 'child' | 'server', vpcs: number): Promise<Answer> => {
  const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc', ...(part === 'server' ? serverFlags : [])];
  const file = join(import.meta.dirname, `mappings.${part}.ts`);
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' };
  const { stdout } = await runProcess([process.execPath, ...flags, file, `${vpcs}`], { timeoutMilliseconds: 300_000, env });
  return JSON.parse(stdout) as Answer;
};

const reportServer = (measured: ServerMeasured, report: (figure: Figure) => void): void => {
  const of = `${measured.mappings.toLocaleString('en')} mappings, whole server`;
  report({ figure: `${of}, created until committed`, value: measured.loadSeconds, unit: 's', n: 1, limit: 10 });
  report({ figure: `${of}, CPU`, value: measured.loadCpuSeconds, unit: 's', n: 1 });
  report({ figure: `${of}, resident`, value: measured.residentMegabytes, unit: 'MB', n: 1, limit: 2000 });
  for (const share of [0.5, 0.99]) {
    report({ figure: `one mapping changed by API until committed, p${share * 100}`, value: percentile(measured.changed, share), unit: 'ms', n: measured.changed.length });
  }
};

const count = ({ mappings }: Measured): string => mappings.toLocaleString('en');

const reportAll = (measured: Measured, report: (figure: Figure) => void): void => {
  const of = `${count(measured)} mappings`;
  report({ figure: `${of}, cold`, value: measured.coldSeconds, unit: 's', n: 1, limit: 10 });
  report({ figure: `${of}, cold, CPU`, value: measured.coldCpuSeconds, unit: 's', n: 1 });
  report({ figure: `${of}, resident`, value: measured.residentMegabytes, unit: 'MB', n: 1, limit: 2000 });
  report({ figure: `${of}, resident at most`, value: measured.peakMegabytes, unit: 'MB', n: 1 });
  report({ figure: `${of}, heap beside the objects, a mapping`, value: measured.heapBytesPerMapping, unit: 'B', n: measured.mappings });
  const changes = [
    ['one mapping changed', measured.changed],
    ['one mapping less', measured.removed],
    ['one mapping more', measured.added],
    ['one mapping in a new slice', measured.newSlice],
  ] as const;
  for (const [what, times] of changes) {
    report({ figure: `${what}, p50`, value: percentile(times, 0.5), unit: 'ms', n: times.length, limit: 1 });
    report({ figure: `${what}, p99`, value: percentile(times, 0.99), unit: 'ms', n: times.length });
  }
};
