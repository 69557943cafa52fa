/**
 * The host behind an attached port: its address and MAC. With it the address is reserved for DHCP, and a host that never
 * speaks is reachable all the same.
 */
import type { ResolvedAttachment } from '../resolve/attachment.ts';
import type { ScopedRow } from '../view.ts';

/** No rows for a host whose address or MAC nobody knows. */
export const hostRows = ({ place, segment, connection, address }: ResolvedAttachment): ScopedRow[] => {
  const { legs, server, mac } = connection;
  if (address === undefined || mac === undefined) return [];
  const from = [server, connection.connection, place.overlay.vpc];
  return legs.map(({ leaf: { scope }, port }) => {
    const value = { segment, address, mac, port, hostname: server.name };
    return { scope, row: { table: 'host', key: `${segment}/${address}`, value }, from };
  });
};
