/** How to do something inside a node, and with what environment the processes of a lab run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '../kit/error.ts';
import type { Argv } from '../kit/process.ts';
import { isErrno, labVariable, nodeDirectory, type Manifest } from './manifest.ts';
import { isAlive, type ProcessId } from './processes.ts';

/** Folder of the scripts that run inside nodes. */
export const scripts = import.meta.dirname;
/** The launcher of this very package. */
export const launcher = join(import.meta.dirname, '..', '..', 'bin', 'heddle');

/** What processes of a lab get: where programs are, Heddle's own settings, and the mark by which `lab down` knows them. */
export const labEnvironment = (manifest: Manifest): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith('HEDDLE_') || ['HOME', 'LANG', 'TERM', 'TMPDIR'].includes(name)),
  ),
  PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`,
  // vtysh appends every command to a file in the home directory unless told otherwise.
  VTYSH_HISTFILE: '/dev/null',
  [labVariable]: manifest.id,
});

/** The same for what runs in a node at somebody's wish: `HEDDLE_NODE` is where the node has its files, such as what DHCP told it. */
export const nodeEnvironment = (manifest: Manifest, node: string): NodeJS.ProcessEnv => ({
  ...labEnvironment(manifest),
  HEDDLE_NODE: nodeDirectory(manifest, node),
});

/** Reads a file of the form `PID START`; undefined when there is none or that process is gone. */
export const readProcessId = (file: string): ProcessId | undefined => {
  try {
    const [pid = '', start = ''] = readFileSync(file, 'utf8').trim().split(' ');
    const id = { pid: Number(pid), start };
    return isAlive(id) ? id : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
};

export const holderOf = (manifest: Manifest, node: string): ProcessId | undefined =>
  readProcessId(join(nodeDirectory(manifest, node), 'holder'));

/** The command that runs `argv` in a node: its network, its mounts, its processes. `Unavailable` when the node is down. */
export const inside = (manifest: Manifest, node: string, argv: Argv): Argv => {
  const holder = holderOf(manifest, node);
  if (holder === undefined) {
    throw new HeddleError('Unavailable', `node "${node}" of lab "${manifest.name}" is not running`);
  }
  return ['nsenter', '-t', String(holder.pid), '-m', '-n', '-p', '--', ...argv];
};
