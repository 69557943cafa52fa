/** `heddle lab status`: what runs, whether it is connected, and what it costs. */
import type { SwitchStatus } from '../api/kinds/switch.ts';
import { HeddleError } from '../kit/error.ts';
import { formatTable } from '../kit/table.ts';
import { agentOf, programsIn } from './agents.ts';
import { openApi } from './api.ts';
import { sessionsOf, type Sessions } from './bgp.ts';
import { controlPlaneOf } from './controlplane.ts';
import { holderOf } from './inside.ts';
import { isSwitch, readManifest, type Manifest, type ManifestNode } from './manifest.ts';
import { addressesOf } from './probe.ts';
import { memoryOf } from './processes.ts';
import { together } from './progress.ts';
import type { Role } from './topology.ts';

export interface NodeStatus {
  readonly node: string;
  readonly role: Role;
  /** Whether its first process lives. */
  readonly running: boolean;
  /** Switches only. */
  readonly agent?: { readonly pid?: number; readonly connected: boolean; readonly memoryBytes: number };
  readonly sessions?: Sessions;
  /** Servers only: addresses by port. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /** Proportional set size of everything that runs in the node, the agent included. */
  readonly memoryBytes: number;
}

export interface LabStatus {
  readonly name: string;
  readonly runDirectory: string;
  readonly kubeconfig: string;
  readonly controlPlane: { readonly own: boolean; readonly ready: boolean; readonly pid?: number; readonly memoryBytes: number };
  readonly nodes: readonly NodeStatus[];
}

export const labStatus = async ({ name }: { readonly name: string }): Promise<LabStatus> => {
  const manifest = readManifest(name);
  const { kubeconfig, own } = manifest.controlPlane;
  const server = controlPlaneOf(manifest);
  const connected = await connectedSwitches(kubeconfig);
  return {
    name,
    runDirectory: manifest.runDirectory,
    kubeconfig,
    controlPlane: {
      own,
      ready: connected !== undefined,
      ...(server === undefined ? {} : { pid: server.pid }),
      memoryBytes: server === undefined ? 0 : memoryOf(server.pid),
    },
    nodes: await together(manifest.nodes.map((node) => nodeStatus(manifest, node, connected ?? new Set()))),
  };
};

/** Switches whose agents are connected; undefined when the control plane does not answer. */
const connectedSwitches = async (kubeconfig: string): Promise<Set<string> | undefined> => {
  try {
    const api = openApi(kubeconfig);
    try {
      const switches = [...(await api.list('Switch')), ...(await api.list('Gateway'))];
      const connected = switches.filter(({ status }) => (status as SwitchStatus | undefined)?.agent?.connected === true);
      return new Set(connected.map(({ metadata }) => metadata.name));
    } finally {
      api.close();
    }
  } catch (error) {
    if (error instanceof HeddleError && ['Unavailable', 'NotFound'].includes(error.code)) return undefined;
    throw error;
  }
};

const nodeStatus = async (manifest: Manifest, node: ManifestNode, connected: ReadonlySet<string>): Promise<NodeStatus> => {
  const running = holderOf(manifest, node.name) !== undefined;
  const memoryBytes = programsIn(manifest, node.name).reduce((sum, { pid }) => sum + memoryOf(pid), 0);
  const common = { node: node.name, role: node.role, running, memoryBytes };
  if (!running) return common;
  if (node.role === 'external') return common;
  if (!isSwitch(node)) return { ...common, addresses: Object.fromEntries(await addressesOf(manifest, node.name)) };
  const agent = agentOf(manifest, node.name);
  return {
    ...common,
    agent: {
      ...(agent === undefined ? {} : { pid: agent.pid }),
      connected: connected.has(node.name),
      memoryBytes: agent === undefined ? 0 : memoryOf(agent.pid),
    },
    sessions: await sessionsOf(manifest, node.name),
  };
};

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

/** For people. */
export const formatStatus = ({ name, runDirectory, kubeconfig, controlPlane, nodes }: LabStatus): string => {
  const rows = nodes.map(({ node, role, running, agent, sessions, addresses, memoryBytes }) => [
    node,
    role,
    running ? 'running' : 'down',
    agent === undefined ? '' : agent.pid === undefined ? 'down' : agent.connected ? 'connected' : 'not connected',
    sessions === undefined ? '' : `${sessions.established}/${sessions.expected}`,
    Object.values(addresses ?? {}).flat().join(' '),
    megabytes(memoryBytes),
  ]);
  const plane = `${controlPlane.ready ? 'ready' : 'not answering'}${controlPlane.own ? `, ${megabytes(controlPlane.memoryBytes)}` : ', not of this lab'}`;
  return (
    `lab            ${name} (${runDirectory})\ncontrol plane  ${plane}\nkubeconfig     ${kubeconfig}\n\n` +
    formatTable(['node', 'role', 'state', 'agent', 'bgp', 'address', 'memory'], rows)
  );
};
