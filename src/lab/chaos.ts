/**
 * Faults, made on purpose: what a network must bear. Each takes effect at once and returns when it has; none waits for
 * anything to heal.
 */
import { HeddleError } from '../kit/error.ts';
import { run, tryRun } from '../kit/process.ts';
import { agentOf, programsIn, startAgent } from './agents.ts';
import { controlPlaneOf, startControlPlane } from './controlplane.ts';
import { inside, labEnvironment } from './inside.ts';
import { findNode, isSwitch, type Manifest } from './manifest.ts';
import { endAll, isAlive, readProcess, type ProcessId } from './processes.ts';
import { restoreRouter } from './routers.ts';
import { restoreServerPort } from './servers.ts';
import type { Cable, CableEnd } from './topology.ts';

/** `silent`: nothing passes and nobody is told. `carrier`: both ends see the light go out; an agent cannot put it back. */
export type Cut = 'silent' | 'carrier';

/** Cables of a Connection, or only the nth of `connection#n`; `NotFound` when the lab has none of that name. */
const cablesOf = (manifest: Manifest, name: string): Cable[] => {
  const [connection = '', place] = name.split('#');
  const all = manifest.cables.filter((cable) => cable.connection === connection);
  const cables = place === undefined ? all : all.slice(Number(place) - 1, Number(place));
  if (cables.length > 0) return cables;
  const names = [...new Set(manifest.cables.map((cable) => cable.connection))].join(', ');
  throw new HeddleError('NotFound', `lab "${manifest.name}" has no connection "${name}": it has ${names}`);
};

/** Cuts every cable of a connection. Cutting one that is cut already changes nothing. */
export const cutLink = async (manifest: Manifest, connection: string, how: Cut = 'silent'): Promise<void> => {
  for (const cable of cablesOf(manifest, connection)) {
    if (how === 'silent') await cutSilently(manifest, silentEnd(manifest, cable));
    else await pull(manifest, silentEnd(manifest, cable));
  }
};

/** Undoes either kind of cut; healing what is whole changes nothing. */
export const healLink = async (manifest: Manifest, connection: string): Promise<void> => {
  for (const cable of cablesOf(manifest, connection)) {
    const end = silentEnd(manifest, cable);
    await plugIn(manifest, end);
    await tryRun(inside(manifest, end.node, ['nft', 'delete', 'table', 'netdev', tableOf(end)]));
  }
};

/**
 * The end at which a cable is cut: the server's, because an agent moves the switch's end into a VRF's namespace; of two
 * switches the first, whose fabric ports stay where they are.
 */
const silentEnd = (manifest: Manifest, { ends }: Cable): CableEnd =>
  ends.find((end) => !isSwitch(findNode(manifest, end.node))) ?? ends[0];

const tableOf = (end: CableEnd): string => `cut_${end.interface.replaceAll(/[^\w]/g, '_')}`;

const cutSilently = async (manifest: Manifest, end: CableEnd): Promise<void> => {
  const table = tableOf(end);
  // One transaction: declare so that delete cannot fail, delete, make anew. nft 1.0.6 wants a line end before each "}".
  const chain = (hook: string) => `chain ${hook} {\ntype filter hook ${hook} device "${end.interface}" priority 0\ndrop\n}\n`;
  const stdin = `table netdev ${table}\ndelete table netdev ${table}\ntable netdev ${table} {\n${chain('ingress')}${chain('egress')}}\n`;
  await run(inside(manifest, end.node, ['nft', '-f', '-']), { stdin, env: labEnvironment(manifest) });
};

/** Name under which a pulled port waits in the management namespace: unique in the lab, at most 15 characters. */
const pulledName = (manifest: Manifest, end: CableEnd): string => {
  const ports = manifest.cables.flatMap(({ ends }) => ends);
  return `pulled${ports.findIndex((port) => port.node === end.node && port.interface === end.interface)}`;
};

/** Takes the port out of its node, as one pulls a transceiver: the other end loses carrier and this one is gone. */
const pull = async (manifest: Manifest, end: CableEnd): Promise<void> => {
  const from = findNode(manifest, end.node).namespace;
  const { status } = await tryRun(['ip', '-n', from, 'link', 'show', 'dev', end.interface]);
  if (status !== 0) return;
  const away = `/run/netns/${manifest.management.namespace}`;
  await run(['ip', '-n', from, 'link', 'set', 'dev', end.interface, 'down', 'netns', away, 'name', pulledName(manifest, end)]);
};

