/** Daemons that outlive the agent, found again through their pid files. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/**
 * Process id in `<program>.pid` or `<program>-<what>.pid`, when that process runs that program; a number may have been given
 * to another since.
 */
export const aliveProcess = async (pidFile: string): Promise<number | undefined> => {
  try {
    const pid = Number((await readFile(pidFile, 'utf8')).trim());
    const program = (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
    const [state] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').slice(-1);
    return program === basename(pidFile).split(/[-.]/)[0] && state?.startsWith('Z') === false ? pid : undefined;
  } catch {
    return undefined;
  }
};

/** Arguments of a running process, without its name. */
export const argumentsOf = async (pid: number): Promise<readonly string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(1, -1);
