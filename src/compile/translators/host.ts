/**
 * The host behind an attached port: its address and MAC. With it the address is reserved for DHCP, and a host that never
 * speaks is reachable all the same.
 */
import { optional } from '../../kit/json.ts';
import type { ResolvedAttachment } from '../resolve/attachment.ts';
import type { ScopedRow } from '../view.ts';

/** No rows for a host whose addresses or MAC nobody knows. One row for all leaves of what is multihomed. */
export const hostRows = ({ place, segment, connection, vlan, address, ipv6Address }: ResolvedAttachment): ScopedRow[] => {
  const { legs, server, mac, group } = connection;
  if (mac === undefined) return [];
  const from = [server, connection.connection, place.overlay.vpc];
  const [leg] = legs;
  if (leg === undefined) return [];
  const scope = group ?? leg.leaf.scope;
  return [address, ipv6Address].flatMap((each): ScopedRow[] => {
    if (each === undefined) return [];
    const value = { segment, address: each, mac, port: leg.port, ...optional('vlan', vlan), hostname: server.name };
    return [{ scope, row: { table: 'host', key: `${segment}/${each}`, value }, from }];
  });
};
