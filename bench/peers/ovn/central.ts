/**
 * OVN's central programs, started in a private directory on unix sockets: the two databases and one northd between them. They
 * are children that end with this process however it ends, and nothing of them stays.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, type Argv } from '../../../src/kit/process.ts';
import { Connection } from '../ovsdb/connection.ts';
import { insert } from '../ovsdb/rows.ts';
import type { Programs } from './programs.ts';

export interface Central {
  readonly northbound: Connection;
  readonly southbound: Connection;
  /** northd's control socket (ovs-appctl(8)). */
  readonly control: Connection;
  readonly pids: { readonly northd: number; readonly northbound: number; readonly southbound: number };
  /** Starts ovn-trace(8) as a daemon over the southbound database; it ends with `exit` on its control socket. */
  tracer(): Promise<{ readonly pid: number; readonly control: Connection }>;
  /** Ends all of it and removes the directory. */
  stop(): Promise<void>;
}

const databases = { nb: 'OVN_Northbound', sb: 'OVN_Southbound' } as const;
const globals = { nb: 'NB_Global', sb: 'SB_Global' } as const;

/** Starts them and waits until northd serves; on a failure or when the signal comes, ends what was started. */
export const startCentral = async (programs: Programs, signal: AbortSignal): Promise<Central> => {
  const directory = mkdtempSync(join(tmpdir(), 'heddle-ovn-'));
  const children: ChildProcess[] = [];
  const connections: Connection[] = [];
  const stop = async (): Promise<void> => {
    for (const connection of connections) connection.close();
    await Promise.all(children.map(end));
    rmSync(directory, { recursive: true, force: true });
  };
  const start = async (name: string, argv: Argv, socket: string): Promise<{ readonly pid: number; readonly connection: Connection }> => {
    const child = spawnLogged(argv, directory, name);
    children.push(child);
    const connection = await reach(child, join(directory, socket), join(directory, `${name}.log`), signal);
    connections.push(connection);
    return { pid: child.pid ?? 0, connection };
  };
  const database = async (name: 'nb' | 'sb') => {
    const file = join(directory, `${name}.db`);
    const [tool, ...words] = programs.tool;
    await run([tool, ...words, 'create', file, programs.schema(name)]);
    const [server, ...rest] = programs.server;
    const options = [`--remote=punix:${directory}/${name}.sock`, `--unixctl=${directory}/${name}.ctl`, '-vconsole:warn'];
    const started = await start(name, [server, ...rest, file, ...options], `${name}.sock`);
    await started.connection.transact(databases[name], [insert(globals[name], {})]);
    return started;
  };
  try {
    const [northbound, southbound] = [await database('nb'), await database('sb')];
    const [northd, ...rest] = programs.northd;
    const remotes = [`--ovnnb-db=unix:${directory}/nb.sock`, `--ovnsb-db=unix:${directory}/sb.sock`];
    const options = ['--n-threads=1', `--unixctl=${directory}/northd.ctl`, '-vconsole:warn'];
    const translator = await start('northd', [northd, ...rest, ...remotes, ...options], 'northd.ctl');
    return {
      northbound: northbound.connection,
      southbound: southbound.connection,
      control: translator.connection,
      pids: { northd: translator.pid, northbound: northbound.pid, southbound: southbound.pid },
      tracer: () => startTracer(programs, directory),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** It forks, and its parent ends when it serves. */
const startTracer = async (programs: Programs, directory: string): Promise<{ readonly pid: number; readonly control: Connection }> => {
  const [tool, ...rest] = programs.trace;
  const [pidfile, socket] = [join(directory, 'trace.pid'), join(directory, 'trace.ctl')];
  await run([tool, ...rest, `--db=unix:${directory}/sb.sock`, '--detach', '--no-chdir', `--pidfile=${pidfile}`, `--unixctl=${socket}`, `--log-file=${directory}/trace.log`]);
  return { pid: Number(readFileSync(pidfile, 'utf8')), control: await Connection.open(socket) };
};

const spawnLogged = (argv: Argv, directory: string, name: string): ChildProcess => {
  const log = openSync(join(directory, `${name}.log`), 'a');
  // The kernel ends the child with us, also when we are killed; setpriv becomes the program, so the process id is its own.
  const child = spawn('setpriv', ['--pdeathsig', 'kill', ...argv], {
    cwd: directory,
    env: { ...process.env, OVS_RUNDIR: directory, OVN_RUNDIR: directory, OVS_LOGDIR: directory, OVN_LOGDIR: directory },
    stdio: ['ignore', log, log],
  });
  child.on('error', () => {});
  closeSync(log);
  return child;
};

/** Connects as soon as the program listens; fails with what it logged when it ends instead. */
const reach = async (child: ChildProcess, socket: string, log: string, signal: AbortSignal): Promise<Connection> => {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    signal.throwIfAborted();
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) break;
    try {
      return await Connection.open(socket);
    } catch {
      await delay(20);
    }
  }
  throw new Error(`"${child.spawnargs.at(-1)}" does not answer on "${socket}": ${readFileSync(log, 'utf8').trim().split('\n').slice(-3).join('; ')}`);
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  // A northd in the middle of a pass does not hear it for seconds.
  const hard = setTimeout(() => child.kill('SIGKILL'), 1000);
  await ended;
  clearTimeout(hard);
};
