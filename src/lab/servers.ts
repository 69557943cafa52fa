/**
 * What servers of the lab need beside their cables: one interface over the ports that share a Connection, which is there from
 * the beginning, and an interface for each VLAN that something is attached to, which comes and goes with attachments.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import type { VpcAttachmentSpec } from '../api/kinds/vpcattachment.ts';
import type { Resource } from '../api/object.ts';
import { run } from '../kit/process.ts';
import { inside, labEnvironment, scripts } from './inside.ts';
import { isErrno, isServer, nodeDirectory, type Manifest } from './manifest.ts';
import { together } from './progress.ts';
import type { Cable, CableEnd } from './topology.ts';

export interface ServerInterface {
  readonly name: string;
  /** Of a bundle: the ports that it is over, at least two. */
  readonly ports: readonly string[];
}

/** One for each Connection of the server: its port, or what is over its ports. */
export const interfacesOf = (cables: readonly Cable[], server: string): readonly ServerInterface[] => {
  const own = cables.flatMap(({ connection, ends }) => ends.filter(({ node }) => node === server).map((end) => ({ connection, port: end.interface })));
  return [...Map.groupBy(own, ({ connection }) => connection).values()].map((links) => {
    const ports = links.map(({ port }) => port);
    const first = ports[0] ?? '';
    return links.length < 2 ? { name: first, ports: [] } : { name: `bond-${first}`.slice(0, 15), ports };
  });
};

/** `<name> <trunk> <vlan>` of each VLAN, by server. Named after the first port, as the party of a story is. */
export const vlansOf = (manifest: Pick<Manifest, 'cables' | 'nodes'>, attachments: readonly Resource[], connections: readonly Resource[]): ReadonlyMap<string, readonly string[]> => {
  const servers = new Set(manifest.nodes.filter(isServer).map(({ name }) => name));
  const specs = new Map(connections.map(({ metadata, spec }) => [metadata.name, spec as ConnectionSpec]));
  const found = attachments.flatMap(({ spec }) => {
    const { connection, vlan } = spec as VpcAttachmentSpec;
    if (vlan === undefined || !specs.has(connection)) return [];
    const end = manifest.cables.find((cable) => cable.connection === connection)?.ends.find(({ node }) => servers.has(node));
    if (end === undefined) return [];
    const port = end.interface;
    const trunk = interfacesOf(manifest.cables, end.node).find(({ ports }) => ports.includes(port))?.name ?? port;
    return [{ server: end.node, line: `${port}.${vlan} ${trunk} ${vlan}` }];
  });
  return new Map([...Map.groupBy(found, ({ server }) => server)].map(([server, lines]) => [server, [...new Set(lines.map(({ line }) => line))].sort()]));
};

export const setUpServers = async (
  manifest: Manifest, attachments: readonly Resource[], connections: readonly Resource[], signal?: AbortSignal,
): Promise<void> => {
  const vlans = vlansOf(manifest, attachments, connections);
  const textOf = (name: string): string => (vlans.get(name) ?? []).map((line) => `${line}\n`).join('');
  const servers = manifest.nodes.filter(isServer).filter(({ name }) => heldBy(manifest, name) !== textOf(name));
  await together(servers.map(({ name }) => setUp(manifest, name, textOf(name), signal)));
};

/** A port that was pulled comes back without its bundle, and without what leads the frames of VLANs. */
export const restoreServerPort = async (manifest: Manifest, { node, interface: port }: Pick<CableEnd, 'node' | 'interface'>): Promise<void> => {
  const bundle = interfacesOf(manifest.cables, node).find(({ ports }) => ports.includes(port));
  const options = { env: labEnvironment(manifest), cwd: '/' };
  if (bundle !== undefined) await run(inside(manifest, node, ['sh', join(scripts, 'server-bundle.sh'), bundle.name, port]), options);
  for (const line of heldBy(manifest, node).split('\n')) {
    const [name = '', trunk, vlan = ''] = line.split(' ');
    if (trunk === port) await run(inside(manifest, node, ['sh', join(scripts, 'vlan.sh'), trunk, vlan, name]), options);
  }
};

/** What the server was given last; server-vlans.sh writes it down when it is done. */
const heldBy = (manifest: Manifest, server: string): string => {
  try {
    return readFileSync(join(nodeDirectory(manifest, server), 'vlans'), 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return '';
    throw error;
  }
};

const setUp = async (manifest: Manifest, server: string, stdin: string, signal?: AbortSignal): Promise<void> => {
  const argv = ['sh', join(scripts, 'server-vlans.sh'), nodeDirectory(manifest, server), scripts] as const;
  const options = { stdin, env: labEnvironment(manifest), cwd: '/' };
  await run(inside(manifest, server, argv), signal === undefined ? options : { ...options, signal });
};
