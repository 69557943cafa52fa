/** The verbs of `heddle lab`: which lab is meant, what is read from files, and how it is printed. */
import { join } from 'node:path';
import { formatDuration, parseDuration } from '../kit/duration.ts';
import { HeddleError } from '../kit/error.ts';
import { formatCheck, labCheck } from '../lab/check.ts';
import { labDown } from '../lab/down.ts';
import { labExec } from '../lab/exec.ts';
import { labNames } from '../lab/manifest.ts';
import type { Progress } from '../lab/progress.ts';
import { formatStatus, labStatus } from '../lab/status.ts';
import { labUp } from '../lab/up.ts';
import type { ExitStatus, Io } from './io.ts';
import { readChecked } from './objects.ts';
import type { LabReadOptions } from './verbs/lab.ts';

export interface LabUpOptions {
  readonly filename?: readonly string[];
  readonly name: string;
  readonly timeout: string;
  readonly keep?: boolean;
}

/** Wiring of the example that comes with the package. */
export const exampleFolder = join(import.meta.dirname, '..', '..', 'examples', 'spine-leaf');

export const labUpVerb = async (io: Io, options: LabUpOptions): Promise<ExitStatus> => {
  const timeoutMilliseconds = parseDuration(options.timeout);
  const sources = await readChecked(io, options.filename ?? [join(exampleFolder, 'wiring.yaml')]);
  const lab = await labUp({
    name: options.name,
    objects: sources.map(({ object }) => object),
    timeoutMilliseconds,
    keepFailed: options.keep === true,
    progress: printProgress(io),
    signal: io.signal,
  });
  lab.close();
  io.out(`lab ${options.name} is up; kubeconfig: ${lab.kubeconfig}\n`);
  return 0;
};

/** Name of a lab that is given none. */
export const defaultLabName = 'lab';

/** One line when a step has ended, on standard error. */
const printProgress =
  (io: Io): Progress =>
  ({ step, phase, elapsedMilliseconds, detail = '' }) => {
    if (phase === 'end') io.note(`${step.padEnd(30)} ${detail.padEnd(14)} ${formatDuration(elapsedMilliseconds).padStart(8)}\n`);
  };

/** The lab that is meant when no name was given: the only one, else the one that was not given a name either. */
const nameOf = (name: string | undefined): string => {
  if (name !== undefined) return name;
  const names = labNames();
  if (names.includes(defaultLabName)) return defaultLabName;
  const [only, ...others] = names;
  if (only === undefined) throw new HeddleError('NotFound', 'no lab is up: "heddle lab up" builds one');
  if (others.length > 0) throw new HeddleError('BadRequest', `several labs are up: say which with --name: ${[only, ...others].join(', ')}`);
  return only;
};

/** Nothing to remove is no fault: what was asked for is so. */
export const labDownVerb = async (io: Io, given: string | undefined): Promise<ExitStatus> => {
  if (given === undefined && labNames().length === 0) {
    io.note('no lab is up\n');
    return 0;
  }
  const name = nameOf(given);
  const removed = await labDown({ name, progress: printProgress(io) });
  io.note(removed ? `lab ${name} is removed\n` : `there is no lab "${name}"\n`);
  return 0;
};

export const labCheckVerb = async (io: Io, options: LabReadOptions): Promise<ExitStatus> => {
  const result = await labCheck({ name: nameOf(options.name), signal: io.signal });
  io.out(options.output === 'json' ? `${JSON.stringify(result)}\n` : formatCheck(result));
  return result.ok ? 0 : 1;
};

export const labStatusVerb = async (io: Io, options: LabReadOptions): Promise<ExitStatus> => {
  const status = await labStatus({ name: nameOf(options.name) });
  io.out(options.output === 'json' ? `${JSON.stringify(status)}\n` : formatStatus(status));
  return 0;
};

/** The command's own exit status. */
export const labExecVerb = async (node: string, words: readonly string[], name: string | undefined): Promise<number> => {
  // commander passes the `--` through when it stands behind the node.
  const [command = 'sh', ...rest] = words[0] === '--' ? words.slice(1) : words;
  return labExec({ name: nameOf(name), node, argv: [command, ...rest] });
};
