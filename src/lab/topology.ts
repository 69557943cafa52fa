/**
 * What has to be built, read from the wiring: nodes and the cables between their ports. Pure, and strict: a lab is only
 * built when every cable has two ends that exist, so all faults of a wiring file are told at once and nothing is begun.
 */
import type { TObject, Static } from 'typebox';
import { Check } from 'typebox/value';
import { builtinObjects } from '../api/builtin.ts';
import type { Resource } from '../api/object.ts';
import { connectionSpec } from '../api/kinds/connection.ts';
import { externalSpec } from '../api/kinds/external.ts';
import { gatewaySpec } from '../api/kinds/gateway.ts';
import { serverSpec } from '../api/kinds/server.ts';
import { parsePortRef } from '../api/port.ts';
import { portAt, withoutFirstLane } from '../api/ports.ts';
import { checkSettings } from '../api/portsettings.ts';
import { switchSpec } from '../api/kinds/switch.ts';
import { switchProfileSpec } from '../api/kinds/switchprofile.ts';
import { invalid, type Finding } from '../kit/error.ts';

/** An `external` is a router of somebody else's; everything but that and servers runs an agent. */
export type Role = 'spine' | 'leaf' | 'border' | 'gateway' | 'server' | 'external';

export interface CableEnd {
  readonly node: string;
  /** Name in the wiring: `E1/1` on switches, the interface itself on servers. */
  readonly port: string;
  /** Name of the network interface, at most 15 characters. */
  readonly interface: string;
  /** MAC address the wiring declares; servers only. */
  readonly mac?: string;
}

/**
 * On what stands and is cabled but is not declared yet: the lab builds it, starts its agent, and leaves it to somebody else to
 * apply it, so that a live fabric can grow.
 */
const spareAnnotation = 'lab.heddle.dev/spare';

export const isSpare = ({ metadata }: Resource): boolean => metadata.annotations?.[spareAnnotation] === 'true';

export interface Cable {
  /** Name of the Connection it belongs to. */
  readonly connection: string;
  readonly spare?: true;
  readonly ends: readonly [CableEnd, CableEnd];
}

export interface Topology {
  readonly nodes: readonly { readonly name: string; readonly role: Role; readonly spare?: true }[];
  readonly cables: readonly Cable[];
}

export interface Node {
  readonly role: Role;
  readonly spare?: true;
  /** The end of a cable at this port; undefined when the node has no such port. */
  readonly end: (port: string) => Omit<CableEnd, 'node' | 'port'> | undefined;
}

/** Nodes and cables of the devices and Connections among `objects`; other kinds are passed over. */
export const topologyOf = (objects: readonly Resource[]): Topology => {
  const findings: Finding[] = [];
  const nodes = readNodes(objects, findings);
  const cables = readCables(objects, nodes, findings);
  if (nodes.size === 0) findings.push({ path: '', code: 'NoNodes', message: 'there is no Switch and no Server to build' });
  if (findings.length > 0) throw invalid('the wiring', findings);
  return { nodes: [...nodes].map(([name, { role, spare }]) => ({ name, role, ...(spare && { spare }) })), cables };
};

const readNodes = (objects: readonly Resource[], findings: Finding[]): Map<string, Node> => {
  const profiles = new Map(
    specsOf([...builtinObjects, ...objects], 'SwitchProfile', switchProfileSpec, findings).map(({ name, spec }) => [name, spec]),
  );
  const nodes = new Map<string, Node>();
  const add = (name: string, path: string, node: Node): void => {
    const message = `"${name}" is the name of another device too: give each device its own`;
    if (nodes.has(name)) findings.push({ path, code: 'DuplicateName', message });
    else nodes.set(name, node);
  };
  const catalogueOf = (profile: string, path: string) => {
    const message = `SwitchProfile "${profile}" is neither built in nor among the files`;
    if (!profiles.has(profile)) findings.push({ path: `${path}.spec.profile`, code: 'UnknownProfile', message });
    return profiles.get(profile);
  };
  for (const { name, path, spec, spare } of specsOf(objects, 'Switch', switchSpec, findings)) {
    const profile = spec.profile ?? 'linux-soft';
    const catalogue = catalogueOf(profile, path);
    const settings = catalogue === undefined ? {} : checkSettings(profile, catalogue, spec.ports ?? {}).settings;
    add(name, path, { role: spec.role, ...spare, end: (port) => endOf(catalogue && portAt(catalogue, settings, port)) });
  }
  for (const { name, path, spec, spare } of specsOf(objects, 'Gateway', gatewaySpec, findings)) {
    const catalogue = catalogueOf(spec.profile ?? 'linux-soft', path);
    add(name, path, { role: 'gateway', ...spare, end: (port) => endOf(catalogue && portAt(catalogue, {}, port)) });
  }
  for (const { name, path } of specsOf(objects, 'External', externalSpec, findings)) {
    // The router outside has no declaration of its own: its ports are called as the cables call them.
    add(name, path, { role: 'external', end: (port) => ({ interface: port.replaceAll('/', '-') }) });
  }
  for (const { name, path, spec, spare } of specsOf(objects, 'Server', serverSpec, findings)) {
    add(name, path, { role: 'server', ...spare, end: (port) => serverEnd(port, spec.ports) });
  }
  return nodes;
};

