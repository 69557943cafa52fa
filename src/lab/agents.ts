/** The agent of each switch: one process, inside the switch, that dials the control plane over the management network. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Argv } from '../kit/process.ts';
import { deviceToken, loadTokenSecret } from '../southbound/tokens.ts';
import { startDaemon, type DaemonFiles } from './daemon.ts';
import { holderOf, inside, launcher, readProcessId } from './inside.ts';
import { isSwitch, nodeDirectory, type Manifest } from './manifest.ts';
import { allProcesses, processesBeside, type Process } from './processes.ts';
import { spread } from './progress.ts';

export const agentFiles = (manifest: Manifest, node: string): DaemonFiles => ({
  log: join(nodeDirectory(manifest, node), 'agent.log'),
  pid: join(nodeDirectory(manifest, node), 'agent.pid'),
});

/** Where the agent keeps its journal and its daemons their sockets. */
export const stateDirectory = (manifest: Manifest, node: string): string => join(nodeDirectory(manifest, node), 'state');

/** The agent's own process: `nsenter` stays outside as its parent, and only it was ours to write down. */
export const agentOf = (manifest: Manifest, node: string): Process | undefined => {
  const outside = readProcessId(agentFiles(manifest, node).pid);
  return outside === undefined ? undefined : allProcesses().find(({ parent }) => parent === outside.pid);
};

/** Programs that run in a switch beside its agent, by name: zebra, bgpd, dnsmasq … */
export const programsIn = (manifest: Manifest, node: string): Process[] => {
  const holder = holderOf(manifest, node);
  return holder === undefined ? [] : processesBeside(holder);
};

export const startAgents = (manifest: Manifest): Promise<void> =>
  spread(manifest.nodes.filter(isSwitch), 8, async ({ name }) => {
    await startAgent(manifest, name);
  });

/** Starts one agent; it is up to the caller that none runs already. The device's token is written anew; it is the same every time. */
export const startAgent = async (manifest: Manifest, node: string): Promise<void> => {
  const token = join(nodeDirectory(manifest, node), 'token');
  const state = stateDirectory(manifest, node);
  mkdirSync(state, { recursive: true, mode: 0o755 });
  const data = manifest.controlPlane.data;
  writeFileSync(token, deviceToken(loadTokenSecret(join(data, 'token-secret')), node), { mode: 0o600 });
  const dial = ['--server', manifest.controlPlane.southbound, '--ca', join(data, 'pki', 'ca.crt'), '--token-file', token];
  // A cable that was put elsewhere is to be seen within seconds.
  const argv: Argv = [launcher, 'agent', '--device', node, ...dial, '--state-directory', state, '--lldp-interval', '1'];
  await startDaemon(manifest, inside(manifest, node, argv), agentFiles(manifest, node));
};
