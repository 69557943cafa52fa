/** BGP sessions of a switch, as its routing daemon tells them. */
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tryRun } from '../kit/process.ts';
import { stateDirectory } from './agents.ts';
import { inside, labEnvironment } from './inside.ts';
import { isSwitch, type Manifest } from './manifest.ts';

export interface Sessions {
  readonly established: number;
  /** One a fabric link, without spare ones. */
  readonly expected: number;
}

interface Summary {
  readonly [addressFamily: string]: { readonly peers?: Readonly<Record<string, { readonly state?: string }>> } | undefined;
}

export const sessionsOf = async (manifest: Manifest, node: string, signal?: AbortSignal): Promise<Sessions> => {
  const roles = new Map(manifest.nodes.map((other) => [other.name, other]));
  const ends = manifest.cables.filter(({ ends }) => ends.every((end) => isSwitch(roles.get(end.node) ?? { role: 'server' })));
  const expected = ends.filter((cable) => cable.spare !== true && cable.ends.some((end) => end.node === node)).length;
  const peers = (await summary(manifest, node, signal))['ipv4Unicast']?.peers ?? {};
  return { expected, established: Object.values(peers).filter(({ state }) => state === 'Established').length };
};

/** Empty while the routing daemon does not run. */
const summary = async (manifest: Manifest, node: string, signal?: AbortSignal): Promise<Summary> => {
  // The driver decides where its sockets are, below the agent's state.
  const [socket] = globSync('**/bgpd.vty', { cwd: stateDirectory(manifest, node) });
  if (socket === undefined) return {};
  const directory = dirname(join(stateDirectory(manifest, node), socket));
  const { stdout, status } = await tryRun(inside(manifest, node, ['vtysh', '--vty_socket', directory, '-c', 'show bgp summary json']), {
    env: labEnvironment(manifest),
    ...(signal === undefined ? {} : { signal }),
  });
  if (status !== 0 || !stdout.trimStart().startsWith('{')) return {};
  return JSON.parse(stdout) as Summary;
};
