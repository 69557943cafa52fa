/** A connection as what it is: cables of the underlay, or the way of one server into one leaf. */
import type { Resource } from '../../api/object.ts';
import type { Mac, Prefix } from '../../net/brand.ts';
import { largestServerMtu, overlayMtu } from '../mtu.ts';
import { clusterRef, macOf, path, prefixOf, specNamed, specOf } from '../intent.ts';
import { connectionsByPort } from '../relations.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { deviceKind, shapeOf, type Cable, type Shape } from './cabling.ts';
import { absent, Examination, unready, type Resolution } from './resolution.ts';
import { switchResolution, type ResolvedSwitch } from './switch.ts';

export interface SwitchPort {
  readonly device: string;
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
  readonly profiles: readonly string[];
  /** Without those that wait for their /31: a cable that is added must not stop those that run. */
  readonly links: readonly FabricLink[];
}

export interface ServerLink {
  readonly leaf: SwitchPort;
  readonly serverPort: string;
}

export interface ServerConnection {
  readonly type: 'unbundled' | 'bundle';
  readonly fabric: string;
  readonly leaf: string;
  readonly profile: string;
  readonly server: string;
  readonly mtu: number;
  readonly links: readonly ServerLink[];
  /** What an attachment names: the port, or the bundle over all ports. */
  readonly port: string;
  /** MAC of the server: of the first of its ports that declares one, which is the one a bond takes over. */
  readonly mac?: Mac;
}

export type ResolvedConnection = FabricConnection | ServerConnection;

/** Key: name. What the ends are, as far as they are known; it is shown even when the connection is not accepted. */
export const connectionType = query('connectionType', (view, name): string | undefined => {
  const object = view.get('Connection', '', name);
  if (object === undefined) return undefined;
  return shapeOf(specOf('Connection', object), new Examination(object, view), view)?.type;
});

/** Key: name. */
export const connectionResolution = query('connection', (view, name): Resolution<ResolvedConnection> => {
  const object = view.get('Connection', '', name);
  if (object === undefined) return absent;
  const seen = new Examination(object, view);
  const shape = shapeOf(specOf('Connection', object), seen, view);
  checkPorts(object, seen);
  if (shape === undefined) return seen.done<ResolvedConnection>(undefined);
  return shape.type === 'fabric' ? fabricConnection(shape, seen, view) : serverConnection(object, shape, seen, view);
});

/** Key: fabric. Servers with an accepted connection to one of its leaves. */
export const serversByFabric = derivedIndex('serversByFabric', 'Connection', connectionResolution, ({ value }) =>
  value === undefined || value.type === 'fabric' ? [] : [{ key: value.fabric, value: value.server }],
);

export const connectionLayers = [deviceKind, connectionType, connectionResolution, serversByFabric];

const checkPorts = (object: Resource, seen: Examination): void => {
  for (const [link, { ends }] of specOf('Connection', object).links.entries()) {
    for (const [end, port] of ends.entries()) {
      const elder = seen.elder(connectionsByPort, port);
      if (elder === undefined) continue;
      const message = `port "${port}" is used by the older Connection "${elder.name}"; use another port or delete that connection`;
      seen.error('PortInUse', path('spec', 'links', link, 'ends', end), message);
    }
  }
};

const fabricConnection = (shape: Shape, seen: Examination, view: View): Resolution<ResolvedConnection> => {
  const spine = switchAt(shape.cables[0]?.upper.device ?? '', shape.cables[0]?.upper.path ?? '', seen, view);
  const leaf = switchAt(shape.cables[0]?.lower.device ?? '', shape.cables[0]?.lower.path ?? '', seen, view);
  if (spine === undefined || leaf === undefined) return seen.done<ResolvedConnection>(undefined);
  if (spine.fabric !== leaf.fabric) {
    seen.error('FabricMismatch', 'spec.links', `the switches are of two fabrics, "${spine.fabric}" and "${leaf.fabric}"; cable within one`);
  }
  const fabric = specNamed(view, 'Fabric', leaf.fabric);
  const pool = fabric?.underlay.links === 'numbered' ? prefixOf(fabric.underlay.linkPool) : undefined;
  const links = shape.cables.flatMap((cable) => fabricLink(cable, [spine.profile, leaf.profile], pool, seen, view));
  return seen.done<ResolvedConnection>({ type: 'fabric', fabric: leaf.fabric, profiles: [spine.profile, leaf.profile], links });
};

