/** Many commands of `ip` or `bridge` as one batch. */
import { HeddleError } from '../../kit/error.ts';

type Argv = readonly [string, ...string[]];

/** Words before the first of a command: the tool, and the namespace it works in. */
const prefixLength = (argv: Argv): number => (argv[1] === '-n' ? 3 : 1);

/** A word as a batch line needs it; a word that could end its line is refused. */
const quoted = (word: string): string => {
  if (/[\n\r"\\]/.test(word)) throw new HeddleError('Invalid', `"${word}" cannot be part of a command`);
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`;
};

/** Commands that share tool and namespace. */
export const batchText = (commands: readonly Argv[]): { readonly prefix: Argv; readonly text: string } => {
  const [first = ['true'] as const] = commands;
  const [tool, ...rest] = first.slice(0, prefixLength(first));
  return {
    prefix: [tool ?? 'true', ...rest],
    text: commands.map((argv) => `${argv.slice(prefixLength(argv)).map(quoted).join(' ')}\n`).join(''),
  };
};

/** Index of the line that `Command failed -:<line>` names; 0 when nothing is named. */
export const failedLine = (stderr: string): number => Number(/Command failed -:(\d+)/.exec(stderr)?.[1] ?? 1) - 1;
