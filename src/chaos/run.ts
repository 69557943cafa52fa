/** Runs one seed and says what was wrong with it. */
import { World, type ChaosOptions } from './world.ts';

export interface RunOptions extends ChaosOptions {
  /** Every round is a number of steps and then quiet. */
  readonly rounds: number;
  readonly steps: number;
  /** How long everything may take to come right after a round. Default 30,000. */
  readonly patienceMilliseconds?: number;
}

export interface RunResult {
  readonly options: RunOptions;
  /** Empty when nothing was. */
  readonly wrong: readonly string[];
  /** What happened, a line each, with milliseconds since the start. */
  readonly log: readonly string[];
  /** Claims of the API that were compared with what devices held. */
  readonly judged: number;
}

export const runChaos = async (options: RunOptions): Promise<RunResult> => {
  const { rounds, steps, patienceMilliseconds = 30_000 } = options;
  const world = new World(options);
  const wrong: string[] = [];
  try {
    await world.start();
    for (let round = 0; round < rounds && wrong.length === 0; round += 1) {
      for (let step = 0; step < steps && world.faults.length === 0; step += 1) await world.step();
      wrong.push(...world.faults);
      if (wrong.length === 0) wrong.push(...(await world.settle(patienceMilliseconds)), ...world.faults);
    }
  } finally {
    await world.close();
  }
  return { options, wrong, log: world.log, judged: world.judged };
};

const shownEvents = 60;
const shownFaults = 20;

/** The failure as a person reads it, with the command that runs it again. */
export const formatFailure = ({ options: { seed, store, steps, rounds }, wrong, log }: RunResult): string =>
  [
    `seed ${seed} failed: npm run chaos -- --seed ${seed} --store ${store} --steps ${steps} --rounds ${rounds}`,
    ...log.slice(-shownEvents),
    ...wrong.slice(0, shownFaults).map((text) => `  WRONG ${text}`),
    ...(wrong.length > shownFaults ? [`  … and ${wrong.length - shownFaults} more`] : []),
  ].join('\n');
