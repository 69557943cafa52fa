/** A connection as what it is: cables of the underlay, or the way of one server into one leaf. */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { Mac, Prefix } from '../../net/brand.ts';
import { largestServerMtu, overlayMtu } from '../mtu.ts';
import { clusterRef, macOf, path, prefixOf, specNamed, specOf } from '../intent.ts';
import { connectionsByPort } from '../relations.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { deviceKind, pathOf, shapeOf, type Cable, type CableEnd, type Shape } from './cabling.ts';
import { fabricUnderlay, portInterface } from './fabric.ts';
import { absent, Examination, unready, type Resolution } from './resolution.ts';
import { knownSwitch, type Chassis } from './switch.ts';

export interface SwitchPort {
  readonly device: string;
  readonly scope: string;
  readonly port: string;
  /** Name on the device itself. */
  readonly interface: string;
}

export interface FabricLink {
  readonly spine: SwitchPort;
  readonly leaf: SwitchPort;
  /** The /31 of a numbered link; the spine has the lower address. */
  readonly prefix?: Prefix;
}

export interface FabricConnection {
  readonly type: 'fabric';
  readonly fabric: string;
  readonly profiles: readonly ObjectRef[];
  /** Without those that wait for their /31: a cable that is added must not stop those that run. */
  readonly links: readonly FabricLink[];
}

export interface ServerLink {
  /** Port of the leaf, and its name on the device itself. */
  readonly port: string;
  readonly interface: string;
  /** Both ends as `<device>/<port>`. */
  readonly leafEnd: string;
  readonly serverEnd: string;
}

export interface ServerConnection {
  readonly type: 'unbundled' | 'bundle';
  readonly connection: ObjectRef;
  readonly server: ObjectRef;
  readonly leaf: Chassis;
  /** Of the link, bytes. */
  readonly mtu: number;
  readonly links: readonly ServerLink[];
  /** What an attachment names: the port, or the bundle over all ports. */
  readonly port: string;
  /** MAC of the server: of the first of its ports that declares one, which is the one a bond takes over. */
  readonly mac?: Mac;
}

export type ResolvedConnection = FabricConnection | ServerConnection;

export interface ConnectionResolution extends Resolution<ResolvedConnection> {
  /** What the ends make of it, as far as they are known: shown even when the connection is not accepted. */
  readonly type?: ResolvedConnection['type'];
}

/** Key: name. */
export const connectionResolution = query('connection', (view, name): ConnectionResolution => {
  const object = view.get('Connection', '', name);
  if (object === undefined) return absent;
  const seen = new Examination(object, view);
  const shape = shapeOf(specOf('Connection', object), seen, view);
  checkPorts(object, seen);
  if (shape === undefined) return seen.done<ResolvedConnection>(undefined);
  const { type } = shape;
  const resolve = type === 'fabric' ? fabricConnection : serverConnection;
  const { findings, demands, value } = seen.done(resolve(object, shape, seen, view));
  return value === undefined ? { findings, demands, type } : { findings, demands, value, type };
});

/** Key: fabric. Servers with an accepted connection to one of its leaves. */
export const serversByFabric = derivedIndex('serversByFabric', 'Connection', connectionResolution, ({ value }) =>
  value === undefined || value.type === 'fabric' ? [] : [{ key: value.leaf.fabric, value: value.server.name }],
);

export const connectionLayers = [deviceKind, connectionResolution, serversByFabric];

const checkPorts = (object: Resource, seen: Examination): void => {
  for (const [link, { ends }] of specOf('Connection', object).links.entries()) {
    for (const [end, port] of ends.entries()) {
      const elder = seen.elder(connectionsByPort, port);
      if (elder === undefined) continue;
      const message = `port "${port}" is used by the older Connection "${elder}"; use another port or delete that connection`;
      seen.error('PortInUse', path('spec', 'links', link, 'ends', end), message);
    }
  }
};

type Resolve = (object: Resource, shape: Shape, seen: Examination, view: View) => ResolvedConnection | undefined;

const fabricConnection: Resolve = (_object, { cables }, seen, view) => {
  const [first] = cables;
  const spine = first && chassisAt(first.upper, seen, view);
  const leaf = first && chassisAt(first.lower, seen, view);
  if (spine === undefined || leaf === undefined) return undefined;
  if (spine.fabric !== leaf.fabric) {
    seen.error('FabricMismatch', 'spec.links', `the switches are of two fabrics, "${spine.fabric}" and "${leaf.fabric}"; cable within one`);
  }
  const underlay = view.query(fabricUnderlay, leaf.fabric);
  const pool = underlay?.links === 'numbered' ? prefixOf(underlay.linkPool) : undefined;
  const links = cables.flatMap((cable) => fabricLink(cable, [spine, leaf], pool, seen, view));
  return { type: 'fabric', fabric: leaf.fabric, profiles: [spine.profile, leaf.profile], links };
};

