/**
 * VPCAttachment -> on its leaf: membership in the VPC, the segment with its gateway, the port in the segment, and the host
 * behind it. A leaf holds exactly the segments that something is attached to there; the others it reaches by the L3VNI
 * (symmetric IRB, RFC 9135 §4). Attachments of one segment on one leaf hand in the same row, which stays until the last of
 * them is gone.
 */
import type { Row } from '../../goal/rows.ts';
import { optional } from '../../kit/json.ts';
import { familyOf } from '../../net/address.ts';
import { width } from '../../net/bits.ts';
import type { Prefix } from '../../net/brand.ts';
import { prefixLength } from '../../net/prefix.ts';
import { tenantKey } from '../intent.ts';
import { attachmentResolution } from '../resolve/admission.ts';
import type { ResolvedAttachment } from '../resolve/attachment.ts';
import type { HostAddresses } from '../resolve/hostaddress.ts';
import { devicesOf } from '../resolve/connection.ts';
import type { Facts, ScopedRow, Translator } from '../view.ts';
import { hostRows } from './host.ts';
import { subnetRows, type SubnetRows } from './segment.ts';

export const attachmentTranslator: Translator = {
  name: 'attachment',
  kind: 'VPCAttachment',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(attachmentResolution, tenantKey(object));
    const shared = value && view.query(subnetRows, `${value.place.vpc}/${value.place.name}`);
    if (value === undefined || shared === undefined) return { rows: [], findings, demands };
    return { rows: [...rowsOf(value, shared), ...hostRows(value)], findings, demands, facts: factsOf(value) };
  },
};

/** What is multihomed is said once for the whole group, so that its switches cannot differ; each of them is told that it is a member. */
const rowsOf = (attachment: ResolvedAttachment, shared: SubnetRows): ScopedRow[] => {
  const { place, segment, connection, vlan } = attachment;
  const { group: scope, legs } = connection;
  const from = [place.overlay.vpc];
  const port = legs[0]?.port ?? '';
  const value = { port, segment, ...optional('vlan', vlan), ...(connection.mac === undefined && addressesOf(attachment)) };
  const row: Row = { table: 'attachment', key: vlan === undefined ? port : `${port}.${vlan}`, value };
  const attached = { row, from: [place.overlay.vpc, connection.connection] };
  if (scope === undefined) {
    return legs.flatMap(({ leaf }): ScopedRow[] => [...shared.map((each) => ({ scope: leaf.scope, row: each, from })), { scope: leaf.scope, ...attached }]);
  }
  const isMembership = ({ table }: Row): boolean => table === 'member';
  const memberships: Row[] = [{ table: 'member', key: scope, value: { scope } }, ...shared.filter(isMembership)];
  return [
    ...devicesOf(connection).flatMap((device) => memberships.map((each): ScopedRow => ({ scope: device.scope, row: each, from }))),
    ...shared.filter((each) => !isMembership(each)).map((each): ScopedRow => ({ scope, row: each, from })),
    { scope, ...attached },
  ];
};

/** Of a server whose MAC address nobody knows, for which there are no `host` rows: only pinned addresses are known. */
const addressesOf = ({ address, ipv6Address }: ResolvedAttachment): Partial<HostAddresses> =>
  ({ ...optional('address', address), ...optional('ipv6Address', ipv6Address) });

const factsOf = ({ connection, place, address, ipv6Address }: ResolvedAttachment): Facts => {
  const { subnet: { prefix, ipv6 }, overlay: { mode } } = place;
  const lengthOf = (network: Prefix): number => (mode === 'l3' ? width(familyOf(network)) : prefixLength(network));
  return {
    server: connection.server.name,
    ports: connection.legs.flatMap(({ links }) => links.map(({ leafEnd }) => leafEnd)),
    ...(address === undefined ? {} : { address: `${address}/${lengthOf(prefix)}` }),
    ...(ipv6Address === undefined || ipv6 === undefined ? {} : { ipv6Address: `${ipv6Address}/${lengthOf(ipv6.prefix)}` }),
  };
};
