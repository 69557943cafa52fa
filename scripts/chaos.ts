/**
 * Chaos until the time is over or something was wrong: fresh seeds, or one that is named. A failing run is shown with its events
 * and tried again with fewer steps, so that what is left to read is short; its seed belongs into testdata/chaos/seeds.txt.
 */
import { parseArgs } from 'node:util';
import { runTakeover, type End } from '../src/chaos/takeover.ts';
import { formatFailure, runChaos, type RunOptions, type RunResult } from '../src/chaos/run.ts';

const usage = `npm run chaos [-- OPTIONS]: random intent and random faults against the real server

  --minutes N         how long runs are started; the last ones end a little later (default 1)
  --seed N            this run only
  --store KIND        memory or sqlite; default: every third seed sqlite
  --steps N           steps a round (default 60)
  --rounds N          rounds a run; each ends with a check of everything (default 3)
  --takeovers N       instead: two servers on three members of etcd with TLS; N times a leader is killed, halted or stopped, or a member
                      of etcd is killed, under load (0: until the time is over)
  --side-by-side N    runs at once (default 3)
  -v, --verbose       print what happens
  -h, --help          this
`;

const badUsage = (message: string): never => {
  process.stderr.write(`chaos: ${message}\n(npm run chaos -- --help)\n`);
  process.exit(2);
};

const parse = () =>
  parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string' },
      store: { type: 'string' },
      steps: { type: 'string', default: '60' },
      rounds: { type: 'string', default: '3' },
      'side-by-side': { type: 'string', default: '3' },
      takeovers: { type: 'string' },
      verbose: { type: 'boolean', short: 'v', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });

const read = (): ReturnType<typeof parse> => {
  try {
    return parse();
  } catch (error) {
    return badUsage(error instanceof Error ? error.message.replace(/\. To specify .*/s, '') : String(error));
  }
};

const { values } = read();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const tell = (line: string): void => void process.stdout.write(`${line}\n`);

const number = (option: 'takeovers' | 'minutes' | 'seed' | 'steps' | 'rounds' | 'side-by-side'): number => {
  const value = Number(values[option]);
  if (Number.isFinite(value) && value >= 0) return value;
  return badUsage(`--${option} "${values[option]}" is not a number`);
};

const optionsFor = (seed: number, store: RunOptions['store']): RunOptions => ({
  seed,
  store,
  steps: number('steps'),
  rounds: number('rounds'),
  ...(values.verbose ? { onLog: tell } : {}),
});

const storeOf = (seed: number): RunOptions['store'] => {
  if (values.store === 'memory' || values.store === 'sqlite') return values.store;
  if (values.store !== undefined) return badUsage(`--store "${values.store}" is neither memory nor sqlite`);
  return seed % 3 === 0 ? 'sqlite' : 'memory';
};
const began = performance.now();
const end = began + number('minutes') * 60_000;
const isNamed = values.seed !== undefined;
const firstSeed = isNamed ? number('seed') : Math.floor(Math.random() * 1_000_000);

/** The shortest that still fails, of a few that are tried; machines differ, so it may not. */
const shorten = async (options: RunOptions, failed: RunResult): Promise<RunResult> => {
  let shortest = failed;
  for (let steps = Math.floor(options.steps / 2); steps >= 4; steps = Math.floor(steps / 2)) {
    const result = await runChaos({ ...options, steps, rounds: 1 });
    if (result.wrong.length === 0) break;
    shortest = result;
  }
  return shortest;
};

if (values.takeovers !== undefined) await runTakeovers(number('takeovers'));

const lastSeed = isNamed ? firstSeed + 1 : Number.POSITIVE_INFINITY;
let [next, done, judged] = [firstSeed, 0, 0];
let failure: string | undefined;

const work = async (): Promise<void> => {
  while (failure === undefined && next < lastSeed && performance.now() < end) {
    const options = optionsFor(next, storeOf(next));
    next += 1;
    const result = await runChaos(options);
    done += 1;
    judged += result.judged;
    if (result.wrong.length > 0) failure ??= formatFailure(await shorten(options, result));
    else tell(`seed ${String(options.seed).padEnd(8)} ${options.store.padEnd(6)} fine, ${result.judged} promises held, ${result.log.length} events`);
  }
};

await Promise.all(Array.from({ length: isNamed ? 1 : number('side-by-side') }, work));
if (failure === undefined) {
  const seconds = Math.round((performance.now() - began) / 1000);
  tell(`chaos: ${done} runs, ${judged} promises compared with devices, nothing wrong (${seconds} s)`);
} else {
  process.stderr.write(`${failure}\n`);
}
process.exit(failure === undefined ? 0 : 1);

/** A cluster for every few leaders, as a fabric has only so many ports. */
async function runTakeovers(many: number): Promise<never> {
  const ends: readonly End[] = ['kill', 'member', 'pause', 'kill', 'member', 'stop'];
  const took: number[] = [];
  let [acknowledged, others] = [0, 0];
  while (many === 0 ? performance.now() < end : took.length < many) {
    const left = many === 0 ? ends.length : many - took.length;
    const result = await runTakeover({ servers: 2, etcd: { members: 3, tls: true }, ends: ends.slice(0, left), onLog: tell });
    if (result.wrong.length > 0) {
      process.stderr.write(`${result.wrong.slice(0, 20).map((text) => `  WRONG ${text}`).join('\n')}\n`);
      process.exit(1);
    }
    took.push(...result.takeovers.map(({ milliseconds }) => milliseconds));
    acknowledged += result.acknowledged;
    others += result.others;
  }
  tell(`chaos: ${took.length} times, the next change on its devices after ${Math.max(...took)} ms at most; ${acknowledged} acknowledged writes on their devices, ${others} stored and seen once`);
  process.exit(0);
}
