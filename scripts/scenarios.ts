/**
 * npm run scenarios [-- PATTERN]: plays all stories, or those whose name matches PATTERN or whose wiring is so called, pure and in the lab, writes their
 * results and docs/scenarios.md. Exits 1 when one fails.
 */
import { basename } from 'node:path';
import { systemClock } from '../src/kit/clock.ts';
import type { LabHandle } from '../src/lab/up.ts';
import { labDown } from '../src/lab/down.ts';
import { labUp } from '../src/lab/up.ts';
import { CompileStage } from '../src/scenarios/compilestage.ts';
import type { Result } from '../src/scenarios/document.ts';
import { playInLab } from '../src/scenarios/labplay.ts';
import { pureStage } from '../src/scenarios/purestage.ts';
import { readResults, writeResults } from '../src/scenarios/results.ts';
import { byWiring, readCabling, readScenarios, readWiring, type Scenario } from '../src/scenarios/scenario.ts';
import { playSteps } from '../src/scenarios/stage.ts';

const [pattern = ''] = process.argv.slice(2);
const scenarios = readScenarios().filter(({ name, wiring }) => new RegExp(pattern).test(name) || basename(wiring, '.yaml') === pattern);
const pure: Record<string, Result> = {};
const lab: Record<string, Result> = {};

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

const timed = async (play: (tell: (line: string) => void) => Promise<void>): Promise<Result> => {
  const began = systemClock.monotonic();
  const losses: string[] = [];
  const failure = await play((line) => losses.push(line)).then(() => undefined, firstLine);
  const seconds = Math.round((systemClock.monotonic() - began) / 1000);
  return { ...(failure !== undefined && { failure }), ...(seconds > 0 && { seconds }), ...(losses.length > 0 && { losses }) };
};

const tell = (level: string, { name }: Scenario, { failure, seconds = 0, losses = [] }: Result): void => {
  const lines = [`${level} ${name}: ${failure === undefined ? `passes (${seconds} s)` : `fails: ${failure}`}`, ...losses.map((loss) => `  ${loss}`)];
  process.stdout.write(`${lines.join('\n')}\n`);
};

for (const scenario of scenarios) {
  const result = await timed(() => playSteps(pureStage(new CompileStage(readWiring(scenario.wiring))), scenario.steps));
  pure[scenario.name] = result.failure === undefined ? {} : { failure: result.failure };
  tell('pure', scenario, result);
}

const name = `scenarios-${process.pid}`;
for (const [file, stories] of byWiring(scenarios)) {
  let up: LabHandle | undefined;
  try {
    up = await labUp({ name, objects: readCabling(file) });
    process.stdout.write(`lab of ${basename(file)} is up\n`);
  } catch (error) {
    for (const story of stories) tell('lab', story, (lab[story.name] = { failure: `the lab does not come up: ${firstLine(error)}` }));
  }
  for (const story of up === undefined ? [] : stories) {
    const handle = up;
    if (handle === undefined) break;
    const result = await timed((loss) => playInLab(handle, story, loss));
    lab[story.name] = result;
    tell('lab', story, result);
  }
  up?.close();
  await labDown({ name });
}

// Read as late as possible: another part of the stories may have been played meanwhile.
const before = readResults();
writeResults({ day: new Date().toISOString().slice(0, 10), pure: { ...before.pure, ...pure }, lab: { ...before.lab, ...lab } });
const failed = scenarios.filter((scenario) => [pure, lab].some((each) => each[scenario.name]?.failure !== undefined));
process.stdout.write(`${scenarios.length - failed.length} of ${scenarios.length} scenarios pass\n`);
process.exitCode = failed.length > 0 ? 1 : 0;