const endOf = (port: ReturnType<typeof portAt> | undefined): { interface: string } | undefined =>
  port === undefined || 'reason' in port ? undefined : { interface: port.interface };

const serverEnd = (port: string, ports: Static<typeof serverSpec>['ports']) => {
  const declared = ports[port];
  if (declared === undefined) return undefined;
  return declared.mac === undefined ? { interface: port } : { interface: port, mac: declared.mac };
};

const readCables = (objects: readonly Resource[], nodes: ReadonlyMap<string, Node>, findings: Finding[]): Cable[] => {
  const taken = new Map<string, string>();
  const cables: Cable[] = [];
  for (const { name, path, spec, spare } of specsOf(objects, 'Connection', connectionSpec, findings)) {
    for (const [index, link] of spec.links.entries()) {
      const linkPath = `${path}.spec.links.${index}`;
      const ends = link.ends.map((text, end) => readEnd(text, `${linkPath}.ends.${end}`, name, nodes, taken, findings));
      const [a, b] = ends;
      if (a === undefined || b === undefined) continue;
      if (a.node === b.node || [a, b].every(({ node }) => ['server', 'external'].includes(nodes.get(node)?.role ?? ''))) {
        const message = `neither "${a.node}" nor "${b.node}" is a switch: cable each to one`;
        findings.push({ path: linkPath, code: 'NoSwitch', message });
      }
      cables.push({ connection: name, ...spare, ends: [a, b] });
    }
  }
  return cables;
};

const readEnd = (
  text: string,
  path: string,
  connection: string,
  nodes: ReadonlyMap<string, Node>,
  taken: Map<string, string>,
  findings: Finding[],
): CableEnd | undefined => {
  const fault = (code: string, message: string): undefined => {
    findings.push({ path, code, message });
    return undefined;
  };
  const ref = parsePortRef(text);
  if (!ref.ok) return fault(ref.code, ref.message);
  const { device: name, port } = ref.value;
  const node = nodes.get(name);
  if (node === undefined) return fault('UnknownDevice', `no Switch, Server, Gateway or External is called "${name}"`);
  const end = node.end(port);
  if (end === undefined) return fault('UnknownPort', `"${name}" has no port "${port}"`);
  if (!isInterfaceName(end.interface)) {
    return fault('InterfaceName', `"${end.interface}" cannot be a network interface of the lab: use at most 15 letters, digits, "-", "_" or "."`);
  }
  const holder = taken.get(withoutFirstLane(text));
  if (holder !== undefined) return fault('PortInUse', `port "${text}" is already cabled by Connection "${holder}"`);
  taken.set(withoutFirstLane(text), connection);
  return { node: name, port, ...end };
};

/** What Linux takes and iproute2 does not misread, without the names that every node of a lab already has. */
const isInterfaceName = (name: string): boolean =>
  /^[A-Za-z][A-Za-z0-9_.-]{0,14}$/.test(name) && !['lo', 'mgmt0', 'up', 'down', 'dev', 'type', 'all', 'default'].includes(name);

const specsOf = <Schema extends TObject>(
  objects: readonly Resource[],
  kind: string,
  schema: Schema,
  findings: Finding[],
): { name: string; path: string; spec: Static<Schema>; spare: { spare?: true } }[] =>
  objects
    .filter((object) => object.kind === kind)
    .flatMap((object) => {
      const { metadata: { name }, spec } = object;
      const path = `${kind}/${name}`;
      if (Check(schema, spec)) return [{ name, path, spec, spare: isSpare(object) ? { spare: true } : {} }];
      // The API server says every detail of a bad object; here it is enough that it cannot be built.
      findings.push({ path: `${path}.spec`, code: 'Schema', message: `does not have the shape of a ${kind}: see "heddle apply --dry-run"` });
      return [];
    });
