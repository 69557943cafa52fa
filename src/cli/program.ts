/**
 * The tree of commands. Every verb loads its own code only when it is called, so that each starts with the little it
 * needs; what a verb returns is the exit status.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { formatFinding, HeddleError } from '../kit/error.ts';
import { Refusal } from '../client/http.ts';
import type { ExitStatus, Io } from './io.ts';
import { addBackupVerbs } from './verbs/backup.ts';
import { addClusterVerbs } from './verbs/cluster.ts';
import { addConvertVerbs } from './verbs/convert.ts';
import { addDaemonVerbs } from './verbs/daemons.ts';
import { addExplainVerb } from './verbs/explain.ts';
import { addLabVerbs } from './verbs/lab.ts';
import { addObjectVerbs } from './verbs/objects.ts';
import { addRolloutVerbs } from './verbs/rollout.ts';
import { addQuestionVerbs } from './verbs/questions.ts';
import { addShellVerbs } from './verbs/shell.ts';
import { addSimulateVerbs } from './verbs/simulate.ts';

/** Hands the verb's exit status out of commander's actions. */
export type Finish = (status: number) => void;

export const packageVersion = (): string => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
};

export const createProgram = (io: Io, finish: Finish): Command => {
  const program = new Command('heddle')
    .description('The control plane of bare-metal and AI-cloud networks.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('("heddle help COMMAND" shows how to use it)')
    .configureOutput({ writeOut: io.out, writeErr: io.note, outputError: (text, write) => write(text.replace(/^error: /, 'heddle: ')) })
    .enablePositionalOptions()
    .exitOverride();
  addObjectVerbs(program, io, finish);
  addExplainVerb(program, io, finish);
  addQuestionVerbs(program, io, finish);
  addRolloutVerbs(program, io, finish);
  addConvertVerbs(program, io, finish);
  addLabVerbs(program, io, finish);
  addDaemonVerbs(program, io, finish);
  addBackupVerbs(program, io, finish);
  addClusterVerbs(program, io, finish);
  addSimulateVerbs(program, io, finish);
  addShellVerbs(program, io, finish);
  return program;
};

/** Runs one command line (without the program's name) and returns the exit status; faults are said on `note`. */
export const runProgram = async (argv: readonly string[], io: Io): Promise<number> => {
  let status = 0;
  try {
    await createProgram(io, (result) => (status = result)).parseAsync([...argv], { from: 'user' });
    return status;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    if (io.signal.aborted) return 1;
    return report(thrown, io);
  }
};

const report = (thrown: unknown, io: Io): ExitStatus => {
  const error = HeddleError.from(thrown);
  io.note(`heddle: ${error.message}\n`);
  const news = error.findings.filter((finding) => !error.message.includes(finding.message));
  for (const finding of news) io.note(`  ${formatFinding(finding)}\n`);
  if (io.env['HEDDLE_TRACE'] !== undefined) io.note(`${error.stack}\n${String(error.cause ?? '')}\n`);
  // What the server refused is a refusal (1); a bad request that never reached it is bad usage (2).
  return error.code === 'BadRequest' && !(error instanceof Refusal) ? 2 : 1;
};