const fabricLink = (
  { upper, lower }: Cable,
  [spineProfile, leafProfile]: readonly [string, string],
  pool: Prefix | undefined,
  seen: Examination,
  view: View,
): FabricLink[] => {
  const spine = switchPort(upper, spineProfile, seen, view);
  const leaf = switchPort(lower, leafProfile, seen, view);
  if (spine === undefined || leaf === undefined) return [];
  if (pool === undefined) return [{ spine, leaf }];
  const purpose = `${spine.device}/${spine.port}--${leaf.device}/${leaf.port}`;
  const candidates = { type: 'prefixes', prefix: pool, length: 31 } as const;
  const prefix = seen.claim({ pool: 'link', purpose, candidates, path: 'spec.links' });
  return prefix === undefined ? [] : [{ spine, leaf, prefix: prefixOf(prefix) }];
};

const serverConnection = (object: Resource, shape: Shape, seen: Examination, view: View): Resolution<ResolvedConnection> => {
  const [first] = shape.cables;
  const leaf = switchAt(first?.lower.device ?? '', first?.lower.path ?? '', seen, view);
  const server = first?.upper.device ?? '';
  const ports = specNamed(view, 'Server', server)?.ports ?? {};
  for (const { upper } of shape.cables) {
    if (Object.hasOwn(ports, upper.port)) continue;
    seen.error('UnknownPort', upper.path, `Server "${server}" has no port "${upper.port}"; it has ${listed(Object.keys(ports))}`);
  }
  if (leaf === undefined || first === undefined) return seen.done<ResolvedConnection>(undefined);
  const links = shape.cables.flatMap(({ upper, lower }): ServerLink[] => {
    const found = switchPort(lower, leaf.profile, seen, view);
    return found === undefined ? [] : [{ leaf: found, serverPort: upper.port }];
  });
  const mtu = serverMtu(object, leaf, seen, view);
  if (mtu === undefined) return seen.done<ResolvedConnection>(undefined);
  const mac = shape.cables.map(({ upper }) => ports[upper.port]?.mac).find((text) => text !== undefined);
  return seen.done<ResolvedConnection>({
    type: shape.type === 'bundle' ? 'bundle' : 'unbundled',
    fabric: leaf.fabric,
    leaf: first.lower.device,
    profile: leaf.profile,
    server,
    mtu,
    links,
    port: shape.type === 'bundle' ? bundleName(first.lower.port) : first.lower.port,
    ...(mac === undefined ? {} : { mac: macOf(mac) }),
  });
};

/** Bytes. Left out it is what segments carry, and attached servers learn it by DHCP (option 26, RFC 2132 §5.1). */
const serverMtu = (object: Resource, leaf: ResolvedSwitch, seen: Examination, view: View): number | undefined => {
  const fabric = specNamed(view, 'Fabric', leaf.fabric);
  if (fabric === undefined) return undefined;
  const { mtu } = specOf('Connection', object);
  const most = largestServerMtu(fabric.underlay.mtu);
  if (mtu !== undefined && mtu > most) {
    seen.error('MTUTooLarge', 'spec.mtu', `MTU "${mtu}" does not fit into the fabric; at most ${most} with fabric MTU ${fabric.underlay.mtu}`);
  }
  return mtu ?? overlayMtu(fabric.underlay.mtu);
};

/** Named after its first port, at most 15 characters for any port name that switches have. */
const bundleName = (port: string): string => `bond-${port.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}`;

const switchAt = (name: string, at: string, seen: Examination, view: View): ResolvedSwitch | undefined => {
  const resolution = view.query(switchResolution, name);
  if (resolution.value === undefined) seen.findings.push(unready(clusterRef('Switch', name), at, resolution));
  return resolution.value;
};

const switchPort = (
  { device, port, path }: Cable['upper'],
  profile: string,
  seen: Examination,
  view: View,
): SwitchPort | undefined => {
  const ports = specNamed(view, 'SwitchProfile', profile)?.ports ?? {};
  const found = Object.hasOwn(ports, port) ? ports[port] : undefined;
  if (found !== undefined) return { device, port, interface: found.interface };
  seen.error('UnknownPort', path, `Switch "${device}" has no port "${port}"; its profile "${profile}" has ${listed(Object.keys(ports))}`);
  return undefined;
};

/** `"a", "b" … "z"`: enough to see how ports are called. */
const listed = (names: readonly string[]): string => {
  if (names.length === 0) return 'no ports';
  const quoted = names.map((name) => `"${name}"`);
  return names.length <= 4 ? quoted.join(', ') : `${quoted[0]}, ${quoted[1]} … ${quoted.at(-1)}`;
};
