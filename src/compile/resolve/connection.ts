/** A connection as what it is: cables of the underlay, the way of one server into its leaves, or one to an outside network. */
import type { Resource } from '../../api/object.ts';
import { withoutFirstLane } from '../../api/ports.ts';
import { path, specOf } from '../intent.ts';
import { connectionsByPort } from '../relations.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { deviceKind, shapeOf, type ConnectionType, type Shape } from './cabling.ts';
import { externalConnection, type ExternalConnection } from './externalconnection.ts';
import { fabricConnection, type FabricConnection } from './fabricconnection.ts';
import { absent, Examination, type Resolution } from './resolution.ts';
import { serverConnection, type ServerConnection } from './serverconnection.ts';
import type { Chassis } from './switch.ts';

export type { ExternalConnection } from './externalconnection.ts';
export type { FabricConnection, FabricLink } from './fabricconnection.ts';
export type { ServerConnection, ServerLeg, ServerLink } from './serverconnection.ts';

export type ResolvedConnection = FabricConnection | ServerConnection | ExternalConnection;

export const isServerConnection = (connection: ResolvedConnection): connection is ServerConnection =>
  connection.type === 'unbundled' || connection.type === 'bundle' || connection.type === 'multihomed';

/** Switches that hold what is attached to a server: those it is cabled to, and all others of their group. */
export const devicesOf = ({ legs, others = [] }: ServerConnection): readonly Chassis[] => [...legs.map(({ leaf }) => leaf), ...others];

export interface ConnectionResolution extends Resolution<ResolvedConnection> {
  /** What the ends make of it, as far as they are known: shown even when the connection is not accepted. */
  readonly type?: ConnectionType;
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
  const { findings, demands, value } = seen.done(resolve(object, shape, seen, view));
  return value === undefined ? { findings, demands, type } : { findings, demands, value, type };
});

const resolve = (object: Resource, shape: Shape, seen: Examination, view: View): ResolvedConnection | undefined => {
  const { type } = shape;
  if (type !== 'fabric' && type !== 'mesh' && type !== 'gateway') {
    return (type === 'external' ? externalConnection : serverConnection)(object, shape, seen, view);
  }
  const { mtu, fallback } = specOf('Connection', object);
  const says = { mtu: 'the Fabric sets the MTU of links between switches', fallback: 'there is no bundle between switches' };
  if (mtu !== undefined) seen.error('NotAServerConnection', 'spec.mtu', `${says.mtu}; remove this`);
  if (fallback === true) seen.error('NotAServerConnection', 'spec.fallback', `${says.fallback}; remove this`);
  return fabricConnection(object, type, shape, seen, view);
};

/** Key: fabric. Servers with an accepted connection to one of its leaves. */
export const serversByFabric = derivedIndex('serversByFabric', 'Connection', connectionResolution, ({ value }) =>
  value === undefined || !isServerConnection(value) ? [] : value.legs.slice(0, 1).map(({ leaf }) => ({ key: leaf.fabric, value: value.server.name })),
);

export const connectionLayers = [deviceKind, connectionResolution, serversByFabric];

const checkPorts = (object: Resource, seen: Examination): void => {
  for (const [link, { ends }] of specOf('Connection', object).links.entries()) {
    for (const [end, port] of ends.entries()) {
      const elder = seen.elder(connectionsByPort, withoutFirstLane(port));
      if (elder === undefined) continue;
      const message = `port "${port}" is used by the older Connection "${elder}"; use another port or delete that connection`;
      seen.error('PortInUse', path('spec', 'links', link, 'ends', end), message);
    }
  }
};
