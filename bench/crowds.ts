/**
 * Crowds of clients on one API server: connections that do nothing, watches that wait, clients that ask for much and read nothing.
 * What they cost in memory, and how long others wait meanwhile.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile, type Benchmark } from './figure.ts';
import type { Answer, Command } from './crowds.child.ts';

const idle = 10_000;
const watches = 2000;
const stalled = 500;
const objects = 3000;
const probes = 200;

/** Memory of a crowd of idle connections: 400 MB is what 100,000 objects may take too. */
export const run: Benchmark = async (report) => {
  const data = mkdtempSync(join(tmpdir(), 'heddle-crowds-'));
  const [server, crowd, other] = [start(), start(), start()];
  try {
    const { kubeconfig = '' } = await ask(server, { do: 'serve', data });
    await ask(other, { do: 'fill', kubeconfig, count: objects });
    const probe = async (what: string): Promise<void> => {
      const { milliseconds = [] } = await ask(other, { do: 'probe', kubeconfig, count: probes });
      report({ figure: `GET of one object, ${what}, p99`, value: percentile(milliseconds, 0.99), unit: 'ms', n: milliseconds.length });
    };
    const memory = (what: string, before: number, limit?: number): number => {
      const now = residentOf(server);
      report({ figure: `resident memory, ${what}`, value: now - before, unit: 'MB', n: 1, ...(limit === undefined ? {} : { limit }) });
      return now;
    };
    const alone = memory('alone', 0);
    await probe('alone');
    for (const [what, command, limit] of [
      [`more with ${idle} idle connections`, { do: 'idle', kubeconfig, count: idle }, 600],
      [`more with ${watches} watches`, { do: 'watch', kubeconfig, count: watches }, 300],
      [`more with ${stalled} clients that read no list`, { do: 'stall', kubeconfig, count: stalled }, 600],
    ] as const) {
      const { count = 0 } = await ask(crowd, command);
      memory(`${what} (${count} held)`, alone, limit);
      await probe(what.replace('more ', ''));
      await ask(crowd, { do: 'leave' });
    }
    memory('more after all have left', alone);
  } finally {
    for (const child of [crowd, other, server]) child.kill();
    rmSync(data, { recursive: true, force: true, maxRetries: 3 });
  }
};

const start = (): ChildProcess => fork(join(import.meta.dirname, 'crowds.child.ts'), { env: { ...process.env, MALLOC_ARENA_MAX: '1' } });

const ask = async (child: ChildProcess, command: Command): Promise<Answer> => {
  child.send(command);
  const [answer] = (await once(child, 'message')) as [Answer];
  return answer;
};

/** In MB. */
const residentOf = ({ pid = 0 }: ChildProcess): number => {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1000;
};
