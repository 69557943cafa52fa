/** One server pings another all the time, so that the moment of the first answer, and of the last, is known to 20 ms. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock } from '../../kit/clock.ts';
import { HeddleError } from '../../kit/error.ts';
import { inside, labEnvironment } from '../../lab/inside.ts';
import type { Manifest } from '../../lab/manifest.ts';

export interface Pinging {
  /** Time (monotonic, ms) of the first answer. `Timeout` when none came. */
  first(timeoutMilliseconds: number): Promise<number>;
  /** Resolves when no answer came for `quietMilliseconds`, with the time of the last one. `Timeout` when they go on. */
  last(quietMilliseconds: number, timeoutMilliseconds: number): Promise<number>;
  /** Ends the pinging; resolves when its process is gone. */
  stop(): Promise<void>;
}

export interface PingingOptions {
  readonly manifest: Manifest;
  readonly from: string;
  readonly address: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const intervalMilliseconds = 20;

/** Begins at once. While the server has no route, `ping` ends with an error and is started again. */
export const startPinging = ({ manifest, from, address, clock, signal }: PingingOptions): Pinging => {
  const answers: { first?: number; last?: number } = {};
  let child: ChildProcess | undefined;
  const end = new AbortController();
  const once = (): Promise<void> =>
    new Promise((resolve, reject) => {
      // nsenter stays as the parent of what it runs: when it is killed, ping must go with it.
      const [command, ...rest] = inside(manifest, from, ['setpriv', '--pdeathsig', 'KILL', 'ping', '-n', '-i', String(intervalMilliseconds / 1000), '-W', '1', address]);
      child = spawn(command, rest, { cwd: '/', stdio: ['ignore', 'pipe', 'ignore'], env: labEnvironment(manifest) });
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          if (!line.includes(' bytes from ')) return;
          answers.last = clock.monotonic();
          answers.first ??= answers.last;
        });
      }
      child.once('error', reject);
      child.once('close', () => resolve());
    });
  const running = (async () => {
    while (!end.signal.aborted) {
      await once();
      if (!end.signal.aborted) await clock.sleep(intervalMilliseconds);
    }
  })();
  const until = async (timeout: number, what: string, ready: () => number | undefined): Promise<number> => {
    const deadline = clock.monotonic() + timeout;
    for (let found = ready(); ; found = ready()) {
      if (found !== undefined) return found;
      if (clock.monotonic() > deadline) throw new HeddleError('Timeout', `${from} -> ${address}: ${what} within ${timeout} ms`);
      await clock.sleep(5, signal);
    }
  };
  return {
    first: (timeout) => until(timeout, 'no answer', () => answers.first),
    last: (quiet, timeout) =>
      until(timeout, 'still answers', () =>
        answers.last !== undefined && clock.monotonic() - answers.last > quiet ? answers.last : undefined,
      ),
    stop: async () => {
      end.abort();
      child?.kill('SIGKILL');
      await running;
    },
  };
};
