/** Connection between a server and a leaf -> the leaf's ports. They carry nothing until something is attached to them. */
import { deviceScope, type PortRow } from '../../goal/rows.ts';
import { clusterRef } from '../intent.ts';
import { connectionResolution, connectionType, type ServerConnection, type ServerLink } from '../resolve/connection.ts';
import type { ScopedRow, Translator } from '../view.ts';

/** Reports also what is wrong with connections of the other shape: findings belong to the object, not to its rows. */
export const serverPortsTranslator: Translator = {
  name: 'server ports',
  kind: 'Connection',
  translate: (object, view) => {
    const { name } = object.metadata;
    const { value, findings, demands } = view.query(connectionResolution, name);
    const type = view.query(connectionType, name);
    const rows = value === undefined || value.type === 'fabric' ? [] : value.links.map((link) => portRow(value, link));
    return { rows, findings, demands, ...(type === undefined ? {} : { facts: { type } }) };
  },
};

const portRow = (connection: ServerConnection, { leaf, serverPort }: ServerLink): ScopedRow => {
  const value: PortRow = {
    interface: leaf.interface,
    role: 'server',
    mtu: connection.mtu,
    peer: `${connection.server}/${serverPort}`,
    ...(connection.type === 'bundle' ? { bundle: connection.port } : {}),
  };
  return {
    scope: deviceScope(leaf.device),
    row: { table: 'port', key: leaf.port, value },
    from: [clusterRef('Server', connection.server), clusterRef('SwitchProfile', connection.profile)],
  };
};
