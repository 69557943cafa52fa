/**
 * Which processes belong to a lab. A lab's process is known by the lab's id in its environment or by the namespace it
 * lives in, never by its name, so that nothing of anybody else is ever ended. All of it is read from /proc (proc(5)).
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { systemClock } from '../kit/clock.ts';
import { HeddleError } from '../kit/error.ts';
import { isErrno, labVariable } from './manifest.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks between boot and the process's start, field 22 of /proc/PID/stat. */
  readonly start: string;
}

export interface Process extends ProcessId {
  readonly parent: number;
  /** Name of the program, at most 15 characters. */
  readonly command: string;
}

/** undefined when there is no such process, or only the remains of one (a zombie). */
export const readProcess = (pid: number): Process | undefined => {
  const text = readProc(pid, 'stat');
  // The name is in parentheses and may itself hold blanks and parentheses; what follows the last one has fixed places.
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  const [state = 'Z', parent = '0'] = fields;
  const start = fields[19];
  if (start === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, start, parent: Number(parent), command: text.slice(text.indexOf('(') + 1, close) };
};

export const isAlive = ({ pid, start }: ProcessId): boolean => readProcess(pid)?.start === start;

/** Every process, except zombies. */
export const allProcesses = (): Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);

/** Inode of one of a process's namespaces; undefined when it is gone. */
export const namespaceOf = (pid: number, type: 'net' | 'pid'): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/ns/${type}`);
  } catch {
    return undefined;
  }
};

/** The same text for a namespace that a file under /run/netns keeps; undefined when the file keeps none. */
export const namespaceAt = (path: string): string | undefined => {
  try {
    return `net:[${statSync(path).ino}]`;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
};

/** Id of the lab that a process carries in its environment. */
export const labIdOf = (pid: number): string | undefined =>
  readProc(pid, 'environ')
    .split('\0')
    .find((setting) => setting.startsWith(`${labVariable}=`))
    ?.slice(labVariable.length + 1);

/** Processes that carry the lab's id, or live in one of `networks` (as `namespaceAt` writes them). */
export const processesOf = (labId: string, networks: ReadonlySet<string>): Process[] =>
  allProcesses().filter(({ pid }) => labIdOf(pid) === labId || networks.has(namespaceOf(pid, 'net') ?? ''));

/** Processes of the PID namespace that `holder` began, the holder included. */
export const processesBeside = (holder: ProcessId): Process[] => {
  const inside = isAlive(holder) ? namespaceOf(holder.pid, 'pid') : undefined;
  return inside === undefined ? [] : allProcesses().filter(({ pid }) => namespaceOf(pid, 'pid') === inside);
};

/** Proportional set size in bytes: shared pages are divided among those who share them. 0 when it is gone. */
export const memoryOf = (pid: number): number =>
  Number(/^Pss:\s+(\d+) kB/m.exec(readProc(pid, 'smaps_rollup'))?.[1] ?? 0) * 1024;

/** This process and those it descends from: what asked for an end must not be ended by it. */
export const ancestry = (): ReadonlySet<number> => {
  const line = new Set<number>();
  for (let pid = process.pid; pid > 0 && !line.has(pid); pid = readProcess(pid)?.parent ?? 0) line.add(pid);
  return line;
};

/** Signals a process if it still is the one that was meant. */
export const signalProcess = (id: ProcessId, signal: NodeJS.Signals): void => {
  try {
    if (isAlive(id)) process.kill(id.pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
};

/** SIGKILL to all that `find` returns, again and again until it returns none; `Timeout` after ten seconds. */
export const endAll = async (find: () => readonly Process[]): Promise<void> => {
  const deadline = systemClock.monotonic() + 10_000;
  for (let left = find(); left.length > 0; left = find()) {
    if (systemClock.monotonic() > deadline) {
      const names = left.map(({ pid, command }) => `${command} (${pid})`).join(', ');
      throw new HeddleError('Timeout', `processes do not end: ${names}`);
    }
    for (const id of left) signalProcess(id, 'SIGKILL');
    await systemClock.sleep(10);
  }
};

/** Text of a file below /proc/PID; empty when the process is gone or not ours to read. */
const readProc = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH') || isErrno(error, 'EACCES')) return '';
    throw error;
  }
};