const fabricLink = (
  { upper, lower }: Cable,
  chassis: readonly [Chassis, Chassis],
  pool: Prefix | undefined,
  seen: Examination,
  view: View,
): FabricLink[] => {
  const [spine, leaf] = [switchPort(upper, chassis[0], seen, view), switchPort(lower, chassis[1], seen, view)];
  if (spine === undefined || leaf === undefined) return [];
  if (pool === undefined) return [{ spine, leaf }];
  const purpose = `${upper.text}--${lower.text}`;
  const candidates = { type: 'prefixes', prefix: pool, length: 31 } as const;
  const prefix = seen.claim({ pool: 'link', purpose, owner: seen.owner, candidates, path: 'spec.links' });
  return prefix === undefined ? [] : [{ spine, leaf, prefix: prefixOf(prefix) }];
};

const serverConnection: Resolve = (object, { type, cables }, seen, view) => {
  const [first] = cables;
  if (first === undefined) return undefined;
  const leaf = chassisAt(first.lower, seen, view);
  const mac = serverMac(cables, seen, view);
  if (leaf === undefined) return undefined;
  const found = cables.flatMap(({ upper, lower }): ServerLink[] => {
    const switchEnd = switchPort(lower, leaf, seen, view);
    return switchEnd === undefined ? [] : [{ port: switchEnd.port, interface: switchEnd.interface, leafEnd: lower.text, serverEnd: upper.text }];
  });
  const links = [...found];
  const mtu = serverMtu(object, leaf, seen, view);
  if (mtu === undefined) return undefined;
  const bundled = type === 'bundle';
  const [connection, server] = [refOf(object), clusterRef('Server', first.upper.device)];
  const port = bundled ? bundleName(first.lower.port) : first.lower.port;
  // Spelt out: an object that is put together from parts takes twice the room, and there is one for every server port.
  return mac === undefined
    ? { type: bundled ? 'bundle' : 'unbundled', connection, server, leaf, mtu, links, port }
    : { type: bundled ? 'bundle' : 'unbundled', connection, server, leaf, mtu, links, port, mac };
};

/** Of the first cabled port that declares one; a port that the server does not have is a fault. */
const serverMac = (cables: readonly Cable[], seen: Examination, view: View): Mac | undefined => {
  const server = cables[0]?.upper.device ?? '';
  const ports = specNamed(view, 'Server', server)?.ports ?? {};
  for (const { upper } of cables) {
    if (Object.hasOwn(ports, upper.port)) continue;
    seen.error('UnknownPort', pathOf(upper), `Server "${server}" has no port "${upper.port}"; it has ${listed(Object.keys(ports))}`);
  }
  const mac = cables.map(({ upper }) => ports[upper.port]?.mac).find((text) => text !== undefined);
  return mac === undefined ? undefined : macOf(mac);
};

/** Bytes. Left out it is what segments carry, and attached servers learn it by DHCP (option 26, RFC 2132 §5.1). */
const serverMtu = (object: Resource, leaf: Chassis, seen: Examination, view: View): number | undefined => {
  const underlay = view.query(fabricUnderlay, leaf.fabric);
  if (underlay === undefined) return undefined;
  const { mtu } = specOf('Connection', object);
  const most = largestServerMtu(underlay.mtu);
  if (mtu !== undefined && mtu > most) {
    seen.error('MTUTooLarge', 'spec.mtu', `MTU "${mtu}" does not fit into the fabric; at most ${most} with fabric MTU ${underlay.mtu}`);
  }
  return mtu ?? overlayMtu(underlay.mtu);
};

/** Named after its first port, at most 15 characters for any port name that switches have. */
const bundleName = (port: string): string => `bond-${port.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}`;

const chassisAt = (end: CableEnd, seen: Examination, view: View): Chassis | undefined => {
  const resolution = view.query(knownSwitch, end.device);
  if (resolution.value === undefined) seen.findings.push(unready(clusterRef('Switch', end.device), pathOf(end), resolution));
  return resolution.value?.chassis;
};

const switchPort = (end: CableEnd, { scope, profile }: Chassis, seen: Examination, view: View): SwitchPort | undefined => {
  const { device, port } = end;
  const found = view.query(portInterface, `${profile.name} ${port}`);
  if (found !== undefined) return { device, scope, port, interface: found };
  const ports = Object.keys(specNamed(view, 'SwitchProfile', profile.name)?.ports ?? {});
  seen.error('UnknownPort', pathOf(end), `Switch "${device}" has no port "${port}"; its profile "${profile.name}" has ${listed(ports)}`);
  return undefined;
};

/** `"a", "b" … "z"`: enough to see how ports are called. */
const listed = (names: readonly string[]): string => {
  if (names.length === 0) return 'no ports';
  const quoted = names.map((name) => `"${name}"`);
  return names.length <= 4 ? quoted.join(', ') : `${quoted[0]}, ${quoted[1]} … ${quoted.at(-1)}`;
};
