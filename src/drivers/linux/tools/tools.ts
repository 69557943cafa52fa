/**
 * Everything the driver uses to look at and change the device. Commands are what a person would type; what runs is the
 * cheapest thing that does the same: a line for an `ip` that is already there, a message to an FRR daemon, a write to a file,
 * and a process only for the rest.
 */
import { tryRun } from '../../../kit/process.ts';
import type { Argv, Output } from '../../../kit/process.ts';
import { FrrShell } from '../frr/shell.ts';
import type { Place } from '../model.ts';
import type { Verdict } from './batch.ts';
import { Batches } from './batches.ts';
import { runInProcess } from './inprocess.ts';

/** Runs one command to its end, whatever its exit status; like `tryRun` of kit/process.ts. */
export type Runner = (argv: Argv, stdin?: string) => Promise<Output>;

export interface Tools {
  readonly run: Runner;
  /** Lines of `ip -batch` or `bridge -batch`, all of them, one verdict each. `prefix`: tool and namespace, as `ip -n vrf1`. */
  batch(prefix: Argv, lines: readonly string[]): Promise<readonly Verdict[]>;
  /** Lets go of a namespace, or of all: what runs in one keeps it alive. */
  leave(place?: Place): Promise<void>;
}

export interface DeviceTools extends Tools {
  /** Processes started so far, by program. */
  readonly started: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** vtysh appends every command to a file in the home directory unless told otherwise; an agent may have neither home nor PATH. */
export const toolEnvironment = (own: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...own,
  PATH: own.PATH === undefined || own.PATH === '' ? usualPath : own.PATH,
  VTYSH_HISTFILE: '/dev/null',
});

export const deviceTools = (): DeviceTools => {
  const env = toolEnvironment(process.env);
  const started = new Map<string, number>();
  const count = (tool: string): void => void started.set(tool, (started.get(tool) ?? 0) + 1);
  const shell = new FrrShell();
  const batches = new Batches(env, count);
  return {
    started,
    run: async (argv, stdin) => {
      const done = argv[0] === 'vtysh' ? await shell.run(argv) : await runInProcess(argv, stdin);
      if (done !== undefined) return done;
      count(programOf(argv));
      return tryRun(argv, { env, ...(stdin === undefined ? {} : { stdin }) });
    },
    batch: (prefix, lines) => batches.run(prefix, lines),
    leave: (place) => batches.end(place),
    close: async () => {
      shell.close();
      await batches.end();
    },
  };
};

/** `nsenter` only leads into a namespace. */
const programOf = (argv: Argv): string => (argv[0] === 'nsenter' ? (argv[2] ?? argv[0]) : argv[0]);
