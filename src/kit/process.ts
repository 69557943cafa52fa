/**
 * Running other programs. Arguments are always an array, so no value of a user ever meets a shell; what went wrong names
 * the command as a person would type it and the last thing it said.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { commandLine } from './commandline.ts';
import { HeddleError } from './error.ts';

export { commandLine };

export type Argv = readonly [string, ...string[]];

export interface RunOptions {
  /** Text for standard input; without it, standard input is empty. */
  readonly stdin?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the program with SIGKILL and fails with `Timeout`. Default 60,000. */
  readonly timeoutMilliseconds?: number;
  readonly signal?: AbortSignal;
}

export interface Output {
  /** Exit status; 128 + the signal's number when a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandError extends HeddleError {
  readonly argv: Argv;
  readonly output: Output;

  constructor(argv: Argv, output: Output) {
    const said = (output.stderr.trim() || output.stdout.trim()).split('\n').slice(-5).join('; ');
    super('Internal', `"${commandLine(argv)}" exited ${output.status}${said === '' ? '' : `: ${said}`}`);
    this.name = 'CommandError';
    this.argv = argv;
    this.output = output;
  }
}

/** Runs to the end and returns what it said, whatever its exit status. Fails when it cannot start or takes too long. */
export const tryRun = async (argv: Argv, options: RunOptions = {}): Promise<Output> => {
  const [command, ...rest] = argv;
  const patience = options.timeoutMilliseconds ?? 60_000;
  const child = spawn(command, rest, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, patience);
  // A program that ends without reading its input closes the pipe; its exit status says what that means.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(cannotStart(argv, error)));
      child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
    if (late) throw new HeddleError('Timeout', `"${commandLine(argv)}" did not end within ${patience} ms`);
    return { status, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
};

const cannotStart = (argv: Argv, error: NodeJS.ErrnoException): HeddleError =>
  error.code === 'ENOENT'
    ? new HeddleError('Unsupported', `the program "${argv[0]}" is not installed: "npm run setup" installs what is missing`, {
        cause: error,
      })
    : new HeddleError('Internal', `"${commandLine(argv)}" cannot run: ${error.message}`, { cause: error });

/** Runs to the end and returns what it said; `CommandError` when the exit status is not 0. */
export const run = async (argv: Argv, options: RunOptions = {}): Promise<Output> => {
  const output = await tryRun(argv, options);
  if (output.status !== 0) throw new CommandError(argv, output);
  return output;
};
