/**
 * VPCAttachment -> on its leaf: membership in the VPC, the segment with its gateway, the port in the segment, and the host
 * behind it. A leaf holds exactly the segments that something is attached to there; the others it reaches by the L3VNI
 * (symmetric IRB, RFC 9135 §4). Attachments of one segment on one leaf hand in the same row, which stays until the last of
 * them is gone.
 */
import { familyOf } from '../../net/address.ts';
import { width } from '../../net/bits.ts';
import type { Prefix } from '../../net/brand.ts';
import { prefixLength } from '../../net/prefix.ts';
import { tenantKey } from '../intent.ts';
import { attachmentResolution } from '../resolve/admission.ts';
import type { ResolvedAttachment } from '../resolve/attachment.ts';
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

const rowsOf = ({ place, segment, connection }: ResolvedAttachment, shared: SubnetRows): ScopedRow[] => {
  const from = [place.overlay.vpc];
  return connection.legs.flatMap(({ leaf: { scope }, port }): ScopedRow[] => [
    ...shared.map((row) => ({ scope, row, from })),
    {
      scope,
      row: { table: 'attachment', key: port, value: { port, segment } },
      from: [place.overlay.vpc, connection.connection],
    },
  ]);
};

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
