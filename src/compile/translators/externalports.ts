/** A connection to an outside network: the border's port. What is routed over it is said by `vrfPort` rows of Externals. */
import type { PortRow } from '../../goal/rows.ts';
import type { ExternalConnection } from '../resolve/connection.ts';
import type { ScopedRow } from '../view.ts';

export const externalPortRows = ({ leaf, port, interface: name, mtu, peer, external, media }: ExternalConnection): ScopedRow[] => {
  const value: PortRow = { interface: name, role: 'external', mtu, peer, ...media };
  return [{ scope: leaf.scope, row: { table: 'port', key: port, value }, from: [external, leaf.profile] }];
};
