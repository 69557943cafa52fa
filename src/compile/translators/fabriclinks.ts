/** A connection of the underlay: two ports and a BGP session over each cable. */
import type { BgpPeerRow, PortRow } from '../../goal/rows.ts';
import type { Address, InterfaceAddress, Prefix } from '../../net/brand.ts';
import { interfaceAddress } from '../../net/interfaceaddress.ts';
import { hostAt } from '../../net/prefix.ts';
import { clusterRef } from '../intent.ts';
import type { SwitchPort } from '../resolve/cableports.ts';
import type { FabricConnection, FabricLink } from '../resolve/connection.ts';
import type { Underlay } from '../resolve/fabric.ts';
import type { ScopedRow } from '../view.ts';

export const fabricLinkRows = ({ fabric, profiles, links, drained }: FabricConnection, underlay: Underlay): ScopedRow[] => {
  const from = [clusterRef('Fabric', fabric), ...profiles];
  return links.flatMap((link) => linkRows(link, underlay, (drained ?? link.drained) === true)).map(({ scope, row }) => ({ scope, row, from }));
};

type Placed = Omit<ScopedRow, 'from'>;

const linkRows = ({ upper, lower, prefix }: FabricLink, underlay: Underlay, drained: boolean): Placed[] => [
  ...endRows(upper, lower, prefix && { prefix, own: 0, other: 1 }, underlay, drained),
  ...endRows(lower, upper, prefix && { prefix, own: 1, other: 0 }, underlay, drained),
];

/** The /31 of a numbered link and the positions of its two ends in it (RFC 3021). */
interface Numbering {
  readonly prefix: Prefix;
  readonly own: number;
  readonly other: number;
}

const endRows = (own: SwitchPort, other: SwitchPort, numbering: Numbering | undefined, { mtu, bfd }: Underlay, drained: boolean): Placed[] => {
  const { scope } = own;
  const address = numbering && addressAt(numbering.prefix, numbering.own);
  const neighbour = numbering && hostAt(numbering.prefix, numbering.other);
  const port: PortRow = {
    interface: own.interface,
    role: 'fabric',
    mtu,
    peer: `${other.device}/${other.port}`,
    ...(address === undefined ? {} : { address }),
    ...own.media,
  };
  return [
    { scope, row: { table: 'port', key: own.port, value: port } },
    { scope, row: { table: 'bgpPeer', key: own.port, value: { ...peerOf(own.port, neighbour, bfd), ...(drained && { drained }) } } },
  ];
};

const addressAt = (prefix: Prefix, position: number): InterfaceAddress | undefined => {
  const address = hostAt(prefix, position);
  return address && interfaceAddress(address, prefix);
};

const peerOf = (
  port: string,
  address: Address | undefined,
  { enabled, intervalMilliseconds, multiplier }: Underlay['bfd'],
): BgpPeerRow => ({
  port,
  ...(address === undefined ? {} : { address }),
  ...(enabled ? { bfd: { intervalMilliseconds, multiplier } } : {}),
});
