/**
 * Crowds of clients on one API server: connections that do nothing, watches that wait, clients that ask for much and read nothing.
 * What they cost in memory, and how long others wait meanwhile.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile, type Benchmark } from './figure.ts';
import type { Answer, Command } from './crowds.child.ts';

const idle = 10_000;
const watches = 2000;
const stalled = 500;
const objects = 3000;
const probes = 200;

interface Memory {
  readonly resident: number;
  readonly held: number;
}

/** Memory held is what a crowd costs; resident memory shows the garbage of its arrival too, which V8 keeps until it needs the room. */
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
    const memory = async (what: string, before: Memory, limit?: number): Promise<Memory> => {
      const { resident = 0, held = 0 } = await ask(server, { do: 'memory' });
      report({ figure: `memory held, ${what}`, value: held - before.held, unit: 'MB', n: 1, ...(limit === undefined ? {} : { limit }) });
      report({ figure: `resident memory, ${what}`, value: resident - before.resident, unit: 'MB', n: 1 });
      return { resident, held };
    };
    const alone = await memory('alone', { resident: 0, held: 0 });
    await probe('alone');
    for (const [what, command, limit] of [
      [`more with ${idle} idle connections`, { do: 'idle', kubeconfig, count: idle }, 400],
      [`more with ${watches} watches`, { do: 'watch', kubeconfig, count: watches }, 200],
      [`more with ${stalled} clients that read no list`, { do: 'stall', kubeconfig, count: stalled }, 400],
      [`more with ${stalled} such clients again`, { do: 'stall', kubeconfig, count: stalled }, 400],
    ] as const) {
      const { count = 0 } = await ask(crowd, command);
      await memory(`${what} (${count} connected)`, alone, limit);
      await probe(what.replace('more ', ''));
      await ask(crowd, { do: 'leave' });
    }
    await memory('more after all have left', alone, 50);
  } finally {
    for (const child of [crowd, other, server]) child.kill();
    rmSync(data, { recursive: true, force: true, maxRetries: 3 });
  }
};

/** Memory as bin/heddle sets it. */
const start = (): ChildProcess => fork(join(import.meta.dirname, 'crowds.child.ts'), { execArgv: ['--expose-gc'], env: { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '1048576' } });

const ask = async (child: ChildProcess, command: Command): Promise<Answer> => {
  child.send(command);
  const [answer] = (await once(child, 'message')) as [Answer];
  return answer;
};
