/** Starts the programs of a lab that outlive the command that started them, and finds them again. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { HeddleError } from '../kit/error.ts';
import type { Argv } from '../kit/process.ts';
import { labEnvironment } from './inside.ts';
import type { Manifest } from './manifest.ts';
import { readProcess, type ProcessId } from './processes.ts';

export interface DaemonFiles {
  /** Where its output goes, appended. */
  readonly log: string;
  /** Where its process is written down, as `PID START`. */
  readonly pid: string;
}

/** Starts a program in a process group of its own; what happens to it afterwards is in its log. */
export const startDaemon = async (manifest: Manifest, argv: Argv, files: DaemonFiles): Promise<ProcessId> => {
  const [command, ...rest] = argv;
  const descriptor = openSync(files.log, 'a');
  const child = spawn(command, rest, { cwd: '/', detached: true, env: labEnvironment(manifest), stdio: ['ignore', descriptor, descriptor] });
  closeSync(descriptor);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', resolve);
  });
  child.unref();
  const id = readProcess(child.pid ?? 0);
  if (id === undefined) throw new HeddleError('Internal', `"${command}" ended at once: ${lastWords(files.log)}`);
  writeFileSync(files.pid, `${id.pid} ${id.start}\n`);
  return id;
};

export const forgetDaemon = (files: DaemonFiles): void => rmSync(files.pid, { force: true });

/** The last lines of a log, in one. */
export const lastWords = (log: string): string => {
  const said = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join('; ');
  return said === '' ? `see ${log}` : `${said} (${log})`;
};
