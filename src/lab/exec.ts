/** Runs a command in a node, at the caller's terminal. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Argv } from '../kit/process.ts';
import { join } from 'node:path';
import { stateDirectory } from './agents.ts';
import { inside, nodeEnvironment } from './inside.ts';
import { findNode, readManifest, type Manifest } from './manifest.ts';

export interface ExecOptions {
  readonly name: string;
  readonly node: string;
  readonly argv: Argv;
}

/** Standard streams are the caller's. Returns the command's exit status; 128 + n when signal n ended it. */
export const labExec = async ({ name, node, argv }: ExecOptions): Promise<number> => {
  const manifest = readManifest(name);
  const [command, ...rest] = inside(manifest, findNode(manifest, node).name, asTyped(manifest, node, argv));
  // Ctrl-C belongs to the command: it gets the terminal's signal itself and decides, we wait for what it decides.
  const keep = (): void => {};
  process.on('SIGINT', keep);
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = spawn(command, rest, { cwd: '/', stdio: 'inherit', env: { ...process.env, ...nodeEnvironment(manifest, node) } });
      child.once('error', reject);
      child.once('exit', (status, signal) => resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    process.off('SIGINT', keep);
  }
};

/** `vtysh` looks for FRR where the machine's own would be; a switch of the lab has its sockets in its own state. */
export const asTyped = (manifest: Manifest, node: string, [command, ...rest]: Argv): Argv =>
  command === 'vtysh' && !rest.includes('--vty_socket') ? [command, '--vty_socket', join(stateDirectory(manifest, node), 'run'), ...rest] : [command, ...rest];
