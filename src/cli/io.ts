/**
 * Where a command reads and writes. Verbs get it as an argument, so that tests see exactly what a user would: answers on
 * `out`, everything about the way there (progress, warnings, faults) on `note`.
 */
import { text } from 'node:stream/consumers';

export interface Io {
  /** Standard output: the answer, nothing else. */
  readonly out: (text: string) => void;
  /** Standard error. */
  readonly note: (text: string) => void;
  readonly stdin: () => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly columns: number;
  readonly isTerminal: boolean;
}

export const processIo = (signal: AbortSignal): Io => ({
  out: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
  stdin: () => text(process.stdin),
  env: process.env,
  signal,
  columns: process.stdout.columns ?? 120,
  isTerminal: process.stdout.isTTY === true,
});

/** Exit status of a command: 0 fine, 1 failed or refused, 2 bad usage or (for `diff`) a difference. */
export type ExitStatus = 0 | 1 | 2;
