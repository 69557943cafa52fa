/** A connection between a server and its leaves: the leaves' ports. They carry nothing until something is attached to them. */
import type { PortRow } from '../../goal/rows.ts';
import type { ServerConnection } from '../resolve/connection.ts';
import type { ScopedRow } from '../view.ts';

export const serverPortRows = ({ type, server, mtu, legs, fallback, esi }: ServerConnection): ScopedRow[] =>
  legs.flatMap(({ leaf, links, port: bundle }) => {
    const from = [server, leaf.profile];
    return links.map(({ port, interface: name, serverEnd: peer, media }) => {
      const single: PortRow = media === undefined ? { interface: name, role: 'server', mtu, peer } : { interface: name, role: 'server', mtu, peer, ...media };
      const segment = esi === undefined ? {} : { esi };
      const value = type === 'unbundled' ? single : { ...single, bundle, ...segment, ...(fallback && { fallback }) };
      return { scope: leaf.scope, row: { table: 'port', key: port, value }, from };
    });
  });
