/**
 * The host behind an attached port: its address and MAC. With it the address is reserved for DHCP, and a host that never
 * speaks is reachable all the same.
 */
import type { ResolvedAttachment } from '../resolve/attachment.ts';
import type { ScopedRow } from '../view.ts';

/** No rows for a host whose addresses or MAC nobody knows. */
export const hostRows = ({ place, segment, connection, address, ipv6Address }: ResolvedAttachment): ScopedRow[] => {
  const { legs, server, mac } = connection;
  if (mac === undefined) return [];
  const from = [server, connection.connection, place.overlay.vpc];
  return [address, ipv6Address].flatMap((each) =>
    each === undefined
      ? []
      : legs.map(({ leaf: { scope }, port }) => {
          const value = { segment, address: each, mac, port, hostname: server.name };
          return { scope, row: { table: 'host', key: `${segment}/${each}`, value }, from };
        }),
  );
};
