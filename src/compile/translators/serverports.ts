/** A connection between a server and a leaf: the leaf's ports. They carry nothing until something is attached to them. */
import type { PortRow } from '../../goal/rows.ts';
import type { ServerConnection } from '../resolve/connection.ts';
import type { ScopedRow } from '../view.ts';

export const serverPortRows = ({ type, leaf, server, mtu, links, port: bundle }: ServerConnection): ScopedRow[] => {
  const from = [server, leaf.profile];
  return links.map(({ port, interface: name, serverEnd: peer }) => {
    const single: PortRow = { interface: name, role: 'server', mtu, peer };
    const value = type === 'bundle' ? { ...single, bundle } : single;
    return { scope: leaf.scope, row: { table: 'port', key: port, value }, from };
  });
};
