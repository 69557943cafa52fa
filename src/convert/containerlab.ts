/**
 * A topology of containerlab (containerlab.dev, `topology.nodes` and `topology.links`) as wiring. It knows no roles and no
 * neutral port names: roles come from a label, a group or the name, else from what a node is cabled to.
 */
import { type Static, Type } from 'typebox';
import type { SwitchSpec } from '../api/kinds/switch.ts';
import { memberPath } from '../api/findings.ts';
import type { Resource } from '../api/object.ts';
import { structureFindings } from '../api/structure.ts';
import { make } from './make.ts';
import type { Converted, Note, Outcome } from './notes.ts';

const endpoint = Type.Union([Type.String(), Type.Object({ node: Type.String(), interface: Type.String() })]);

/** Members that matter here; the others are for who runs the containers. */
const topologySchema = Type.Object({
  name: Type.Optional(Type.String()),
  topology: Type.Object({
    nodes: Type.Record(
      Type.String(),
      Type.Object({
        kind: Type.Optional(Type.String()),
        group: Type.Optional(Type.String()),
        labels: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
    ),
    links: Type.Optional(Type.Array(Type.Object({ type: Type.Optional(Type.String()), endpoints: Type.Array(endpoint, { minItems: 2, maxItems: 2 }) }))),
  }),
});
type Topology = Static<typeof topologySchema>;
type Node = Topology['topology']['nodes'][string];

/** `file` and `locate` are for notes. */
export interface ContainerlabFile {
  readonly content: unknown;
  readonly locate: (path: string) => string;
}

/** `profile` is the SwitchProfile of all switches. */
export const convertContainerlab = ({ content, locate }: ContainerlabFile, profile = 'linux-soft'): Converted => {
  const notes: Note[] = [];
  const note: Tell = (outcome, path, message) => void notes.push({ outcome, place: locate(path), subject: 'topology', path, message });
  for (const { path, message } of structureFindings(topologySchema, content)) note('error', path, message);
  if (notes.length > 0) return { objects: [], notes };
  const { nodes, links = [] } = (content as Topology).topology;
  const cables = links.flatMap((link, index) => cableOf(link, nodes, memberPath('topology.links', index), note));
  const roles = new Map(Object.entries(nodes).map(([name, node]) => [name, roleOf(name, node, cables, nodes)]));
  for (const [name, { role, reason }] of roles) {
    if (role !== 'server') note('changed', memberPath('topology.nodes', name), `is ${role === 'external' ? 'an' : 'a'} ${role}, by ${reason}${role === 'external' ? '; say how it is met, for it is taken for one of BGP' : ''}`);
  }
  const roleAt = (name: string): Role => roles.get(name)?.role ?? 'server';
  const named = cables.flatMap((ends) => neutral(ends, roleAt, note));
  return { objects: [...devices(roles, named, profile, (name) => nodes[name]?.labels?.['heddle.dev/group']), ...connections(named, roleAt)], notes };
};

type Role = SwitchSpec['role'] | 'server' | 'external' | 'gateway';

interface End {
  readonly node: string;
  /** As containerlab calls it, until it has its neutral name. */
  readonly port: string;
  /** In the file. */
  readonly path: string;
}
type Cable = readonly [End, End];

/** Kinds of nodes that are hosts; every other kind is a network operating system. */
const hostKinds: ReadonlySet<string> = new Set(['linux', 'ext-container', 'k8s-kind', 'generic_vm']);

/** Whether it runs as a host, unless it is called a switch: Linux machines are both. */
const isHost = ({ kind = 'linux' }: Node): boolean => hostKinds.has(kind);

const namedRoles: readonly (readonly [RegExp, Role])[] = [
  [/spine/i, 'spine'],
  [/border|edge/i, 'border'],
  [/leaf|tor\b/i, 'leaf'],
  [/server|host|client|srv/i, 'server'],
];

/** Words that are part of many names say a role only when they are all that is said. */
const wholeRoles: readonly Role[] = ['external', 'gateway'];

const roleNamed = (text: unknown): Role | undefined => wholeRoles.find((role) => role === text) ?? (typeof text === 'string' ? namedRoles.find(([pattern]) => pattern.test(text))?.[1] : undefined);

const roleOf = (name: string, node: Node, cables: readonly Cable[], nodes: Topology['topology']['nodes']): { role: Role; reason: string } => {
  const labelled = roleNamed(node.labels?.['heddle.dev/role'] ?? node.labels?.['role']);
  if (labelled !== undefined) return { role: labelled, reason: 'its label' };
  const grouped = roleNamed(node.group);
  if (grouped !== undefined) return { role: grouped, reason: 'its group' };
  const named = roleNamed(name);
  if (named !== undefined && (named === 'server' || !isHost(node))) return { role: named, reason: 'its name' };
  if (isHost(node)) return { role: named ?? 'server', reason: 'its kind' };
  const neighbours = cables.filter((ends) => ends.some((end) => end.node === name)).flatMap((ends) => ends.filter((end) => end.node !== name));
  const servesHosts = neighbours.some((end) => isHost(nodes[end.node] ?? {}));
  return { role: servesHosts ? 'leaf' : 'spine', reason: servesHosts ? 'the hosts that are cabled to it' : 'having no hosts' };
};

type Tell = (outcome: Outcome, path: string, message: string) => void;
type Link = NonNullable<Topology['topology']['links']>[number];

const cableOf = ({ type, endpoints }: Link, nodes: Topology['topology']['nodes'], path: string, note: Tell): Cable[] => {
  if (type !== undefined && type !== 'veth') {
    note('lost', path, `a link of type "${type}" leaves the topology; only cables between nodes are taken over`);
    return [];
  }
  const [left, right] = endpoints.flatMap((each, index) => endOf(each, nodes, `${path}.endpoints[${index}]`, note));
  return left === undefined || right === undefined ? [] : [[left, right]];
};

/** What containerlab connects to and runs no node for. */
const outside: ReadonlySet<string> = new Set(['host', 'mgmt-net', 'macvlan', 'dummy']);

const endOf = (each: Static<typeof endpoint>, nodes: Topology['topology']['nodes'], path: string, note: Tell): End[] => {
  const [node = '', port = ''] = typeof each === 'string' ? each.split(':') : [each.node, each.interface];
  if (Object.hasOwn(nodes, node)) return [{ node, port, path }];
  if (outside.has(node)) note('lost', path, `"${node}" is outside the topology`);
  else note('error', path, `there is no node "${node}"`);
  return [];
};

/** Their ports are called what they call them. */
const ownNames: ReadonlySet<Role> = new Set(['server', 'external']);

/** With the ports of switches under their neutral names; nothing when a name says no number. */
const neutral = (ends: Cable, roleAt: (name: string) => Role, note: Tell): Cable[] => {
  const [left, right] = ends.flatMap((end): End[] => {
    const port = ownNames.has(roleAt(end.node)) ? end.port : neutralPort(end.port);
    if (port !== undefined && port !== '') return [{ ...end, port }];
    note('error', end.path, `"${end.port}" of "${end.node}" is not a port that is known; use names such as e1-1, ethernet-1/1, eth1 or swp1`);
    return [];
  });
  return left === undefined || right === undefined ? [] : [[left, right]];
};

/** `e1-49`, `ethernet-1/49`, `Ethernet1/49`, `eth49` and `swp49` are all `E1/49`. */
const neutralPort = (device: string): string | undefined => {
  const whole = /^(?:e|ethernet-|Ethernet|et-|xe-|ge-)(\d+)[-/](\d+)(?:[-/](\d+))?$/.exec(device);
  if (whole !== null) return ['E' + whole[1], whole[2], ...(whole[3] === undefined ? [] : [whole[3]])].join('/');
  const plain = /^(?:eth|swp|Ethernet|et|port)(\d+)$/.exec(device);
  return plain === null ? undefined : `E1/${plain[1]}`;
};

const devices = (roles: ReadonlyMap<string, { readonly role: Role }>, cables: readonly Cable[], profile: string, groupOf: (name: string) => unknown): Resource[] => {
  const all = [...roles];
  const switches = all.flatMap(([name, { role }]) => {
    if (role === 'server') return [];
    if (role === 'external') return [make('External', name, { bgp: {} })];
    if (role === 'gateway') return [make('Gateway', name, { profile })];
    const group = groupOf(name);
    return [make('Switch', name, { role, profile, ...(typeof group === 'string' ? { group } : {}) })];
  });
  const servers = all.filter(([, { role }]) => role === 'server').map(([name]) => {
    const ports = cables.flat().filter((end) => end.node === name).map((end): [string, object] => [end.port, {}]);
    return make('Server', name, { ports: Object.fromEntries(ports) });
  });
  return [...switches, ...servers];
};

/** Parallel cables between two devices are one Connection, as are all cables of a server. */
const connections = (cables: readonly Cable[], roleAt: (name: string) => Role): Resource[] => {
  const oriented = cables.map(([left, right]): Cable => (rank(roleAt(left.node)) <= rank(roleAt(right.node)) ? [left, right] : [right, left]));
  const together = Map.groupBy(oriented, ([left, right]) => (roleAt(right.node) === 'server' ? right.node : `${left.node}--${right.node}`));
  return [...together].map(([name, group]) => {
    const [first] = group;
    const leaves = [...new Set(group.map(([left]) => left.node))];
    const isServer = first !== undefined && roleAt(first[1].node) === 'server';
    return make('Connection', isServer ? [name, ...leaves].join('--') : name, { links: group.map(([left, right]) => ({ ends: [portOf(left), portOf(right)] })) });
  });
};

const portOf = ({ node, port }: End): string => `${node}/${port}`;

const rank = (role: Role): number => ['spine', 'border', 'leaf', 'gateway', 'server', 'external'].indexOf(role);
