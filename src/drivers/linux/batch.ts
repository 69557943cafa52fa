/** Commands of `ip` and `bridge` as lines of a batch. */
import { HeddleError } from '../../kit/error.ts';
import type { Argv } from '../../kit/process.ts';

/** Words before the first of a command: the tool, and the namespace it works in. */
const prefixLength = (argv: Argv): number => (argv[1] === '-n' ? 3 : 1);

/** A word as a batch line needs it; a word that could end its line is refused. */
const quoted = (word: string): string => {
  if (/[\n\r"\\]/.test(word)) throw new HeddleError('Invalid', `"${word}" cannot be part of a command`);
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`;
};

/** What commands of one batch share: the tool, and the namespace it works in. */
export const batchPrefix = (argv: Argv): Argv => [argv[0], ...argv.slice(1, prefixLength(argv))];

/** @throws HeddleError `Invalid` when a word cannot be part of a line. */
export const batchLine = (argv: Argv): string => argv.slice(prefixLength(argv)).map(quoted).join(' ');
