/** Connection between a spine and a leaf -> two ports and a BGP session over each cable. */
import type { DefaultedFabricSpec } from '../../api/kinds/fabric.ts';
import { deviceScope, type BgpPeerRow, type PortRow } from '../../goal/rows.ts';
import type { Address, InterfaceAddress, Prefix } from '../../net/brand.ts';
import { interfaceAddress } from '../../net/interfaceaddress.ts';
import { hostAt } from '../../net/prefix.ts';
import { clusterRef, specNamed } from '../intent.ts';
import { connectionResolution, type FabricLink, type SwitchPort } from '../resolve/connection.ts';
import { nothing, type ScopedRow, type Translator } from '../view.ts';

export const fabricLinksTranslator: Translator = {
  name: 'fabric links',
  kind: 'Connection',
  translate: (object, view) => {
    const { value } = view.query(connectionResolution, object.metadata.name);
    if (value?.type !== 'fabric') return nothing;
    const fabric = specNamed(view, 'Fabric', value.fabric);
    if (fabric === undefined) return nothing;
    const from = [clusterRef('Fabric', value.fabric), ...value.profiles.map((profile) => clusterRef('SwitchProfile', profile))];
    const rows = value.links.flatMap((link) => linkRows(link, fabric));
    return { findings: [], rows: rows.map(({ scope, row }) => ({ scope, row, from })) };
  },
};

type Placed = Omit<ScopedRow, 'from'>;

const linkRows = ({ spine, leaf, prefix }: FabricLink, fabric: DefaultedFabricSpec): Placed[] => [
  ...endRows(spine, leaf, prefix && { prefix, own: 0, other: 1 }, fabric),
  ...endRows(leaf, spine, prefix && { prefix, own: 1, other: 0 }, fabric),
];

/** The /31 of a numbered link and the positions of its two ends in it (RFC 3021). */
interface Numbering {
  readonly prefix: Prefix;
  readonly own: number;
  readonly other: number;
}

const endRows = (own: SwitchPort, other: SwitchPort, numbering: Numbering | undefined, fabric: DefaultedFabricSpec): Placed[] => {
  const scope = deviceScope(own.device);
  const { mtu, bfd } = fabric.underlay;
  const address = numbering && addressAt(numbering.prefix, numbering.own);
  const neighbour = numbering && hostAt(numbering.prefix, numbering.other);
  const port: PortRow = {
    interface: own.interface,
    role: 'fabric',
    mtu,
    peer: `${other.device}/${other.port}`,
    ...(address === undefined ? {} : { address }),
  };
  return [
    { scope, row: { table: 'port', key: own.port, value: port } },
    { scope, row: { table: 'bgpPeer', key: own.port, value: peerOf(own.port, neighbour, bfd) } },
  ];
};

const addressAt = (prefix: Prefix, position: number): InterfaceAddress | undefined => {
  const address = hostAt(prefix, position);
  return address && interfaceAddress(address, prefix);
};

const peerOf = (
  port: string,
  address: Address | undefined,
  { enabled, intervalMilliseconds, multiplier }: DefaultedFabricSpec['underlay']['bfd'],
): BgpPeerRow => ({
  port,
  ...(address === undefined ? {} : { address }),
  ...(enabled ? { bfd: { intervalMilliseconds, multiplier } } : {}),
});
