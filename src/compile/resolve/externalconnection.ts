/** A cable to an outside network: a port of a border that Externals are put on, each with a VLAN tag of its own or none. */
import { refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import { clusterRef, specOf } from '../intent.ts';
import { largestServerMtu } from '../mtu.ts';
import type { View } from '../view.ts';
import { chassisAt, switchPort } from './cableports.ts';
import type { Shape } from './cabling.ts';
import { fabricUnderlay } from './fabric.ts';
import type { PortMedia } from './profile.ts';
import type { Examination } from './resolution.ts';
import type { Chassis } from './switch.ts';

export interface ExternalConnection {
  readonly type: 'external';
  readonly connection: ObjectRef;
  /** The External whose end the cable names; others may be reached over it too. */
  readonly external: ObjectRef;
  readonly leaf: Chassis;
  /** Neutral name of the port, and its name on the device itself. */
  readonly port: string;
  readonly interface: string;
  readonly media?: PortMedia;
  /** `<external>/<port>`. */
  readonly peer: string;
  /** Bytes. */
  readonly mtu: number;
}

/** What outside networks carry nearly everywhere; more has to be asked for. */
const outsideMtu = 1500;

export const externalConnection = (
  object: Resource, { cables }: Shape, seen: Examination, view: View,
): ExternalConnection | undefined => {
  const [first] = cables;
  if (first === undefined) return undefined;
  if (cables.length > 1) {
    seen.error('SeveralLinks', 'spec.links', `an External is reached by one cable a Connection, not ${cables.length}; make a Connection for each`);
  }
  const leaf = chassisAt(first.lower, seen, view);
  const port = leaf && switchPort(first.lower, leaf, seen, view);
  const underlay = leaf && view.query(fabricUnderlay, leaf.fabric);
  const { mtu = outsideMtu } = specOf('Connection', object);
  if (leaf === undefined || port === undefined || underlay === undefined) return undefined;
  const most = largestServerMtu(underlay.mtu);
  if (mtu > most) {
    seen.error('MTUTooLarge', 'spec.mtu', `MTU "${mtu}" does not fit into the fabric; at most ${most} with fabric MTU ${underlay.mtu}`);
  }
  return {
    type: 'external',
    connection: refOf(object),
    external: clusterRef('External', first.upper.device),
    leaf,
    port: port.port,
    interface: port.interface,
    ...(port.media === undefined ? {} : { media: port.media }),
    peer: first.upper.text,
    mtu,
  };
};
