/** Makes the namespaces, cables and nodes of a lab, as its manifest says. Switch ports stay down: they are the agent's. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '../kit/error.ts';
import { run } from '../kit/process.ts';
import { labEnvironment, scripts } from './inside.ts';
import { isServer, isSwitch, nodeDirectory, type Manifest, type ManifestNode } from './manifest.ts';
import { spread } from './progress.ts';
import { interfacesOf } from './servers.ts';
import type { CableEnd } from './topology.ts';

const fabricMtu = 9216;
const serverMtu = 1500;

/** All namespaces and cables, and the machine's own end of the management network. */
export const buildNetwork = async (manifest: Manifest, signal?: AbortSignal): Promise<void> => {
  // One process makes everything: a batch of fifty steps takes less time than starting `ip` twice.
  await ipBatch(manifest, [], [...namespaceLines(manifest), ...managementLines(manifest), ...cableLines(manifest)], signal);
  await ipBatch(manifest, ['-n', manifest.management.namespace], bridgeLines(manifest), signal);
};

/** Starts every node, so many at a time as the machine has use for. */
export const startNodes = async (manifest: Manifest, signal?: AbortSignal): Promise<void> => {
  await spread(manifest.nodes, 8, async (node) => {
    signal?.throwIfAborted();
    await startNode(manifest, node, signal);
  });
};

const ipBatch = (manifest: Manifest, options: readonly string[], lines: readonly string[], signal?: AbortSignal) =>
  run(['ip', ...options, '-batch', '-'], {
    stdin: `${lines.join('\n')}\n`,
    env: labEnvironment(manifest),
    ...(signal === undefined ? {} : { signal }),
  });

const namespaceLines = ({ management, nodes }: Manifest): string[] =>
  [management.namespace, ...nodes.map((node) => node.namespace)].map((namespace) => `netns add ${namespace}`);

const managementLines = ({ management, nodes }: Manifest): string[] => [
  `link add ${management.hostInterface} type veth peer name host netns ${management.namespace}`,
  `addr add ${management.hostAddress}/${management.prefixLength} dev ${management.hostInterface}`,
  `link set ${management.hostInterface} up`,
  ...nodes
    .filter(isSwitch)
    .map(({ namespace }, index) => `link add mgmt0 netns ${namespace} type veth peer name p${index} netns ${management.namespace}`),
];

const cableLines = ({ cables, nodes }: Manifest): string[] => {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const side = (end: CableEnd): string => {
    const node = byName.get(end.node);
    const mtu = node?.role === 'server' ? serverMtu : fabricMtu;
    return `${end.interface} netns ${node?.namespace ?? ''} mtu ${mtu}${end.mac === undefined ? '' : ` address ${end.mac}`}`;
  };
  return cables.map(({ ends: [a, b] }) => `link add ${side(a)} type veth peer name ${side(b)}`);
};

const bridgeLines = ({ nodes }: Manifest): string[] => [
  'link add bridge type bridge stp_state 0 forward_delay 0',
  'link set bridge up',
  ...['host', ...nodes.filter(isSwitch).map((_, index) => `p${index}`)].map((port) => `link set ${port} master bridge up`),
];

const startNode = async (manifest: Manifest, node: ManifestNode, signal?: AbortSignal): Promise<void> => {
  const directory = nodeDirectory(manifest, node.name);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  await startHolder(manifest, node, directory);
  if (node.managementAddress === undefined) return;
  const lines = [`addr add ${node.managementAddress} dev mgmt0`, 'link set mgmt0 up'];
  await ipBatch(manifest, ['-n', node.namespace], lines, signal);
};

/** Starts the first process of a node and returns when it is ready; see node-init.sh. */
const startHolder = async (manifest: Manifest, node: ManifestNode, directory: string): Promise<void> => {
  const log = join(directory, 'node.log');
  const descriptor = openSync(log, 'a');
  // A group of its own, so that Ctrl-C at the terminal reaches the one who is building and not what has been built.
  const child = spawn('nsenter', holderArguments(manifest, node, directory), {
    cwd: '/',
    detached: true,
    env: labEnvironment(manifest),
    stdio: ['ignore', 'pipe', descriptor],
  });
  closeSync(descriptor);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.stdout?.once('data', () => resolve());
    child.once('exit', () => {
      const said = readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('; ');
      reject(new HeddleError('Internal', `node "${node.name}" does not start: ${said}`));
    });
  });
  child.stdout?.destroy();
  child.unref();
};

const holderArguments = (manifest: Manifest, node: ManifestNode, directory: string): string[] => [
  `--net=/run/netns/${node.namespace}`,
  'unshare',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--propagation',
  'private',
  'sh',
  join(scripts, 'node-init.sh'),
  directory,
  ...(isServer(node) ? serverCommand(manifest, node, directory) : []),
  ...(node.role === 'external' ? ['sh', join(scripts, 'probe-answer.sh'), directory, node.name] : []),
];

const serverCommand = (manifest: Manifest, node: ManifestNode, directory: string): string[] => {
  const ports = interfacesOf(manifest.cables, node.name).map(({ name, ports: over }) => (over.length === 0 ? name : `${name}=${over.join(',')}`));
  return ['sh', join(scripts, 'server-start.sh'), directory, node.name, scripts, ...ports];
};
