/** Small commands about files and processes that need no process of their own. Each does what the program of its name does. */
import { appendFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import type { Argv, Output } from '../../../kit/process.ts';

type Small = (words: readonly string[], stdin: string) => Promise<void>;

const files = (words: readonly string[]): readonly string[] => words.filter((word) => !word.startsWith('-'));

const small: ReadonlyMap<string, Small> = new Map<string, Small>([
  ['tee', async (words, stdin) => void (await Promise.all(words.map((file) => writeFile(file, stdin))))],
  ['rm', async (words) => void (await Promise.all(files(words).map((file) => rm(file, { force: true }))))],
  ['touch', async (words) => {
    for (const file of words) {
      await appendFile(file, '');
      const now = new Date();
      await utimes(file, now, now);
    }
  }],
  ['test', async ([, file = '']) => {
    if (!(await stat(file)).isSocket()) throw new Error(`${file} is not a socket`);
  }],
  ['kill', async (words) => {
    const signal = words.find((word) => word.startsWith('-'))?.slice(1) ?? 'TERM';
    const results = await Promise.allSettled(files(words).map(async (pid) => process.kill(processId(pid), `SIG${signal}`)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }],
]);

/** An empty word, as of a file that was just emptied, would be 0: the agent's own group. */
const processId = (word: string): number => {
  if (!/^[1-9]\d{0,9}$/.test(word)) throw new Error(`"${word}" is no process id`);
  return Number(word);
};

/** Undefined when the command needs a process. Only the forms that steps are made of are known: `test -S`, `rm -f`. */
export const runInProcess = async ([name, ...words]: Argv, stdin = ''): Promise<Output | undefined> => {
  const command = small.get(name);
  if (command === undefined || (name === 'test' && words[0] !== '-S') || (name === 'rm' && words[0] !== '-f')) return undefined;
  try {
    await command(words, stdin);
    return { status: 0, stdout: '', stderr: '' };
  } catch (error) {
    return { status: 1, stdout: '', stderr: `${name}: ${sayingOf(error)}` };
  }
};

/** As the C library would say it, which is how a failure that does no harm is recognised. */
const sayingOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error)) return error.message;
  if (error.code === 'ESRCH') return 'No such process';
  return error.code === 'ENOENT' ? `No such file or directory: ${error.message}` : error.message;
};
