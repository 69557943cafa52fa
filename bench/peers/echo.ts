/**
 * What distribution costs with nothing in it: a bare grpc-js server that writes one message to thousands of TLS streams and
 * hears a small answer from each. The floor that Heddle's own southbound stands on. `node bench/peers/echo.ts 4200 2048`
 * prints it alone.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loopbackCertificate } from '../../src/southbound/testing.ts';
import { percentile } from '../figure.ts';
import { residentMegabytes } from './meter.ts';
import type { EchoRound, FromClients, FromServer, ToClients, ToServer } from './echo/shape.ts';

export interface EchoFigures extends EchoRound {
  /** Rounds; each value is the median of theirs. */
  readonly n: number;
  /** Resident memory of the server with all streams, MB of 10^6 bytes. */
  readonly residentMegabytes: number;
}

/** The values are medians over the rounds; the server and all clients are one process each, beside this one. */
export const measureEcho = async (count: number, bytes: number, rounds = 10): Promise<EchoFigures> => {
  const server = start('server.ts');
  const clients = start('clients.ts');
  try {
    const { key, certificate } = await loopbackCertificate();
    const listening = await ask<FromServer>(server, { kind: 'listen', key, certificate } satisfies ToServer);
    if (listening.kind !== 'listening') throw new Error('the echo server does not listen');
    await ask<FromClients>(clients, { address: listening.address, certificate, streams: count } satisfies ToClients);
    const measured: EchoRound[] = [];
    // The first is for the compiler to warm up.
    for (let round = 0; round <= rounds; round += 1) {
      await delay(200);
      const answer = await ask<FromServer>(server, { kind: 'round', streams: count, bytes } satisfies ToServer);
      if (answer.kind === 'round' && round > 0) measured.push(answer.round);
    }
    return { ...medians(measured), n: rounds, residentMegabytes: residentMegabytes(server.pid ?? 0) };
  } finally {
    await Promise.all([server, clients].map(end));
  }
};

/** Node deprecates TLS to an address without a name, which grpc-js does for every connection. */
const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=DEP0123'];

const start = (file: string): ChildProcess =>
  fork(join(import.meta.dirname, 'echo', file), { execArgv: quiet, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

/** Sends a message and answers the next that comes back; fails when the process ends instead. */
const ask = async <Answer>(child: ChildProcess, message: ToServer | ToClients): Promise<Answer> => {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    child.send(message);
    const ended = once(child, 'exit', { signal }).then(() => {
      throw new Error(`"${child.spawnargs.at(-1)}" ended`);
    });
    const [answer] = (await Promise.race([once(child, 'message', { signal }), ended])) as [Answer];
    return answer;
  } finally {
    waiting.abort();
  }
};

const medians = (rounds: readonly EchoRound[]): EchoRound => {
  const median = (part: keyof EchoRound): number => percentile(rounds.map((round) => round[part]), 0.5);
  return { p50: median('p50'), p99: median('p99'), last: median('last'), cpu: median('cpu') };
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

if (import.meta.main) {
  const [count = '4200', bytes = '2048'] = process.argv.slice(2);
  process.stdout.write(`${JSON.stringify(await measureEcho(Number(count), Number(bytes)))}\n`);
}