const plugIn = async (manifest: Manifest, end: CableEnd): Promise<void> => {
  const from = manifest.management.namespace;
  const name = pulledName(manifest, end);
  const { status } = await tryRun(['ip', '-n', from, 'link', 'show', 'dev', name]);
  if (status !== 0) return;
  const home = findNode(manifest, end.node);
  await run(['ip', '-n', from, 'link', 'set', 'dev', name, 'netns', `/run/netns/${home.namespace}`, 'name', end.interface]);
  // A server sets its ports up itself only when it starts; a switch's agent does so whenever it finds one down.
  if (!isSwitch(home)) await run(['ip', '-n', home.namespace, 'link', 'set', 'dev', end.interface, 'up']);
  if (home.role === 'server') await restoreServerPort(manifest, end);
  if (home.role === 'external') await restoreRouter(manifest, home.name);
};

const kill = async (what: string, ids: readonly ProcessId[]): Promise<void> => {
  if (ids.length === 0) throw new HeddleError('NotFound', `${what} does not run`);
  await endAll(() => ids.flatMap((id) => (isAlive(id) ? (readProcess(id.pid) ?? []) : [])));
};

/** SIGKILL to a switch's agent; its daemons go on. */
export const killAgent = async (manifest: Manifest, node: string): Promise<void> => {
  const agent = agentOf(manifest, findNode(manifest, node).name);
  await kill(`the agent of "${node}"`, agent === undefined ? [] : [agent]);
};

export const restartAgent = async (manifest: Manifest, node: string): Promise<void> => {
  if (agentOf(manifest, findNode(manifest, node).name) !== undefined) await killAgent(manifest, node);
  await startAgent(manifest, node);
};

const routingDaemons = new Set(['zebra', 'bgpd', 'bfdd', 'staticd']);

/** SIGKILL to all routing daemons of a switch; bringing them back is its agent's work. */
export const killFrr = async (manifest: Manifest, node: string): Promise<void> => {
  const daemons = programsIn(manifest, findNode(manifest, node).name).filter(({ command }) => routingDaemons.has(command));
  await kill(`FRR of "${node}"`, daemons);
};

/** SIGKILL to every process of a program on a switch, such as dnsmasq. */
export const killProgram = (manifest: Manifest, node: string, program: string): Promise<void> =>
  kill(`"${program}" of "${node}"`, programsIn(manifest, findNode(manifest, node).name).filter(({ command }) => command === program));

/** SIGKILL to the lab's own control plane. */
export const killServer = async (manifest: Manifest): Promise<void> => {
  const server = controlPlaneOf(manifest);
  await kill('the control plane of the lab', server === undefined ? [] : [server]);
};

/** Kills the control plane if it runs, starts it on the same data, and returns when it answers. */
export const restartServer = async (manifest: Manifest): Promise<void> => {
  if (!manifest.controlPlane.own) throw new HeddleError('Forbidden', 'the control plane is not of this lab');
  if (controlPlaneOf(manifest) !== undefined) await killServer(manifest);
  (await startControlPlane(manifest)).close();
};

/** A switch goes dark: all its processes end and every cable loses carrier at both ends. */
export const crashSwitch = async (manifest: Manifest, node: string): Promise<void> => {
  const { namespace } = findNode(manifest, node);
  const agent = agentOf(manifest, node);
  // The agent first, which would put the ports up again; then the light, so that neighbours see a dark switch and no farewell.
  if (agent !== undefined) await kill(`the agent of "${node}"`, [agent]);
  const ends = manifest.cables.flatMap((cable) => cable.ends).filter((end) => end.node === node);
  const lines = ends.map((end) => `link set dev ${end.interface} down`);
  await tryRun(['ip', '-n', namespace, '-force', '-batch', '-'], { stdin: `${lines.join('\n')}\n`, env: labEnvironment(manifest) });
  const daemons = programsIn(manifest, node).filter(({ command }) => !['sh', 'sleep'].includes(command));
  if (daemons.length > 0) await kill(`the daemons of "${node}"`, daemons);
};

/** Starts a switch that crashed; its agent sets its ports up again. */
export const startSwitch = (manifest: Manifest, node: string): Promise<void> => startAgent(manifest, findNode(manifest, node).name);
