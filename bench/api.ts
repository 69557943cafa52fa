/**
 * The API server by itself, as clients meet it over HTTPS: creations, lists, watches, and its start with many objects. The
 * figures of a Kubernetes API server 1.26 with etcd on a machine of the same kind (2 cores, loopback, clients beside it) are
 * recorded, not measured here: there is no package of it.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer, Command } from './api.child.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { residentMegabytes } from './peers/meter.ts';

type Report = (figure: Figure) => void;

const serverFlags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8'];
const stock = 'kube-apiserver 1.26 (recorded)';
const many = Number(process.env['HEDDLE_BENCH_OBJECTS'] ?? 100_000);

export const run: Benchmark = async (report) => {
  await onFreshServer(async (ask, kubeconfig) => {
    await measureCreates(ask, kubeconfig, report);
    await measureList(ask, kubeconfig, report);
  });
  await onFreshServer((ask, kubeconfig) => measureWatches(ask, kubeconfig, report));
  await measureStart(report);
};

interface Process {
  readonly pid: number;
  ask(command: Command): Promise<Answer>;
  close(): Promise<void>;
}

type Ask = Process['ask'];

const onFreshServer = async (body: (ask: Ask, kubeconfig: string) => Promise<void>): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  const [server, clients] = [start(), start()];
  try {
    const { kubeconfig = '' } = await server.ask({ do: 'serve', data });
    await body(clients.ask, kubeconfig);
  } finally {
    await Promise.all([server.close(), clients.close()]);
    rmSync(data, { recursive: true, force: true });
  }
};

const rounds = 5;
const perRound = 3000;

const measureCreates = async (ask: Ask, kubeconfig: string, report: Report): Promise<void> => {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { milliseconds: [spent = Number.NaN] = [] } = await ask({ do: 'create', kubeconfig, first: round * perRound, count: perRound, inFlight: 32, bytes: 2048 });
    rates.push(perRound / (spent / 1000));
  }
  report({ figure: 'objects of 2 KB created, 32 in flight, p50 of rounds', value: percentile(rates, 0.5), unit: '1/s', n: rounds, limit: 3000, peer: stock, peerValue: 1282 });
};

const measureList = async (ask: Ask, kubeconfig: string, report: Report): Promise<void> => {
  const { milliseconds = [] } = await ask({ do: 'list', kubeconfig, rounds: 10 });
  const objects = rounds * perRound;
  report({ figure: `list of ${objects} objects of 2 KB, p50, for each 3,000`, value: (percentile(milliseconds, 0.5) * 3000) / objects, unit: 'ms', n: milliseconds.length, limit: 150, peer: stock, peerValue: 472 });
};

const measureWatches = async (ask: Ask, kubeconfig: string, report: Report): Promise<void> => {
  const [watchers, perSecond, seconds] = [500, 200, 10];
  const { milliseconds = [], events = 0 } = await ask({ do: 'watch', kubeconfig, watchers, perSecond, seconds, bytes: 512 });
  for (const [name, share] of [['p50', 0.5], ['p99', 0.99]] as const) {
    report({
      figure: `write to ${watchers} watchers, ${perSecond} writes/s, ${name}`,
      value: percentile(milliseconds, share),
      unit: 'ms',
      n: events,
      ...(name === 'p99' ? { limit: 20 } : {}),
    });
  }
  if (events !== watchers * perSecond * seconds) process.stderr.write(`bench: ${events} events instead of ${watchers * perSecond * seconds}\n`);
};

const measureStart = async (report: Report): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  const [first, clients] = [start(), start()];
  try {
    const { kubeconfig = '' } = await first.ask({ do: 'serve', data });
    await clients.ask({ do: 'create', kubeconfig, first: 0, count: many, inFlight: 64, bytes: 2048 });
    await Promise.all([first.close(), clients.close()]);
    const server = start();
    const began = performance.now();
    await server.ask({ do: 'serve', data });
    report({ figure: `start with ${many} objects of 2 KB until it serves`, value: (performance.now() - began) / 1000, unit: 's', n: 1, limit: 3 });
    report({ figure: `resident memory with ${many} objects`, value: residentMegabytes(server.pid), unit: 'MB', n: 1, limit: 400 });
    await server.close();
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
};

const start = (): Process => {
  const child = fork(join(import.meta.dirname, 'api.child.ts'), { execArgv: serverFlags, env: { ...process.env, MALLOC_ARENA_MAX: '1' } });
  const ask: Ask = (command) =>
    new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('a process of the benchmark ended'));
      child.once('exit', onExit);
      child.once('message', (answer) => {
        child.off('exit', onExit);
        resolve(answer as Answer);
      });
      child.send(command);
    });
  return {
    pid: child.pid ?? 0,
    ask,
    close: async () => {
      if (child.exitCode !== null || !child.connected) return;
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      await ask({ do: 'close' }).catch(() => child.kill('SIGKILL'));
      await ended;
    },
  };
};
